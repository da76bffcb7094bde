"""Which type of task it is when its file does not say: by the words of its title and its request."""

from __future__ import annotations

import re
from collections.abc import Mapping

from koubou.model.decision import Reason
from koubou.model.task import TaskRequest

_OPENING = 240
"""People say what they want at the beginning: words there count three times."""
_READ = 4_000

_WORDS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(words)
    for name, words in {
        "code_review": r"\b(?:code )?review(?:s|ing)? (?:this|the|my|our|following|these|code|pull|pr\b|diff"
        r"|patch|change)|\bcode review\b|\bpull request\b|\baudit (?:this|the) code"
        r"|\bcritique\b|レビュー|代码审查|審查|评审|审阅",
        "bug_fix": r"\bfix(?:es|ing)?\b|\bbugs?\b|\bbroken\b|\bcrash(?:es|ed|ing)?\b|\bregression\b"
        r"|\btraceback\b|\b(?:does ?n[o']t|not) work(?:ing)?\b|\bfails? (?:with|when|on|to)\b|\bdebug\b|\bmend\b"
        r"|修正|直し|直す|不具合|バグ|エラーが|動かない|修复|修復|报错|崩溃",
        "refactoring": r"\brefactor(?:ing|s)?\b|\bclean(?:ing)? ?up\b|\bsimplify\b|\brestructure\b"
        r"|\bextract (?:a |the )?(?:method|function|class)\b|\bdead code\b|\bdeduplicat"
        r"|リファクタ|整理して|重构|重構",
        "testing": r"\b(?:unit|integration|regression|property|acceptance|e2e) tests?\b|\b(?:write|add|create"
        r"|generate|more) (?:\w+ ){0,3}tests?\b|\btest cases?\b|\btest suite\b|\bpytest\b|\bcoverage\b"
        r"|テストを|テストケース|単体テスト|测试用例|单元测试|編寫測試|测试",
        "documentation": r"\bdocument(?:ation|s|ing)?\b|\bdocstrings?\b|\breadme\b|\bchangelog\b|\btutorial\b"
        r"|\bapi docs?\b|\buser guide\b|\bcomments? (?:to|for|the)\b"
        r"|ドキュメント|説明書|文書化|仕様書|コメントを|文档|注释|文件說明",
        "architecture": r"\barchitect(?:ure|ural)?\b|\bsystem design\b|\bdesign (?:a|an|the"
        r"|our)\b.{0,40}\b(?:system|service|platform|pipeline|schema|api|database)\b|\bmicroservices?\b"
        r"|\btrade-?offs?\b"
        r"|アーキテクチャ|システム設計|設計(?:し|を|案)|架构|架構|系统设计",
        "algorithm": r"\balgorithms?\b|\btime complexity\b|\bo\(n|\bdynamic programming\b|\bshortest path\b"
        r"|\bsort(?:ing)? (?:algorithm|an array|the array)\b|\bbinary (?:search|tree)\b|\bgraph (?:search"
        r"|traversal)\b"
        r"|\bcompute the (?:n-?th|number of|sum|minimum|maximum)\b|アルゴリズム|計算量|動的計画|算法|复杂度|动态规划",
        "feature_implementation": r"\b(?:add|implement|build|introduce|support)(?:s"
        r"|ing)? (?:\w+ ){0,4}(?:feature|support|option|endpoint|page|button|command|flag|mode|integration"
        r"|screen|view|form|authentication|login)\b"
        r"|\buser stor(?:y|ies)\b|\bnew feature\b|機能を(?:追加|実装)|に対応|新功能|添加功能|功能",
        "code_modification": r"\b(?:change|modify|update|rename|replace|convert|port|migrate|upgrade|move"
        r"|remove|delete)(?:s|ing)?\b.{0,40}\b(?:code|function|class|method|file|module|variable|field|import"
        r"|version|library|line)s?\b"
        r"|変更して|書き換え|置き換え|移行して|修改|改为|替换|重命名|升级",
        "code_generation": r"\b(?:write|create|generate|implement|code|build|develop|make) (?:me )?(?:an? |the "
        r"|some )?(?:\w+[ -]){0,4}(?:functions?|class(?:es)?|scripts?|programs?|modules?|apps?|applications?"
        r"|code|cli|tool|query|regex|api|"
        r"website|bot|game|parser|server|component|library|generator|calculator)\b|\bin (?:python|javascript"
        r"|typescript|rust|go|java|ruby|c\+\+|sql|bash)\b"
        r"|コードを|関数を|スクリプト|プログラム|実装|作成して|作って|编写|实现|写一个|生成代码|函数|脚本|程序",
    }.items()
}
_STEMS: Mapping[str, tuple[str, ...]] = {
    name: tuple(stems.split("|"))
    for name, stems in {
        "code_review": "review|pull request|audit|critique|レビュー|代码审查|審查|评审|审阅",
        "bug_fix": "fix|bug|broken|crash|regression|traceback|not work|n't work|nt work|fail|mend|修正|直し"
        "|直す|不具合|バグ|エラー|動かない|修复|修復|报错|崩溃",
        "refactoring": "refactor|clean|simplify|restructure|extract|dead code|deduplicat|リファクタ|整理|重构|重構",
        "testing": "test|coverage|テスト|测试|測試",
        "documentation": "document|docstring|readme|changelog|tutorial|api doc|user guide|comment|ドキュメント|説明書"
        "|文書化|仕様書|コメント|文档|注释|文件說明",
        "architecture": "architect|design|microservice|trade|アーキテクチャ|設計|架构|架構|系统设计",
        "algorithm": "algorithm|complexity|o(n|dynamic|path|sort|binary|graph|compute|アルゴリズム|計算量|動的計画|算法"
        "|复杂度|动态规划",
        "feature_implementation": "add|implement|build|introduc|support|stor|feature|機能|対応|功能",
        "code_modification": "chang|modif|updat|renam|replac|convert|port|migrat|upgrad|mov|delet|変更|書き換え"
        "|置き換え|移行|修改|改为|替换|重命名|升级",
        "code_generation": "",
    }.items()
}
"""Without one of these in the text the expression of the type is not tried: a search is a hundred times as cheap."""
_QUESTION = re.compile(
    r"^\W{0,4}(?:what|why|how|when|where|who|which|is|are|can|could|does|do|should|explain|describe|tell me"
    r"|compare)\b|[?？]\s*$|とは|ですか|何です|なぜ|どう(?:して|やって)|教えて|説明して|什么|为什么|如何|怎么|吗[?？。]?\s*$|解释"
)


