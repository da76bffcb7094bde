"""How hard a task is: a score from 0 to 10 with its factors; 0 to 3 low, 4 to 6 medium, 7 and more high."""

from __future__ import annotations

import re
from collections.abc import Mapping

from koubou.model.decision import Reason
from koubou.model.task import Difficulty, TaskRequest
from koubou.rules.task_type import wish

_READ = 20_000
_BASE: Mapping[str, int] = {
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

_HARD = re.compile(
    r"\b(?:architect\w*|system design|design (?:an?|the|our) \w+|security|secur(?:e|ely)|vulnerab\w+"
    r"|cryptograph\w*|encrypt\w*|concurren\w+|thread[- ]?safe\w*|deadlocks?|race conditions?|parallel\w*"
    r"|distributed"
    r"|consensus|replicat\w+|consisten(?:cy|t hashing)|scal(?:able|ability|ing)|high availability"
    r"|fault[- ]toler\w+|real[- ]?time|multi-?(?:player|tenant|region)|machine learning|neural|compiler"
    r"|interpreter|kernel"
    r"|optimi[sz](?:e|ed|ing|ation|er)|performance|low latency|migrat(?:e|ion)\w*|microservices?|transactions?"
    r"|protocol|prove|proof|np-hard|dynamic programming|oauth|authenticat\w+|websockets?|web sockets?|deploy\w*"
    r"|full[- ]stack|server[- ]side|back-?end|artificial intelligence)\b"
    r"|アーキテクチャ|設計|セキュリティ|並行|並列|分散|最適化|排他|暗号|大規模|移行|証明|架构|设计|安全|并发|分布式|优化|加密|迁移|高可用|一致性"
)
_MIDDLING = re.compile(
    r"\b(?:refactor\w*|tests?|implement\w*|integrat\w+|databases?|api|rest|parse[rs]?|parsing|endpoints?"
    r"|features?|algorithms?|recurs\w+|graphs?|trees?|state machine|validat\w+|cach(?:e|ing)|async\w*|queues?"
    r"|bugs?|debug\w*"
    r"|review|third[- ]party|bots?|canvas|animat\w+|drag|upload\w*|search\w*|webhooks?|extension|game)\b"
    r"|リファクタ|テスト|実装|連携|データベース|解析|検証|キャッシュ|非同期|レビュー|重构|测试|实现|集成|数据库|解析|缓存|异步"
)
_EASY = re.compile(
    r"\b(?:simpl(?:e|y)|typos?|spelling|format(?:ting)?|translat\w+|rename|summari[sz]e|summary|hello|list(?:s"
    r"|ing)? the|one[- ]liner|short|brief\w*|small|trivial|basic|beginners?|easy|comment|capitali[sz]e"
    r"|convert\w*|quick"
    r"|what is|define)\b"
    r"|簡単|誤字|整形|翻訳|要約|名前を変|一言|短く|简单|错别字|格式化|翻译|总结|概括|改名|简短"
)
_CONSTRAINT = re.compile(
    r"\b(?:must(?: not)?|should(?: not)?|shall|required?|requirements?|constraints?|at (?:most|least)|without"
    r"|ensure|exactly|only if|never|always)\b|必ず|こと。|以内|以上|ないで|必须|不得|至少|最多|确保"
)
_BULLET = re.compile(r"(?:^|\n)[ \t]{0,8}(?:[-*+]|\d{1,2}[.)])[ \t]")


def weigh(request: TaskRequest, task_type: str) -> tuple[int, tuple[Reason, ...]]:
    """The score of a request, and its factors in the order in which they were counted."""
    said = f"{request.title}\n{wish(request)}"[:_READ]
    low = said.lower()
    counted: list[tuple[str, int, str]] = [("type", _BASE.get(task_type, 2), task_type.replace("_", " "))]
    hard, middling, easy = (len(set(words.findall(low))) for words in (_HARD, _MIDDLING, _EASY))
    counted.append(("hard_words", min(4, hard), f"words of hard work: {hard}"))
    counted.append(("middling_words", min(2, middling // 2), f"words of usual work: {middling}"))
    if easy and hard <= easy:
        counted.append(("easy_words", -min(2, easy), f"words of small work: {easy}"))
    counted.append(("length", _steps(_weight(said), 1_500, 4_000, 12_000), f"{len(said)} characters"))
    parts = len(_BULLET.findall(said))
    counted.append(("parts", _steps(parts, 8, 20), f"{parts} listed points"))
    constraints = len(_CONSTRAINT.findall(low)) + len(request.expect) + (2 if request.response_format else 0)
    counted.append(("constraints", _steps(constraints, 4, 10), f"{constraints} constraints"))
    size = sum(len(attachment.content) for attachment in request.attachments)
    counted.append(
        (
            "files",
            _steps(len(request.attachments), 2, 6) + _steps(size, 8_000, 40_000),
            f"{len(request.attachments)} files of {size} characters",
        )
    )
    if request.max_output_tokens is not None:
        counted.append(
            ("output", _steps(request.max_output_tokens, 8_000), f"up to {request.max_output_tokens} tokens of answer")
        )
    score = max(0, min(10, sum(points for _, points, _ in counted)))
    factors = tuple(
        Reason(rule=f"difficulty.{name}", reason=f"{points:+d} for {detail}")
        for name, points, detail in counted
        if points
    )
    return score, factors


def difficulty(score: int, asked: Difficulty | None) -> tuple[Difficulty, Reason]:
    """What was asked for, else what the score says."""
    if asked is not None:
        return asked, Reason(rule="difficulty.asked", reason=f"the task file says {asked}")
    found = Difficulty.LOW if score <= 3 else Difficulty.MEDIUM if score <= 6 else Difficulty.HIGH
    return found, Reason(rule="difficulty.score", reason=f"score {score} of 10")


def _steps(amount: int, *thresholds: int) -> int:
    """How many of the thresholds are reached."""
    return sum(amount >= threshold for threshold in thresholds)


def _weight(text: str) -> int:
    """The length in Latin letters: a Japanese or Chinese character says about as much as three of them."""
    return len(text) if text.isascii() else len(text) + 2 * sum(letter > "⺀" for letter in text)
