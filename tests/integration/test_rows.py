"""Rows in, rows out: a table and a template make tasks, once; their results come back in the order of the rows."""

from __future__ import annotations

import csv
import io
import json
import os
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from builders import NOW

from koubou.board import Board, open_for_writing
from koubou.cli.main import main
from koubou.cli.rows.batches import Aside
from koubou.cli.rows.drafting import Plan, Planned, planned
from koubou.cli.rows.reading import Row, rows_of
from koubou.config.load import load
from koubou.detectors.kingfisher import Kingfisher
from koubou.documents.limits import Limits
from koubou.documents.problems import BadDocument
from koubou.documents.reading import read_documents
from koubou.errors import Problem, TaskFileError
from koubou.folders.claim import claim
from koubou.folders.layout import Layout
from koubou.folders.read import read_claim
from koubou.folders.requests import ReadLimits, digest
from koubou.hands.examining import examine
from koubou.model.ulid import ulid
from koubou.rules.intake import new_task
from koubou.views.wishes import Wishes


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Room:
    """A folder with rows, a template and settings; nobody serves its workshop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = Layout(home=str(folder / "home"))
        self.layout.ensure()
        self.config = folder / "koubou.yaml"
        self.config.write_text(f"home: {self.layout.home}\n")
        self.template("prompt: 'Translate: {{ row.text }}'\nmetadata: {number: '{{row.number}}'}\n")

    def template(self, text: str) -> None:
        (self.folder / "t.yaml").write_text(text)

    def rows(self, text: str, name: str = "rows.csv") -> None:
        (self.folder / name).write_text(text)

    def planned(self, name: str = "rows.csv", **more: Any) -> list[Planned | Problem]:
        wishes = Wishes(keys=more.pop("keys", {}), attach=())
        plan = Plan(
            rows=str(self.folder / name),
            template=str(self.folder / "t.yaml"),
            id_column=more.pop("id_column", None),
            wishes=wishes,
        )
        return list(planned(plan, load(self.config, {}, more)))

    def tasks(self, name: str = "rows.csv", **more: Any) -> list[Planned]:
        found = self.planned(name, **more)
        assert all(isinstance(one, Planned) for one in found), found
        return [one for one in found if isinstance(one, Planned)]

    def problems(self, name: str = "rows.csv", **more: Any) -> list[str]:
        return [
            str(one).removeprefix(f"{self.folder}/") for one in self.planned(name, **more) if isinstance(one, Problem)
        ]

    def koubou(self, *words: str) -> Done:
        """The command, in this process: starting one costs more than all that it does here."""
        out, err = io.StringIO(), io.StringIO()
        environ = {"KOUBOU_CONFIG": str(self.config), "TZ": "UTC"}
        with patch.dict(os.environ, environ), chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            code = main(words)
        return Done(code, out.getvalue(), err.getvalue())

    def waiting(self) -> list[str]:
        """The files that lie in the drop folder."""
        return [name for name in os.listdir(self.layout.tasks) if name.endswith(".yaml") and name[0] != "."]

    def take_in(self) -> None:
        """What the intake and a turn do, without their processes."""
        board = Board(open_for_writing(Path(self.layout.board) / "koubou.db"))
        taken = claim(
            self.layout,
            [os.fsencode(each) for each in os.listdir(self.layout.tasks)],
            settle=0,
            now=NOW,
            limit=100,
            new_ulid=lambda: ulid(NOW, os.urandom(10)),
            scan=True,
        ).taken
        with board.transaction():
            for claimed in taken:
                drop = read_claim(self.layout, claimed, ReadLimits())
                for number, each in enumerate(drop.documents, start=1):
                    new = new_task(
                        each.request,
                        examine(each.request),
                        claim=claimed.ulid,
                        document=number,
                        owner=drop.owner,
                        digest=each.digest,
                        source=each.source,
                    )
                    board.tasks.insert(new, NOW)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def read(path: Path, limits: Limits = Limits()) -> list[Row | Problem]:  # noqa: B008 - it is frozen
    with rows_of(str(path), limits) as rows:
        return list(rows)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b'\xef\xbb\xbfa,b\r\n"1,\n2",\xe5\xb7\xa5\r\n'),
        ("a.csv", 'a;b\n"1,\n2";工\n'.encode()),
        ("a.tsv", 'a\tb\n"1,\n2"\t工\n'.encode()),
        ("a.jsonl", '\n{"a": "1,\\n2", "b": "工"}\n'.encode()),
        ("a.ndjson", b'{"a": "1,\\n2", "b": "\\u5de5"}'),
    ],
)
def test_the_same_rows_in_each_form(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    (row,) = read(tmp_path / name)
    assert isinstance(row, Row)
    assert (row.line, row.values) == (1 if name == "a.ndjson" else 2, {"a": "1,\n2", "b": "工"})


def test_values_of_jsonl_become_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1.50, "b": null, "c": true, "d": {"e": ["é"]}}\n')
    (row,) = read(tmp_path / "a.jsonl")
    assert isinstance(row, Row)
    assert row.values == {"a": "1.5", "b": "", "c": "true", "d": '{"e": ["é"]}'}


@pytest.mark.parametrize(
    ("name", "text", "line", "word"),
    [
        ("a.csv", "", 1, "is empty"),
        ("a.csv", "a,,c\n", 1, "column 2 has no name"),
        ("a.csv", "a,b,a\n", 1, "column 3 has the name of an earlier one"),
        ("a.csv", "a\n\0\n", 2, "NUL"),
        ("a.csv", f"a\n{'x' * 2000}\n", 2, "is longer than 1,000 bytes"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, text: str, line: int, word: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadDocument, match=word) as caught:
        read(tmp_path / name, Limits(size=1000))
    assert caught.value.problem.line == line


def test_a_bad_row_does_not_hide_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"a": \n[1]\n{"a": 1, "a": 2}\n{"a": NaN}\n{"a": 3}\n')
    found = read(tmp_path / "a.jsonl")
    assert [each.line for each in found if isinstance(each, Problem)] == [2, 3, 4, 5]
    assert [each.line for each in found if isinstance(each, Row)] == [1, 6]
    (tmp_path / "a.csv").write_text('a,b\n1,2\n3\n"4"x,5\n6,7\n')
    told = [each for each in read(tmp_path / "a.csv") if isinstance(each, Problem)]
    assert [each.line for each in told] == [3, 4]


def test_what_a_row_says_is_text_and_never_yaml(room: Room) -> None:
    evil = 'x"\ntier: gpt5_high\n? {{ row.number }} !!python {{ inputs.a }} \x85\u2028\ufeff\x7f \U0001f600 & *a'
    room.rows(json.dumps({"text": evil, "number": "}}"}) + "\n", "rows.jsonl")
    (one,) = room.tasks("rows.jsonl")
    assert one.request.prompt == f"Translate: {evil}"
    assert one.request.metadata == {"number": "}}"}
    (document,) = read_documents(one.text.encode(), name="")
    assert document.value["prompt"] == f"Translate: {evil}"
    assert "tier" not in document.value


def test_a_row_cannot_ask_for_the_answers_that_the_template_asks_for(room: Room) -> None:
    room.template("prompt: '{{ inputs.plan }} {{ row.a }}{{ row.b }}'\ninputs: {plan: t-1}\n")
    room.rows("a,b\nfine,fine\n{,{ inputs.plan }}\n")
    good, bad = room.planned()
    assert isinstance(good, Planned)
    assert good.request.prompt == "{{ inputs.plan }} finefine"
    assert isinstance(bad, Problem)
    assert "only the template may" in bad.message


def test_a_column_that_is_not_there_is_told_with_the_nearest(room: Room) -> None:
    room.rows("txt,number\na,1\n")
    with pytest.raises(TaskFileError) as caught:
        room.planned()
    problem = caught.value.problem
    assert (problem.line, problem.key, problem.nearest) == (1, "prompt", "row.txt")
    room.rows('{"text": "a", "number": 1}\n{"txt": "b", "number": 2}\n', "rows.jsonl")
    assert room.problems("rows.jsonl") == [
        'rows.jsonl:2: has no column text, which the template names (did you mean "txt"?)'
    ]


def test_a_template_with_bare_braces_says_what_to_do(room: Room) -> None:
    room.template("prompt: {{ row.text }}\n")
    room.rows("text\na\n")
    with pytest.raises(TaskFileError, match="in quotes"):
        room.planned()


def test_each_bad_row_is_told_with_its_line(room: Room) -> None:
    room.template("prompt: '{{ row.text }}'\npriority: '{{ row.priority }}'\nid: '{{ row.id }}'\n")
    room.rows('id,text,priority\na,"two\nlines",high\nb, ,high\nc,x,soon\n/,x,high\nA,x,high\n')
    told = room.problems()
    assert [line.split(":")[1] for line in told] == ["4", "5", "6", "7"]
    assert "prompt" in told[0]
    assert "priority" in told[1]
    assert "id" in told[2]
    assert "has the id of line 2" in told[3]


def test_ids_come_from_what_is_asked_and_how_often(room: Room) -> None:
    room.rows("number,text\n1,a\n2,b\n1,a\n")
    first = [one.id for one in room.tasks()]
    assert len(set(first)) == 3
    room.rows("text,number\nb,2\na,1\na,1\nc,3\n")  # another order, and one row more
    again = [one.id for one in room.tasks()]
    assert set(first) < set(again)
    assert {one.id for one in room.tasks(keys={"session": "s"})}.isdisjoint(again)


def test_a_column_can_hold_the_ids(room: Room) -> None:
    room.rows("number,text\nn-1,a\nn-2,a\n")
    assert [one.id for one in room.tasks(id_column="number")] == ["n-1", "n-2"]
    with pytest.raises(TaskFileError, match="--id-column"):
        room.planned(id_column="numbr")


def test_a_row_that_a_guardrail_refuses_does_not_take_others_with_it(room: Room) -> None:
    room.config.write_text(
        f"home: {room.layout.home}\nsecurity: {{guardrails: {{banned_words: [mandrake], on_banned_word: refuse}}}}\n"
    )
    room.rows("number,text\n1,fine\n2,a Mandrake\n")
    (told,) = room.problems()
    assert told.startswith("rows.csv:3: prompt")
    assert "banned" in told


def test_files_hold_so_many_tasks_as_the_intake_takes_well(room: Room) -> None:
    room.rows("number,text\n" + "".join(f'{number},"{"x," * 30}"\n' for number in range(450)))
    with Aside() as aside:
        for one in room.tasks():
            aside.put(one)
        batches = list(aside.batches())
    assert [len(batch.tickets) for batch in batches] == [200, 200, 50]
    for batch in batches:
        documents = read_documents(batch.data(), name="")
        assert [document.value["id"] for document in documents] == [ticket.id for ticket in batch.tickets]


def test_many_commas_make_smaller_files(room: Room) -> None:
    room.rows("number,text\n" + "".join(f'{number},"{"x," * 6000}"\n' for number in range(4)))
    with Aside() as aside:
        for one in room.tasks():
            aside.put(one)
        assert [len(batch.tickets) for batch in aside.batches()] == [3, 1]


def test_what_is_dropped_has_the_digest_that_was_promised(room: Room) -> None:
    room.template(
        "prompt: '{{ row.text }}'\nnot_before: 2030-01-01T00:00:00+09:00\n"
        "temperature: 0.5\nmetadata: {due: 2030-01-01}\n"
    )
    room.rows("text\na\nb\n")
    done = room.koubou("submit", "--from", "rows.csv", "--template", "t.yaml")
    assert done.returncode == 0, done.stderr
    room.take_in()
    board = Board(open_for_writing(Path(room.layout.board) / "koubou.db"))
    for one in room.tasks():
        known = board.tasks.identity(one.id)
        assert known is not None
        assert known[1] == one.digest == digest(one.request)


def test_the_same_rows_twice_make_no_second_task(room: Room) -> None:
    room.rows("number,text\n1,a\n2,b\n")
    words = ("submit", "--from", "rows.csv", "--template", "t.yaml", "--session", "s")
    first = room.koubou(*words)
    assert first.returncode == 0, first.stderr
    assert "2 submitted, 0 were there already" in first.stderr
    room.take_in()
    room.rows("number,text\n1,a\n2,b\n3,c\n")
    second = room.koubou(*words)
    assert "1 submitted, 2 were there already" in second.stderr
    assert second.stdout.split()[:2] == first.stdout.split()
    room.take_in()
    third = room.koubou(*words, "--json")
    assert "0 submitted, 3 were there already" in third.stderr
    assert [(each["line"], each["new"]) for each in json.loads(third.stdout)] == [(2, False), (3, False), (4, False)]


def test_nothing_is_dropped_unless_all_rows_are_good(room: Room) -> None:
    room.rows("number,text\n1,a\n2, \n3\n4,d\n")
    room.template("prompt: '{{ row.text }}'\n")
    words = ("submit", "--from", "rows.csv", "--template", "t.yaml")
    refused = room.koubou(*words)
    assert refused.returncode == 65
    assert "rows.csv:3: " in refused.stderr
    assert "rows.csv:4: " in refused.stderr
    assert room.waiting() == []
    skipping = room.koubou(*words, "--skip-bad")
    assert skipping.returncode == 65
    assert "2 submitted, 0 were there already, 2 bad rows skipped" in skipping.stderr
    (file,) = room.waiting()
    assert len(read_documents((Path(room.layout.tasks) / file).read_bytes(), name="")) == 2


def test_an_id_that_asks_for_something_else_stops_everything(room: Room) -> None:
    room.rows("number,text\nn-1,a\n")
    words = ("submit", "--from", "rows.csv", "--template", "t.yaml", "--id-column", "number")
    assert room.koubou(*words).returncode == 0
    room.take_in()
    room.rows("number,text\nn-2,b\nn-1,changed\n")
    refused = room.koubou(*words)
    assert refused.returncode == 65
    assert "rows.csv:3: a task with the id of this row exists" in refused.stderr
    assert room.waiting() == []


def test_a_dry_run_shows_and_submits_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kingfisher, "scan_texts", lambda *_: [])  # its rules take seconds to load
    room.rows("number,text\n1,hello\n2,b\n3, \n")
    room.template("prompt: '{{ row.text }}'\n")
    done = room.koubou("submit", "--from", "rows.csv", "--template", "t.yaml", "--dry-run")
    assert done.returncode == 65
    assert "hello" in done.stdout
    assert "2 tasks, 1 bad rows; nothing was submitted." in done.stdout
    assert room.waiting() == []


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "rows.csv"),
        ("--from", "rows.csv", "--template", "t.yaml", "--wait"),
        ("--from", "rows.csv", "--template", "t.yaml", "--id", "x"),
        ("--from", "rows.csv", "--template", "t.yaml", "--prompt", "x"),
        ("--from", "rows.txt", "--template", "t.yaml"),
        ("--template", "t.yaml", "t.yaml"),
    ],
    ids=" ".join,
)
def test_words_that_do_not_go_together_are_told(room: Room, words: tuple[str, ...]) -> None:
    room.rows("number,text\n1,a\n")
    room.rows("number,text\n1,a\n", "rows.txt")
    done = room.koubou("submit", *words)
    assert done.returncode == 64
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """Four rows: the first has an answer, the second failed, the third waits; the fourth was never submitted."""
    room = Room(tmp_path_factory.mktemp("answered"))
    room.rows("number,text,status\n1,a,x\n2,b,y\n3,c,z\n")
    words = ("submit", "--from", "rows.csv", "--template", "t.yaml", "--session", "s")
    done = room.koubou(*words)
    assert done.returncode == 0, done.stderr
    room.take_in()
    first, second, _ = done.stdout.split()
    board = Board(open_for_writing(Path(room.layout.board) / "koubou.db"))
    told = {"class": "refused", "message": "the model refuses"}
    with board.transaction():
        for task_id, status, error in ((first, "completed", None), (second, "failed", json.dumps(told))):
            board.connection.execute(
                "UPDATE task SET status = ?, waiting = NULL, error = ?, finished_at = ?, filed_at = ?, cost = 1500000, "
                "tokens = 12, tier = 'local' WHERE id = ?",
                (status, error, NOW, NOW, task_id),
            )
    folder = Path(room.layout.task_folder("completed", first))
    folder.mkdir(parents=True)
    (folder / "output.json").write_text(json.dumps({"answer": '=1+1 "工"', "complete": True}))
    room.rows("number,text,status\n2,b,y\n1,a,x\n3,c,z\n4,d,w\n")  # another order than they came in
    return room


def results(room: Room, *words: str) -> list[dict[str, Any]]:
    done = room.koubou("results", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_results_of_a_session_come_in_the_order_of_arrival(answered: Room) -> None:
    first, second, third = results(answered, "--session", "s")
    assert (first["status"], first["answer"], first["cost_usd"], first["tokens"]) == (
        "completed",
        '=1+1 "工"',
        0.0015,
        12,
    )
    assert first["metadata"] == {"number": "1"}
    assert (second["status"], second["error_class"], second["answer"]) == ("failed", "refused", None)
    assert (third["status"], third["answer"]) == ("pending", None)
    assert results(answered, "--session", "other") == []
    assert [each["id"] for each in results(answered, "--status", "failed")] == [second["id"]]


def test_results_of_rows_come_in_the_order_of_the_rows_with_their_columns(answered: Room) -> None:
    words = ("--from", "rows.csv", "--template", "t.yaml", "--session", "s")
    found = results(answered, *words)
    assert [(each["row"]["number"], each["status"]) for each in found] == [
        ("2", "failed"),
        ("1", "completed"),
        ("3", "pending"),
        ("4", "unknown"),
    ]
    done = answered.koubou("results", *words, "--format", "csv")
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(table[0])[:5] == ["number", "text", "status", "id", "koubou_status"]
    assert list(table[0])[-1] == "metadata.number"
    assert [(each["number"], each["status"], each["koubou_status"]) for each in table][1] == ("1", "x", "completed")
    assert table[1]["answer"] == '=1+1 "工"'


def test_a_table_can_be_made_harmless_for_spreadsheets(answered: Room) -> None:
    done = answered.koubou("results", "--session", "s", "--format", "csv", "--spreadsheet")
    first = next(csv.DictReader(io.StringIO(done.stdout)))
    assert first["answer"] == '\'=1+1 "工"'
    assert first["metadata.number"] == "1"


def test_waiting_ends_with_the_verdict_of_all(answered: Room) -> None:
    late = answered.koubou("results", "--session", "s", "--wait", "--timeout", "0")
    assert late.returncode == 75
    assert "1 of 3 tasks have not ended in time" in late.stderr
    assert len(late.stdout.splitlines()) == 3
    rows = ("--from", "rows.csv", "--template", "t.yaml", "--session", "s")
    late = answered.koubou("results", *rows, "--wait", "--timeout", "0")
    assert late.returncode == 75
    assert "2 of 4 tasks have not ended in time" in late.stderr


def test_an_answer_that_may_not_be_read_is_not_in_the_results(answered: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = Path(answered.layout.home).glob("tasks/completed/*/output.json")
    hidden = file.with_name("elsewhere")
    file.rename(hidden)
    try:
        done = answered.koubou("results", "--session", "s", "--status", "completed")
    finally:
        hidden.rename(file)
    assert json.loads(done.stdout)["answer"] is None
    assert "1 answers are not there, or not for you to read" in done.stderr
