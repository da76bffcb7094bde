"""Guardrails: words that would turn a model, and names shaped to turn a shell, a path or a database.

What is seen is not refused by that: the settings say what follows.

Sources: OWASP Top 10 for LLM Applications (LLM01 prompt injection), OWASP Web Security Testing Guide (SQL, commands).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from koubou.errors import Problem
from koubou.model.decision import Finding
from koubou.model.policy import Flag, Policy, Verdict
from koubou.model.task import TaskRequest
from koubou.rules.expression import Expression
from koubou.rules.secrets.pattern import Pattern

NOTE = "note"
"""The level of what is no secret."""
INJECTION, SHAPE, BANNED = "prompt_injection", "injection_shape", "banned_word"


def _between_letters(match: re.Match[str], text: str) -> bool:
    """Hidden inside a word of the Latin alphabet, where no language needs it."""
    around = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
    return len(around) == 2 and around.isascii() and around.isalnum()


INJECTIONS = (
    Pattern(
        rule="ignore-instructions",
        category=INJECTION,
        hints=("ignore", "disregard", "forget", "override", "bypass"),
        expression=Expression(
            r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,20}\b(?:previous|prior|above|earlier|preceding|all|any"
            r"|your|the|system|safety)\b[^.\n]{0,24}"
            r"\b(?:instructions?|prompts?|directives?|guidelines|guardrails|safety (?:rules|filters?))\b"
        ),
        exact=False,
        level=NOTE,
    ),
    Pattern(
        rule="ignore-instructions-ja-zh",
        category=INJECTION,
        hints=("指示", "命令", "プロンプト", "指令", "提示词", "提示詞", "规则", "規則"),
        expression=Expression(
            r"(?:これまで|今まで|以前|上記|前述|先ほど|すべて|全て|あらゆる)の[^。\n]{0,12}(?:指示|命令|プロンプト|ルール)[^。\n]{0,6}"
            r"(?:無視|忘れ|破棄|従わ)"
            r"|(?:忽略|无视|無視|忘记|忘記|不要理会|不要遵守)[^。\n]{0,10}(?:之前|以上|上面|先前|前面|所有|系统|系統|你的)[^。\n]{0,8}"
            r"(?:指令|指示|提示词?|提示詞|规则|規則|命令)"
        ),
        exact=False,
        level=NOTE,
    ),
    Pattern(
        rule="system-prompt-extraction",
        category=INJECTION,
        hints=(
            "system prompt",
            "instructions",
            "repeat ",
            "システムプロンプト",
            "系统提示",
            "系統提示",
            "initial prompt",
            "hidden prompt",
        ),
        expression=Expression(
            r"\b(?:reveal|show|print|repeat|output|tell me|give me|display|leak|dump|what (?:is|are|was|were))"
            r"\b[^.\n]{0,24}"
            r"\b(?:your|the) (?:(?:system|initial|hidden|secret|original) (?:prompts?|instructions?|message)"
            r"|instructions? (?:above|verbatim|you were given))"
            r"|repeat (?:everything|all|the (?:words|text)) above"
            r"|システムプロンプトを[^。\n]{0,10}(?:教え|見せ|表示|出力|開示)"
            r"|(?:显示|告诉我|输出|重复|泄露|透露|顯示|輸出)[^。\n]{0,10}(?:系统|系統)提示"
        ),
        exact=False,
        level=NOTE,
    ),
    Pattern(
        rule="role-play-without-rules",
        category=INJECTION,
        hints=(
            "you are now",
            "from now on",
            "pretend",
            "jailbreak",
            "developer mode",
            "do anything now",
            "制限のない",
            "越狱",
        ),
        expression=Expression(
            r"\b(?:you are now|from now on,? you(?: are| will)|pretend (?:to be|you are))\b[^.\n]{0,60}"
            r"\b(?:dan|unrestricted|unfiltered|uncensored|jailbroken|no (?:rules|restrictions|filters?|limits)"
            r"|without (?:any )?(?:rules|restrictions|filters?|limits)|developer mode)\b"
            r"|\bdo anything now\b|\b(?:enter|enable|activate) (?:developer|jailbreak|god) mode\b"
            r"|制限のない(?:ai|アシスタント|モデル)(?:として|になり)|越狱模式"
        ),
        exact=False,
        level=NOTE,
    ),
    Pattern(
        rule="role-tag",
        category=INJECTION,
        hints=("<|", "[inst]", "<<sys>>", "<start_of_turn>", "### system:", "### instruction:"),
        expression=Expression(
            r"<\|(?:im_start|im_end|system|user|assistant|start_header_id|eot_id|endoftext|begin_of_text|start|channel"
            r"|message|end)\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|(?:^|\n)### (?:system|instruction):"
        ),
        exact=False,
        level=NOTE,
    ),
    Pattern(
        rule="hidden-direction",
        category=INJECTION,
        hints=tuple("\u202a\u202b\u202d\u202e\u2066\u2067\u2068"),
        expression=Expression("[\u202a\u202b\u202d\u202e\u2066-\u2068]"),
        level=NOTE,
    ),
    Pattern(
        rule="hidden-tags",
        category=INJECTION,
        hints=("\U000e0020", *map(chr, range(0xE0061, 0xE007B))),
        expression=Expression("(?<!\U0001f3f4)(?<![\U000e0020-\U000e007f])[\U000e0020-\U000e007e]{2}"),
        level=NOTE,
    ),
    Pattern(
        rule="hidden-in-a-word",
        category=INJECTION,
        hints=("\u200b", "\u200c", "\u200d", "\u2060", "\u2062", "\u2063", "\u2064", "\ufeff"),
        expression=Expression("[\u200b-\u200d\u2060-\u2064\ufeff]{1,100}"),
        accepts=_between_letters,
        level=NOTE,
    ),
)

_SHELL = re.compile(
    r"\$[({]|`|[\n\r\0]|[;|&]{1,2}[ \t]{0,8}(?:[a-z_./-]{0,40}/)?"
    r"(?:rm|sh|bash|zsh|curl|wget|nc|cat|python3?|perl|eval|exec|chmod|chown|sudo|dd|mkfs|id|whoami|sleep|touch|env|kill)\b"
    r"|>{1,2}[ \t]{0,8}[/~.]|<\(|^-{1,2}[a-z]|(?:^|/)-{1,2}[a-z][^/]{0,40}$",
    re.I,
)
_SQL = re.compile(
    r"['\"][ \t)]{0,8}(?:or|and)[ \t]{1,8}['\"(\w]{1,40}[ \t]{0,8}(?:=|<|>|like\b)|['\"][ \t)]{0,8};|;[ \t]{0,8}--"
    r"|\bunion(?:[ \t]{1,8}all)?[ \t]{1,8}select\b"
    r"|;[ \t]{0,8}(?:drop|delete|insert|update|alter|truncate|create|exec|grant|attach|pragma)\b"
    r"|\bdrop[ \t]{1,8}(?:table|database)\b|['\"][ \t]{0,8}(?:--|#|/\*)"
    r"|\b(?:pg_sleep|sleep|benchmark|waitfor delay)[ \t]{0,4}[('\"]",
    re.I,
)
_CLIMBS = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)")
_SHAPES: Mapping[str, re.Pattern[str]] = {"shell-shape": _SHELL, "sql-shape": _SQL, "path-shape": _CLIMBS}


def shapes(request: TaskRequest) -> Iterator[Finding]:
    """Where a name that may reach a shell, a path or a query has the shape of more than a name."""
    for where, text in names_of(request):
        for rule, expression in _SHAPES.items():
            if expression.search(text[:2_000]):
                yield Finding(category=SHAPE, where=where, rule=rule, line=1, sample="", level=NOTE)


def names_of(request: TaskRequest) -> Iterator[tuple[str, str]]:
    """The names in a request, with their places: what a program takes for a name, and not for text."""
    named = [
        ("id", request.id),
        ("session", request.session),
        ("parent", request.parent),
        ("workspace", request.workspace),
        ("prompt_file", request.prompt_file),
        ("executor", request.executor),
        *((f"files[{place}].name", attachment.name) for place, attachment in enumerate(request.attachments)),
        *((f"locks[{place}]", lock) for place, lock in enumerate(request.locks)),
        *((f"depends_on[{place}]", needed) for place, needed in enumerate(request.depends_on)),
        *(("inputs", text) for pair in request.inputs.items() for text in pair),
    ]
    return ((where, text) for where, text in named if text)


def verdict(finding: Finding, policy: Policy) -> Verdict | None:
    """What the settings say of what was seen; None for what is a secret, and no guardrail's matter."""
    if finding.level != NOTE:
        return None
    return {
        INJECTION: policy.prompt_injection,
        SHAPE: policy.injection_shapes,
        BANNED: policy.on_banned_word,
    }.get(finding.category, Verdict.NOTE)


def is_secret(flag: Flag) -> bool:
    """Whether what was flagged in an answer makes its task confidential."""
    return flag.category != BANNED


def refused_by(findings: Sequence[Finding], policy: Policy) -> Finding | None:
    """The first of what was seen that the settings refuse."""
    return next((finding for finding in findings if verdict(finding, policy) is Verdict.REFUSE), None)


def refusal(finding: Finding, file: str, which: str = "") -> Problem:
    """Why a file is refused: the rule, the place and the key of the settings, never the text."""
    message = f"{finding.where}{which} {told(finding)}: security.guardrails.{_KEYS[finding.category]} refuses it"
    return Problem(message=message, file=file, key=finding.where)


def told(finding: Finding) -> str:
    """What was seen, for people."""
    return f"{_SEEN[finding.category]} in line {finding.line} ({finding.rule})"


_KEYS: Mapping[str, str] = {INJECTION: "prompt_injection", SHAPE: "injection_shapes", BANNED: "on_banned_word"}
_SEEN: Mapping[str, str] = {
    INJECTION: "has what would turn a model",
    SHAPE: "has the shape of a command, a path or a query",
    BANNED: "has a banned word",
}
