"""Documents are read within bounds, with their lines."""

from __future__ import annotations

import pytest

from koubou.documents.reading import BadDocument, Document, Limits, read_documents

SECRET = "hunter2-hunter2"


def read(text: str | bytes, *, json: bool = False, limits: Limits | None = None) -> list[Document]:
    data = text.encode() if isinstance(text, str) else text
    return read_documents(data, name="a.yaml", json=json, limits=limits or Limits())


def refused(text: str | bytes, *, json: bool = False, limits: Limits | None = None) -> BadDocument:
    with pytest.raises(BadDocument) as caught:
        read(text, json=json, limits=limits)
    assert caught.value.problem.file == "a.yaml"
    assert SECRET not in str(caught.value)
    return caught.value


def test_every_document_of_a_file_is_read_with_its_own_source_and_lines() -> None:
    first, second = read("# two\nprompt: a\n---\nprompt: b\nfiles: [x, y]\n--- \n")
    assert (first.value, first.source) == ({"prompt": "a"}, "# two\nprompt: a\n")
    assert (second.value, second.source) == ({"prompt": "b", "files": ["x", "y"]}, "---\nprompt: b\nfiles: [x, y]\n")
    assert first.place(("prompt",)) == (2, 1)
    assert second.place(("files", 1)) == (5, 12)


def test_a_place_that_is_not_written_is_the_nearest_above_it() -> None:
    (document,) = read("budget:\n  task: {usd: 1}\n")
    assert document.place(("budget", "task", "time")) == (2, 3)
    assert document.place(("nothing",)) == (1, 1)


def test_plain_values_are_those_of_the_safe_loader() -> None:
    (document,) = read("{a: 1, b: 1.5, c: true, d: null, e: text, f: '1', g: 2026-12-01, h: 0x1f, i: 017, j: 1_000}")
    value = document.value
    assert (value["g"].isoformat(), value["h"], value["i"], value["j"]) == ("2026-12-01", 31, 15, 1000)
    assert [value[key] for key in "abcdef"] == [1, 1.5, True, None, "text", "1"]


def test_aliases_and_merges_unfold() -> None:
    (document,) = read("a: &x {p: 1, q: 1}\nb: {<<: *x, q: 2}\nc: {q: 3, <<: [*x, {r: 4}]}\nd: *x\n")
    assert document.value["b"] == {"p": 1, "q": 2}
    assert document.value["c"] == {"p": 1, "q": 3, "r": 4}
    assert document.value["d"] == {"p": 1, "q": 1}


@pytest.mark.parametrize("json", [False, True])
def test_a_byte_order_mark_does_no_harm(json: bool) -> None:
    (document,) = read(b'\xef\xbb\xbf{"a": "\xe5\xb7\xa5"}', json=json)
    assert document.value == {"a": "工"}
    assert document.place(("a",)) == (1, 2)


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("data", [b"\xff\xfea\0", "a: b".encode("utf-16"), b"a: \0", b"caf\xe9", b"\xed\xa0\x80"])
def test_what_is_not_utf8_text_is_refused(data: bytes, json: bool) -> None:
    assert refused(data, json=json).kind == "encoding"


@pytest.mark.parametrize("data", ["", "  \n", "# only a comment\n", "---\n---\n"])
def test_a_file_with_nothing_in_it_is_empty(data: str) -> None:
    assert refused(data).kind == "empty"


def test_a_json_file_with_nothing_in_it_is_empty() -> None:
    assert refused(" \n", json=True).kind == "empty"


@pytest.mark.parametrize(
    ("text", "line", "column", "key"),
    [("a: 1\nb: 2\na: 3", 3, 1, "a"), ("x:\n- {p: 1, p: 2}", 2, 10, "x[0].p"), ("1: a\n1: b", 2, 1, "[1]")],
)
def test_a_key_that_stands_twice_is_refused_where_it_stands(text: str, line: int, column: int, key: str) -> None:
    error = refused(text)
    assert error.kind == "duplicate_key"
    assert (error.problem.line, error.problem.column, error.problem.key) == (line, column, key)


