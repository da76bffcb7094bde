"""koubou classify: how secret and how hard a text is, by the rules that tasks are judged by. Nothing is submitted."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.model.policy import Policy
    from koubou.model.task import TaskRequest

_LARGEST = 10_000_000
_TASK_KEYS = frozenset({"prompt", "messages", "prompt_file"})


def declare(parser: Parser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="-",
        help="a text or a task file; standard input when not given, or -",
    )
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou classify notes.txt", "git diff | koubou classify --json", "koubou classify task.yaml")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import one_line, print_json
    from koubou.detectors.kingfisher import Kingfisher
    from koubou.embedded.weights import default_models_dir
    from koubou.rules.classify import sensitivity
    from koubou.rules.difficulty import difficulty
    from koubou.rules.examine import examine
    from koubou.rules.guardrails import NOTE, told, verdict

    request = _request(arguments.file)
    # The same folder as the master's: the compiled rules are kept, since starting without takes seconds.
    detector = Kingfisher(default_models_dir().with_name("rules"))
    policy = _policy(arguments)
    seen = examine(request, detector.scan_texts, policy, owner=os.getuid(), thorough=True)
    secrets = [finding for finding in seen.findings if finding.level != NOTE]
    noted = [finding for finding in seen.findings if finding.level == NOTE]
    secret, secret_reason = sensitivity(seen.findings, request.sensitivity)
    hard, hard_reason = difficulty(seen.score, request.difficulty)
    if arguments.json:
        print_json(
            {
                "sensitivity": secret,
                "findings": [asdict(finding) for finding in secrets],
                "guardrails": [
                    {
                        "category": finding.category,
                        "rule": finding.rule,
                        "where": finding.where,
                        "line": finding.line,
                        "verdict": verdict(finding, policy),
                    }
                    for finding in noted
                ],
                "difficulty": hard,
                "score": seen.score,
                "factors": [asdict(factor) for factor in seen.factors],
                "type": seen.type,
                "reasons": [asdict(reason) for reason in (secret_reason, hard_reason, seen.type_reason)],
            }
        )
        return 0
    print(f"sensitivity  {secret}: {one_line(secret_reason.reason)}")
    for finding in secrets:
        print(f"             {finding.category} in {finding.where}, line {finding.line} ({finding.rule})")
    for finding in noted:
        print(f"guardrail    {verdict(finding, policy)}: {finding.where} {told(finding)}")
    print(f"difficulty   {hard}: {one_line(hard_reason.reason)} (score {seen.score})")
    for factor in seen.factors:
        print(f"             {factor.rule}: {one_line(factor.reason)}")
    print(f"type         {seen.type}: {one_line(seen.type_reason.reason)}")
    return 0


def _policy(arguments: argparse.Namespace) -> Policy:
    """What the settings add to the rules; where nobody named them and they cannot be used, that is said."""
    from koubou.cli.workshop import config_file, overrides
    from koubou.config.load import load
    from koubou.config.security_settings import policy_of
    from koubou.errors import SettingsError
    from koubou.model.policy import OPEN

    try:
        return policy_of(load(config_file(arguments), os.environ, overrides(arguments)).security)
    except SettingsError as error:
        if arguments.config or os.environ.get("KOUBOU_CONFIG"):
            raise
        sys.stderr.write(f"without what the settings add: {error.problems[0]}\n")
        return OPEN


def _request(path: str) -> TaskRequest:
    """The request that a task file makes; any other text is taken as a prompt."""
    from koubou.errors import Problem, TaskFileError
    from koubou.model.task import TaskRequest

    name = "standard input" if path == "-" else path
    if path == "-":
        data = sys.stdin.buffer.read(_LARGEST + 1)
    else:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise TaskFileError("size", Problem(message=f"is larger than {_LARGEST:,} bytes", file=name))
    return _as_task(path, data) or TaskRequest(prompt=data.decode("utf-8", "replace"))


def _as_task(path: str, data: bytes) -> TaskRequest | None:
    """What a task file asks for; None for what does not read as one task (several are looked at as one text)."""
    from koubou.documents.problems import BadDocument
    from koubou.documents.reading import read_documents
    from koubou.errors import TaskFileError
    from koubou.views.draft import request_of

    named_as_task = path.lower().endswith((".yaml", ".yml", ".json"))
    try:
        documents = read_documents(data, name=path, json=path.lower().endswith(".json"))
    except BadDocument:
        return None
    value = documents[0].value
    if len(documents) > 1 or not isinstance(value, dict) or not _TASK_KEYS & value.keys():
        return None
    try:
        return request_of(path, documents[0])
    except TaskFileError:
        if named_as_task:
            raise
        return None
