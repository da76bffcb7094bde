"""koubou submit: check task files here and now, then drop them whole."""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from koubou.cli.filters import seconds
from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from koubou.cli.waiting import Dropped
    from koubou.model.status import Status
    from koubou.views.draft import Draft
    from koubou.views.wishes import Wishes
    from koubou.views.workshop import Workshop

KEYS = ("id", "type", "tier", "title", "session", "priority", "difficulty", "sensitivity")
"""The keys of a task that are options too."""
_CONFIRMED_WITHIN = 2.0
"""Seconds to see whether the master takes a file in; usually it takes some ten milliseconds."""


def declare(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="*", help="task files; - reads one from standard input")
    parser.add_argument("--prompt", metavar="TEXT", help="a task without a file; - reads the text from standard input")
    declare_wishes(parser)
    parser.add_argument("--wait", action="store_true", help="wait for the verdict and print the answer")
    parser.add_argument("--timeout", type=seconds, metavar="TIME", help="with --wait: for so long at most (90s, 30m)")
    parser.add_argument("--json", action="store_true", help="one JSON list: ids, or with --wait the results")
    declare_rows(parser)
    parser.add_argument("--skip-bad", action="store_true", help="leave bad rows out, and submit the others; exit 65")
    parser.add_argument("--dry-run", action="store_true", help="submit nothing: show the first tasks and an estimate")
    parser.examples(
        "koubou submit fix-login.yaml",
        'koubou submit --prompt "What does this do?" --file src/login.py --wait',
        "git diff | koubou submit --prompt - --type code_review --wait",
        "id=$(koubou submit task.yaml) && koubou wait $id",
        "koubou submit --from invoices.csv --template ask.yaml --session invoices --dry-run",
    )


def declare_wishes(parser: Parser) -> None:
    """The keys that replace those of a task file."""
    for key in KEYS:
        parser.add_argument(f"--{key}", metavar=key.upper(), help=f"the task's {key}, whatever its file says")
    parser.add_argument("--file", dest="attach", metavar="F", action="append", default=[], help="attach this file")


def declare_rows(parser: Parser) -> None:
    """The options that say which rows make which tasks, and the keys that replace the template's."""
    group = parser.add_argument_group("rows", "a task of each row of a table (docs/how-to/rows.md)")
    group.add_argument("--from", dest="rows", metavar="ROWS", help="a .csv, .tsv or .jsonl file; - is standard input")
    group.add_argument("--template", metavar="FILE", help="a task file with {{ row.COLUMN }} in its texts")
    group.add_argument("--id-column", metavar="COLUMN", help="the column with the ids; else by what a row asks for")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import note
    from koubou.cli.workshop import workshop_of
    from koubou.errors import NoMaster
    from koubou.views.looking import is_served

    workshop = workshop_of(arguments)
    if arguments.rows is not None:
        return _submit_rows(arguments, workshop)
    drafts = _drafts(arguments, workshop)
    served = is_served(workshop)
    if arguments.wait:
        if not served:
            raise NoMaster(f"nobody serves {workshop.layout.home}, and nothing was submitted; start it: koubou serve")
        return _drop_and_wait(arguments, workshop, drafts)
    dropped = _drop_all(workshop, drafts)
    _print_ids(arguments, drafts)
    if served:
        _confirm(workshop, dropped)
    else:
        note(f"nobody serves {workshop.layout.home} now; the files wait there (start it: koubou serve)")
    return 0


def _submit_rows(arguments: argparse.Namespace, workshop: Workshop) -> int:
    from koubou.cli.rows.plan import plan_of
    from koubou.errors import UsageMistake
    from koubou.views.looking import is_served

    if arguments.files or arguments.prompt is not None:
        raise UsageMistake("--from makes the tasks: give no task files and no --prompt beside it")
    if arguments.wait:
        raise UsageMistake("submit --from does not wait: koubou results --wait, with the same options, does")
    plan = plan_of(arguments, wishes_of(arguments))
    if arguments.dry_run:
        from koubou.cli.rows.preview import preview

        return preview(workshop, plan, as_json=arguments.json)
    from koubou.cli.rows.submitting import submit

    return submit(
        workshop,
        plan,
        lambda draft: _drop(workshop, draft),
        served=is_served(workshop),
        skip_bad=arguments.skip_bad,
        as_json=arguments.json,
    )


def _confirm(workshop: Workshop, dropped: Sequence[Dropped]) -> None:
    """See whether the master takes them in, for a moment. Raises TaskFileError with the reason of each refused."""
    from koubou.cli.progress import progress
    from koubou.cli.waiting import taken_in
    from koubou.cli.watching import watching
    from koubou.errors import BoardUnavailable, NoMaster, NotAllowed

    # Who may drop but not look has done what he can, and who finds nobody there has dropped all the same.
    with suppress(BoardUnavailable, NoMaster, NotAllowed), watching(workshop) as watch:
        with progress("waiting until they are taken in"):
            taken_in(workshop, watch, dropped, _CONFIRMED_WITHIN)