def test_a_json_key_that_stands_twice_is_refused_where_it_stands() -> None:
    problem = refused('{"x": [{"p": 1,\n  "p": 2}]}', json=True).problem
    assert (problem.line, problem.column, problem.key) == (2, 3, "x[0].p")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"!!python/object/apply:os.system [{SECRET}]", "tag"),
        (f"a: !secret {SECRET}", "tag"),
        ("! a", "tag"),
        ("&a [*a]", "alias"),
        ("*nobody", "alias"),
        (f'a: "{SECRET}', "yaml"),
        (f"{SECRET}: a: b", "yaml"),
        ("a:\n\tb: c", "yaml"),
        ("a: \x07", "yaml"),
        ("? [a]\n: b", "yaml"),
        ("<<: 5", "yaml"),
        ("a: .nan", "number"),
        ("a: -.inf", "number"),
        ("a: 2026-02-31", "number"),
        ("a: " + "1" * 1_000_000, "number"),
        ("a: 0x" + "f" * 1_000_000, "number"),
        ("a: 1" + ":59" * 300_000, "number"),
        ('a: "\\0"', "encoding"),
        ("[" * 100_000, "depth"),
        ("{" * 100_000, "depth"),
        ("- " * 100_000, "depth"),
        ("? " * 100_000, "depth"),
        ("\n".join(" " * depth + "a:" for depth in range(2_000)), "depth"),
    ],
)
def test_bad_yaml_is_refused_by_its_kind_and_never_quoted(text: str, kind: str) -> None:
    assert refused(text).kind == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'{{"a": "{SECRET}', "json"),
        (f"{{{SECRET}: 1}}", "json"),
        ('{"a": 1} x', "json"),
        ("[1,]", "json"),
        ("[NaN]", "number"),
        ("[-Infinity]", "number"),
        ("[1e999]", "number"),
        ("1" * 100_000, "number"),
        ('"\\ud83d"', "encoding"),
        ('{"a\\u0000": 1}', "encoding"),
        ("[" * 100_000, "depth"),
        ('{"a":' * 100_000, "depth"),
    ],
)
def test_bad_json_is_refused_by_its_kind_and_never_quoted(text: str, kind: str) -> None:
    assert refused(text, json=True).kind == kind


def test_json_may_have_emoji_escapes_and_brackets_in_text() -> None:
    (document,) = read('{"a": "\\ud83d\\ude00 ' + "[{" * 200 + '", "b": "\\\\u0000"}', json=True)
    assert document.value == {"a": "😀 " + "[{" * 200, "b": "\\u0000"}


def test_json_places_are_found_among_brackets_and_empty_containers() -> None:
    text = '{"a": [], "b": {},\n "c": [[1, {"d": "]"}], {}],\n "e": 5}'
    (document,) = read(text, json=True)
    assert document.place(("c", 0, 1, "d")) == (2, 13)
    assert document.place(("c", 1)) == (2, 25)
    assert document.place(("e",)) == (3, 2)


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 6)}]" for n in range(1, 10)]
    assert refused("\n".join(lines)).kind in {"nodes", "alias"}


def test_text_that_aliases_repeat_counts_each_time() -> None:
    assert refused("a: &a " + "x" * 400 + "\nb: [*a, *a]", limits=Limits(size=1_000)).kind == "nodes"


def test_limits_hold_for_size_values_and_aliases() -> None:
    assert refused("a" * 11, limits=Limits(size=10)).kind == "size"
    assert refused("[1, 2, 3]", limits=Limits(nodes=3)).kind == "nodes"
    assert refused("[1, 2, 3]", json=True, limits=Limits(nodes=2)).kind == "nodes"
    assert refused("a: &a 1\nb: [*a, *a]", limits=Limits(aliases=1)).kind == "alias"
    assert refused("[[1]]", limits=Limits(depth=1)).kind == "depth"
    assert refused("[[1]]", json=True, limits=Limits(depth=1)).kind == "depth"
    assert read("[[1]]", limits=Limits(depth=2))[0].value == [[1]]


def test_a_document_does_not_show_its_text() -> None:
    assert SECRET not in repr(read(f"password: {SECRET}")[0])
