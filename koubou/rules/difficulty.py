"""How hard a task is: a score from 0 to 10 with its factors; 0 to 3 low, 4 to 6 medium, 7 and more high."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from koubou.model.decision import Reason
from koubou.model.task import Difficulty, TaskRequest
from koubou.rules.bounds import largest_power
from koubou.rules.difficulty_words import latin_words, themes
from koubou.rules.task_type import wish

_READ = 20_000
MEDIUM, HIGH, TOP = 4, 7, 10
"""Where the words of a score begin, and its end."""

BASE: Mapping[str, int] = {
    "architecture": 6,
    "algorithm": 3,
    "feature_implementation": 3,
    "refactoring": 4,
    "bug_fix": 3,
    "code_review": 4,
    "testing": 3,
    "code_generation": 2,
    "code_modification": 2,
    "general": 2,
    "documentation": 1,
    "question_answering": 1,
}
"""Where a type of task begins before anything of this one is known."""


class Factor(Struct, frozen=True, kw_only=True):
    """Something that is counted in a task, and from how many of it on there is a point more, or less."""

    name: str
    counts: str
    steps: tuple[int, ...]
    sign: int = 1

    def points(self, amount: int) -> int:
        """A point for each step that is reached."""
        return self.sign * sum(amount >= step for step in self.steps)


_SHORT = range(100, 400)
"""Letters of a problem told in few words. The longer a text, the more words of every kind it has by chance; in a short
one each of them says more. A single sentence is left out: there a word is often no more than the topic."""

FACTORS: Sequence[Factor] = (
    Factor(name="design", counts="words of hard work (distributed, security, migration …)", steps=(1, 2, 3, 4)),
    Factor(name="outside", counts="systems outside of the program (database, login, payment …)", steps=(1, 2, 4)),
    Factor(name="state", counts="words of things that change by themselves (game, cache, undo …)", steps=(1, 2, 3)),
    Factor(name="structure", counts="words of thought-out work (graph, parser, recursion …)", steps=(1, 4)),
    Factor(name="reasoning", counts="words of reasoning (compare, derive, root cause …)", steps=(1, 3)),
    Factor(
        name="dense",
        counts=f"words of hard and thought-out work in a problem of {_SHORT.start} to {_SHORT.stop - 1} letters",
        steps=(1, 2, 3),
    ),
    Factor(name="question", counts="a question that asks for reasons (why, how, compare)", steps=(1,)),
    Factor(name="roles", counts="kinds of people it serves", steps=(1, 3)),
    Factor(name="parts", counts="listed points", steps=(10, 20)),
    Factor(name="constraints", counts="constraints", steps=(4, 12)),
    Factor(name="bound", counts="powers of ten of the largest bound that is named (n ≤ 10^5)", steps=(1, 5)),
    Factor(name="length", counts="letters outside of code", steps=(2_000, 4_000, 12_000)),
    Factor(name="files", counts="files", steps=(2, 6)),
    Factor(name="files_size", counts="characters of files", steps=(8_000, 40_000)),
    Factor(name="output", counts="tokens of answer asked for", steps=(4_000, 12_000)),
    Factor(name="small", counts="words of small work (typo, translate, simple …)", steps=(1, 3), sign=-1),
)

_BINDING_WORDS = (
    "must should shall require required requirement requirements constraint constraints without ensure exactly never "
    "always"
)
_BINDING = frozenset(_BINDING_WORDS.split())
_BINDING_PHRASES = (
    "at most",
    "at least",
    "only if",
    "必ず",
    "こと。",
    "以内",
    "以上",
    "ないで",
    "必须",
    "不得",
    "至少",
    "最多",
    "确保",
)
_BULLET = re.compile(r"^[ \t]{0,8}(?:[-*+][ \t]|・|\d{1,2}(?:[.)][ \t]|、))", re.MULTILINE)
_FENCED = re.compile(r"^[ \t]{0,8}(```|~~~).*?^[ \t]{0,8}\1[^\n]*", re.MULTILINE | re.DOTALL)
_EXAMPLES = re.compile(
    r"^\W{0,8}(?:examples?|sample|input|output|explanation|constraints?|入力|出力|例|制約|示例|样例|输入|输出|提示)"
    r"(?![a-z])[^\n]*(?:\n[^\n]+)*",
    re.IGNORECASE | re.MULTILINE,
)
_A_PROBLEM = frozenset(("algorithm", "code_generation", "general"))
"""Types of a text that states a problem; the others name work on what is there, and begin higher for it."""
_HEADING = re.compile(r"(#{1,6})[ \t]+([^\n]{1,100})|([^\n]{1,60})[:：]$")
_OPTIONAL = re.compile(
    r"^\W*(?:bonus|optional|stretch goals?|nice[- ]to[- ]have|extra (?:credit|features?)|(?:useful )?links"
    r"|useful resources|further reading|see also|example projects?)\b|^\W*(?:resources?|references?|credits)\W*$"
    r"|\(optional\)|^\W*(?:任意|おまけ|余裕があれば|参考|可选|可選|加分|附加|參考|选做)",
    re.IGNORECASE,
)
_FOR_REASONS = re.compile(
    r"^\W{0,4}(?:why|how (?:do|does|can|would|should)|compare|explain (?:why|how))\b"
    r"|なぜ|どうして|どのように|比較して|为什么|為什麼|如何|怎么|比较"
)
_OPENING = 240
_LONG_ANSWER = re.compile(r"(\d{3,5})[- ]?(word|line|[字行])")
_A_HEADING_BY_COLON = 7


def weigh(request: TaskRequest, task_type: str) -> tuple[int, tuple[Reason, ...]]:
    """The score of a request, and its factors in the order in which they were counted."""
    said = f"{request.title}\n{wish(request)}"[:_READ]
    needed = required(said)
    base = BASE.get(task_type, 2)
    score, told = base, [Reason(rule="difficulty.type", reason=f"{base:+d} for {task_type.replace('_', ' ')}")]
    amounts = _amounts(request, needed, task_type)
    for factor in FACTORS:
        amount = amounts[factor.name]
        points = factor.points(amount)
        if points and not (factor.name == "small" and amounts["design"] > amount):
            score += points
            count = "" if amount is True else f": {amount:,}"
            told.append(Reason(rule=f"difficulty.{factor.name}", reason=f"{points:+d} for {factor.counts}{count}"))
    return max(0, min(TOP, score)), tuple(told)


def difficulty(score: int, asked: Difficulty | None) -> tuple[Difficulty, Reason]:
    """What was asked for, else what the score says."""
    if asked is not None:
        return asked, Reason(rule="difficulty.asked", reason=f"the task file says {asked}")
    found = Difficulty.LOW if score < MEDIUM else Difficulty.MEDIUM if score < HIGH else Difficulty.HIGH
    return found, Reason(rule="difficulty.score", reason=f"score {score} of {TOP}")


def required(text: str) -> str:
    """The text without its optional parts: sections headed bonus, optional, references and the like."""
    if "\n" not in text:
        return text
    kept, below = [], 0
    for line in text.replace("\r\n", "\n").split("\n"):
        if line and (line[0] == "#" or line[-1] in ":：") and (heading := _HEADING.match(line)) is not None:
            level = len(heading[1]) if heading[1] else _A_HEADING_BY_COLON
            if not below or level <= below:
                below = level if _OPTIONAL.search(heading[2] or heading[3]) else 0
        if not below:
            kept.append(line)
    return "\n".join(kept)


def _amounts(request: TaskRequest, needed: str, task_type: str) -> dict[str, int]:
    """How much of each factor the request has."""
    low = needed.lower()
    words = latin_words(low)
    found = themes(low, words)
    prose = _FENCED.sub("", needed)
    short = task_type in _A_PROBLEM and _weight(_EXAMPLES.sub("", prose)) in _SHORT
    binding = sum(word in _BINDING for word in words) + sum(map(low.count, _BINDING_PHRASES))
    return {
        **found,
        "dense": found["design"] + found["structure"] if short else 0,
        "question": _FOR_REASONS.search(low[:_OPENING].strip()) is not None,
        "parts": len(_BULLET.findall(needed)),
        "constraints": binding + len(request.expect) + (2 if request.response_format else 0),
        "bound": largest_power(prose),
        "length": _weight(prose),
        "files": len(request.attachments),
        "files_size": sum(len(attachment.content) for attachment in request.attachments),
        "output": max(request.max_output_tokens or 0, _asked_length(low)),
    }


def _asked_length(low: str) -> int:
    """Tokens of the longest answer that the words ask for: two for a word or character, twelve for a line."""
    asked = _LONG_ANSWER.findall(low)
    return max((int(count) * (12 if unit in ("line", "行") else 2) for count, unit in asked), default=0)


def _weight(text: str) -> int:
    """The length in bytes: a Japanese or Chinese character has three, and says about as much as three letters."""
    return len(text.encode("utf-8", "replace"))