def _drop_and_wait(arguments: argparse.Namespace, workshop: Workshop, drafts: Sequence[Draft]) -> int:
    """Nothing is dropped by who could not see what becomes of it."""
    from koubou.cli.progress import progress
    from koubou.cli.say import note
    from koubou.cli.waiting import FOREVER, ended, taken_in
    from koubou.cli.watching import watching

    ids = [task_id for draft in drafts for task_id in draft.ids]
    timeout = FOREVER if arguments.timeout is None else arguments.timeout
    with watching(workshop) as watch:
        dropped = _drop_all(workshop, drafts)
        note(f"task {' '.join(ids)}")
        with progress("waiting until they are taken in"):
            taken_in(workshop, watch, dropped, timeout)
        verdicts = ended(watch, ids, timeout, lambda *_: None)
    return _print_results(arguments, workshop, ids, verdicts)


def _drafts(arguments: argparse.Namespace, workshop: Workshop) -> list[Draft]:
    """Everything checked before anything is dropped."""
    from koubou.cli import say
    from koubou.cli.progress import progress
    from koubou.errors import UsageMistake
    from koubou.model.ulid import ENTROPY_BYTES, ulid
    from koubou.views.draft import draft_of_file, draft_of_prompt, limits_of

    def new_id() -> str:
        return ulid(say.now(), os.urandom(ENTROPY_BYTES))

    if arguments.template or arguments.id_column or arguments.skip_bad or arguments.dry_run:
        raise UsageMistake(
            "--template, --id-column, --skip-bad and --dry-run go with --from\nTry: koubou submit --help"
        )
    if (arguments.prompt is None) == (not arguments.files):
        raise UsageMistake('submit takes task files or --prompt "…"\nTry: koubou submit --help')
    _check_text(arguments.prompt)
    wishes, limits = wishes_of(arguments), limits_of(workshop.settings)
    if arguments.prompt is not None:
        prompt = sys.stdin.read(limits.document.size) if arguments.prompt == "-" else arguments.prompt
        return [draft_of_prompt(prompt, wishes, limits, new_id)]
    with progress("checking files") as so_far:
        return [draft_of_file(file, wishes, limits, new_id) for file in so_far.each(arguments.files)]


def wishes_of(arguments: argparse.Namespace) -> Wishes:
    """What the options say beside the files. Raises UsageMistake."""
    from koubou.views.wishes import Wishes

    for key in KEYS:
        _check_text(getattr(arguments, key))
    keys = {key: getattr(arguments, key) for key in KEYS if getattr(arguments, key) is not None}
    if keys.get("priority", "").isdigit():
        keys["priority"] = int(keys["priority"])
    return Wishes(keys=keys, attach=arguments.attach)


def _check_text(words: str | None) -> None:
    from koubou.errors import UsageMistake

    try:
        (words or "").encode()
    except UnicodeEncodeError:
        raise UsageMistake("what the command line says must be UTF-8 text") from None


def _drop_all(workshop: Workshop, drafts: Sequence[Draft]) -> list[Dropped]:
    from koubou.cli.progress import progress

    with progress("dropping files") as so_far:
        return [_drop(workshop, draft) for draft in so_far.each(drafts)]


def _drop(workshop: Workshop, draft: Draft) -> Dropped:
    from koubou.cli import say
    from koubou.cli.waiting import Dropped
    from koubou.errors import NotAllowed
    from koubou.folders.submit import drop
    from koubou.model.ulid import ENTROPY_BYTES, ulid

    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", os.path.splitext(os.path.basename(draft.file))[0]).strip("-")
    name = f"{stem[:60] or 'task'}-{ulid(say.now(), os.urandom(ENTROPY_BYTES))}{draft.suffix}"
    tasks = workshop.layout.tasks
    try:
        drop(tasks, name, draft.data)
    except PermissionError:
        raise NotAllowed(
            f"{tasks}: you may not drop files here; be in the group koubou-submit, or its operator"
        ) from None
    except FileNotFoundError:
        raise NotADirectoryError(20, f"there is no workshop here yet; {workshop.how_to_begin}", tasks) from None
    return Dropped(draft=draft, name=name)


def _print_ids(arguments: argparse.Namespace, drafts: Sequence[Draft]) -> None:
    from koubou.cli.say import print_json

    if arguments.json:
        print_json([{"id": task_id, "file": draft.file} for draft in drafts for task_id in draft.ids])
    else:
        for draft in drafts:
            print("\n".join(draft.ids), flush=True)


def _print_results(
    arguments: argparse.Namespace, workshop: Workshop, ids: Sequence[str], verdicts: dict[str, Status]
) -> int:
    from koubou.cli import exits
    from koubou.cli.say import note, print_json
    from koubou.model.status import Status
    from koubou.rules.paper import incompleteness
    from koubou.views.answers import record_of

    results = [record_of(workshop, task_id, status) for task_id, status in verdicts.items()]
    if arguments.json:
        print_json(results)
    for result in results:
        if "error" in result:
            note(f"{result['task']} {result['status']}: {result['error']['message']}")
            note(f"{result['error'].get('remedy') or 'see: koubou explain ' + result['task']}")
        elif "answer" not in result:
            note(f"{result['task']} {result['status']}: its answer is not there, or not for you to read")
        elif not arguments.json:
            if len(ids) > 1:
                print(f"## {result['task']}\n")
            print(result["answer"])
            if lacks := incompleteness(result):
                note(f"{result['task']}: {lacks}")
    if any(status is not Status.COMPLETED for status in verdicts.values()):
        return exits.FAILED
    if len(verdicts) < len(ids):
        return exits.TIMED_OUT
    return exits.DONE