def find_type(request: TaskRequest) -> tuple[str, Reason]:
    """The type that the file asks for, else the one whose words are said most and first; else question or general."""
    if request.type is not None:
        return request.type, Reason(rule="type.asked", reason=f"the task file says {request.type}")
    text = f"{request.title}\n{wish(request)}".strip().lower()[:_READ]
    opening = text[:_OPENING]
    scores = {}
    for name, words in _WORDS.items():
        for stem in _STEMS[name]:
            if stem in text:
                break
        else:
            continue
        said = len(words.findall(opening)) * 3 + min(3, len(words.findall(text, _OPENING)))
        if said:
            scores[name] = said
    if scores:
        best = max(scores, key=lambda name: scores[name])
        if scores[best] >= 3 or not _QUESTION.search(opening):
            return best, Reason(rule="type.words", reason=f"its words speak of {best.replace('_', ' ')}")
    if _QUESTION.search(opening):
        return "question_answering", Reason(rule="type.question", reason="it asks a question")
    return "general", Reason(rule="type.general", reason="no word tells the type")


def wish(request: TaskRequest) -> str:
    """What the person says: the prompt, or the last message of the user."""
    if request.prompt:
        return request.prompt
    said = [message.content for message in request.messages if message.role == "user"]
    return said[-1] if said else ""
