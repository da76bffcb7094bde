"""The words by which people say what type of work they want, in English, Japanese and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from koubou.rules.expression import Expression


class Words(Struct, frozen=True):
    """What is said of a type: without one of `stems` in the text the expression is not tried, for speed.

    `weight` is small for what other types say as well: who wants a test written also says function.
    """

    stems: Sequence[str]
    said: Expression
    weight: int = 2


def _words(stems: str, *said: str, weight: int = 2) -> Words:
    return Words(tuple(stems.split("|")), Expression("|".join(said), re.ASCII), weight)


_WRITE = r"\b(?:write|add|create|generate|make|draft|update|prepare|build|implement|extend)(?: \S+){0,5}? "

WORDS: Mapping[str, Words] = {
    "code_review": _words(
        "review|audit|critique|feedback|look over|check this|check the|check my|レビュー|監査|指摘|確認|改善点|审|審"
        "|评|代码有|检查|看看|看一下",
        r"\b(?:code )?review(?:s|ing)? (?:this|the|my|our|following|these|code|pull|pr\b|diff|patch|change|it\b)",
        r"\bcode review\b|\bplease review\b|review一下|\bpull request\b|\b(?:audit|critique) (?:this|the|my"
        r"|our) (?:following )?"
        r"(?:code|implementation|function|module|class|diff|patch)",
        r"\b(?:look over|feedback on|check) (?:this|the|my|our) (?:function|code|diff|patch|pr\b|implementation)",
        r"レビュー|(?:コード|パッチ|差分|実装|関数).{0,12}(?:監査|指摘|確認して|改善点)|代码审查|审查|審查|评审|評審"
        r"|审阅|审计",
        r"代码.{0,4}有什么问题|(?:检查|看看|看一下).{0,8}(?:代码|pr|补丁|质量)",
    ),
    "testing": _words(
        "test|coverage|mock|テスト|测试|測試",
        r"\b(?:unit|integration|regression|property|property-based|acceptance|e2e|end-to-end) tests?\b",
        _WRITE + r"tests?\b|\btests? for the\b|\btest cases?\b|\btest suite\b|\bpytest\b|\b(?:test|code|increase"
        r"|more) coverage\b",
        r"\bmock\b.{0,40}\btest\b|テスト|测试(?!失败|报错)|測試",
    ),
    "refactoring": _words(
        "refactor|clean|simplify|restructure|extract|split|dead code|duplicat|readable|リファクタ|整理|共通化|簡潔|分割"
        "|切り出|見直|重构|重構|提取|简化|清理|拆|可读性|重复|smaller|重複",
        r"\brefactor(?:ing|s)?\b|\bclean(?:ing)? ?up\b|\bsimplify (?:this|the|my|our) (?:function|code|class|module)",
        r"\brestructure\b|\bdead code\b|\bde-?duplicat|\bduplicat(?:ed|ion)\b|\binto (?:\w+ ){0,2}smaller\b"
        r"|\bcode more readable\b",
        r"\bextract (?:\w+ ){0,4}(?:method|function|class|module)\b"
        r"|\bsplit (?:this|the|up) .{0,30}\b(?:modules|files|functions|classes)\b",
        r"リファクタ|(?:コード|クラス|モジュール|処理).{0,12}整理して|共通化|簡潔に|関数に切り出|(?:メソッド|関数"
        r"|クラス|ファイル)を.{0,6}分割"
        r"|モジュール構成を見直|重複.{0,10}まとめて",
        r"重构|重構|提取成|简化(?:这|函数|代码)|清理.{0,10}代码|拆分?成|代码结构|可读性|重复(?:的)?代码",
    ),
    "documentation": _words(
        "document|docstring|readme|changelog|tutorial|api doc|guide|comment|manual|ドキュメント|説明書|文書化|仕様書"
        "|手順書"
        "|コメント|チュートリアル|変更履歴|文档|注释|註解|说明|手册|教程|日志|文件說明",
        r"\b(?:write|add|update|improve|create|generate) (?:\w+ ){0,4}documentation\b|\bdocument (?:the|this|our|all"
        r"|how)\b",
        r"\bdocstrings?\b|\breadme\b|\bchangelog\b|\btutorial\b|\bapi docs?\b|\b(?:user|installation|install|admin) "
        r"(?:guide|manual)\b|\bcomments? (?:to|for|above|in) (?:the|this|every|all|each)\b",
        r"ドキュメント|説明書|文書化|仕様書|手順書|(?:コード|関数|クラス)に.{0,6}コメント|チュートリアル|変更履歴"
        r"|readmeを",
        r"文档|添加注释|注释|用户手册|入门教程|变更日志|安装说明|使用说明|文件說明|份readme",
    ),
    "architecture": _words(
        "architect|design|microservice|monolith|data flow|アーキテクチャ|設計|マイクロサービス|構成|架构|架構|设计"
        "|微服务",
        r"\barchitect(?:ure|ural)?\b|\bsystem design\b|\bhigh-level design\b|\bmicroservices?\b|\bmonolith\b"
        r"|\bdata flow\b|\bbe designed\b",
        r"\bdesign (?:an?|the|our|this)\b.{0,60}\b(?:system|service|platform|pipeline|schema|api|database)\b",
        r"アーキテクチャ|(?:システム|データベース|全体の?|基盤の?|api)を?の?設計|設計(?:し|を|案|方針)|マイクロサービス"
        r"|(?:システム|基盤)の?構成|構成案|架构|架構|系统设计",
        r"设计.{0,12}(?:系统|平台|服务|方案|表结构|数据库|api|接口)|(?:高层|总体)设计|微服务",
    ),
    "algorithm": _words(
        "algorithm|complexity|o(n|o(log|dynamic|shortest|sort|binary|graph|compute|k-th|subsequence|given an array"
        "|number of ways"
        "|knapsack|subarray|constant|linear|logarithmic|アルゴリズム|計算量|動的計画|最短|二分探索|部分列|グラフ"
        "|配列の|素数|算法|复杂度|动态规划|最短|二分|子数组"
        "|子序列|走法|贪心",
        r"\balgorithms?\b|\btime complexity\b|\bo\((?:n|log)|\bdynamic programming\b|\bshortest path\b|\bknapsack\b",
        r"\bsort(?:ing)? (?:an array|the array)\b|\bbinary (?:search|tree)\b|\bgraph (?:search|traversal)\b|\bk-th\b",
        r"\bcompute the (?:n-?th|number of|sum|minimum|maximum)\b|\bgiven an array\b|\bnumber of ways\b"
        r"|\b(?:sub(?:sequence|array))s?\b|\bweighted graph\b|\bin (?:constant|linear|logarithmic) (?:space|time)\b",
        r"アルゴリズム|計算量|動的計画|最短経路|二分探索|部分列|連結成分|素数を",
        r"算法|复杂度|動態規劃|动态规划|最短路径|二分查找|子数组|子序列|多少种走法|贪心",
    ),
    "bug_fix": _words(
        "fix|bug|broken|crash|regression|traceback|not work|n't work|nt work|fail|mend|repair|resolv|debug|wrong|leak"
        "|error|race condition"
        "|returns nothing|修正|直し|直す|解消|不具合|バグ|エラー|error|動かない|落ち|表示されません|発生|修复|修復"
        "|报错|崩溃|泄漏|泄露"
        "|无法运行|bug|解决|改正",
        r"\b(?:fix|resolve|mend|repair)(?:es|ing)?\b|\bbugs?\b|\bbroken\b|\bcrash(?:es|ed|ing)?\b|\bregression\b"
        r"|\btraceback\b",
        r"\b(?:does ?n[o']t|not|no longer) work(?:ing)?\b|\bfails? (?:with|when|on|to)\b|\bdebug\b|\bmemory leak\b",
        r"\bi get (?:an? )?\w*error\b|\braises? an? \w*error\b|\bis wrong by\b|\breturns nothing\b",
        r"修正して|(?:バグ|不具合|エラー|ずれ|落ち).{0,20}(?:修正|直し|直す)|(?<!書き)(?<!出しを)直してください$"
        r"|不具合|バグを|エラーが|動かない|落ちます"
        r"|メモリリーク|表示されません|\w+errorが|発生します",
        r"修复|修復|报错|崩溃|内存泄漏|内存泄露|无法运行|这个bug|找出原因并改正|程序出错",
    ),
    "code_modification": _words(
        "chang|switch|make|modif|updat|renam|replac|convert|port|migrat|upgrad|mov|delet|変更|書き換え|置き換え|移行"
        "|上げて|引数を|修改|改为|改成"
        "|替换|重命名|升级|迁移|转换成",
        r"\b(?:change|modify|update|rename|replace|convert|migrate|upgrade|move|remove|delete)(?:s|ing)?\b.{0,40}"
        r"\b(?:code|function|functions|class|method|file|module|variable|field|import|version|library|line|port"
        r"|calls?)s?\b",
        r"\b(?:port|switch) (?:this|the|my|our)\b.{0,40}\b(?:from|to)\b|\bmake (?:the|this) (?:function|class|method"
        r"|module)\b",
        r"(?:に|を)変更して|書き換え|置き換え|移行して|バージョン\S{0,4}上げて"
        r"|引数を.{0,6}追加",
        r"修改(?!.{0,4}bug)|改为|改成|替换|重命名(?!文件)|升级|迁移到|转换成",
    ),
    "feature_implementation": _words(
        "add|implement|introduc|support|stor|feature|機能|対応|追加|功能|添加|增加|实现用户|新增|给",
        r"\b(?:add|implement|build|introduce|support)(?:s|ing)? (?:\S+ ){0,4}(?:features?|support|options?|endpoints?"
        r"|button"
        r"|command|flag|mode|integration|screen|view|authentication|login|pagination)\b",
        r"\buser stor(?:y|ies)\b|\bnew feature\b|^\W*support \S+|^\W*add (?!.*(?:test|comment|docstring"
        r"|document)).{1,60} to (?:the|our|my|this)\b|\bimplement .{1,60} in (?:our|the)\b|\bimplement it in (?:the"
        r"|our) existing\b",
        r"機能を?(?:の)?.{0,4}(?:追加|実装|作)|に対応|(?<!テスト)(?<!コメント)(?<!引数)(?<!ケース)を追加(?:して|する"
        r"|したい)|機能を",
        r"功能|给.{0,20}(?:添加|增加)(?!.{0,12}(?:测试|注释|文档))|(?:添加|增加).{0,12}支持|(?:添加|增加"
        r"|新增)(?!.{0,12}(?:测试|注释|文档)).{0,12}(?:选项|框|按钮|页面|模式)",
    ),
    "code_generation": _words(
        "",
        r"\b(?:write|create|generate|implement|code|build|develop|make|provide) (?:me )?(?:an? "
        r"|some )?(?:[\w-]+[ -]){0,4}"
        r"(?:functions?|class(?:es)?|scripts?|programs?|modules?|apps?|applications?|code|cli|tool|query|regex|api"
        r"|web ?site|web ?page|bot|game|parser|server|component|library|generator|calculator)\b",
        r"\bin (?:python|javascript|typescript|rust|go|java|ruby|c\+\+|sql|bash|html)\b|\b(?:need|want) an? (?:\w+ )?"
        r"(?:regex|function|script|program|query)\b|\bdockerfile\b|\bone-liner\b|\bshell script\b",
        r"コードを|関数を|スクリプト|プログラム|実装|sqlを|正規表現を|(?:ゲーム|ツール|アプリ|サーバー?|クラス|ページ"
        r"|ボット)を.{0,4}作",
        r"实现|写一?.{0,20}(?:服务器|工具|爬虫|正则|类|接口)|代码|函数|脚本|程序|sql语句|正则表达式|组件",
        weight=1,
    ),
}
"""Where two types are said as much, the one that stands first here is meant."""

TEXTWORK = re.compile(
    r"^\W{0,4}(?:please )?(?:translate|summari[sz]e|proofread|paraphrase)\b|(?:翻訳|要約|校正)して|^\W{0,4}请?(?:翻译"
    r"|总结|概括)",
    re.ASCII,
)
"""Work on a text is that, whatever the text speaks of."""
QUESTION = re.compile(
    r"^\W{0,4}(?:what|why|how|when|where|who|which|is|are|can|could|does|do|should|explain|describe|tell me"
    r"|compare)\b|[?？]\s*$|とは|ですか|何です|なぜ|どう(?:して|やって)|教えて|説明して|誰です|什么|什麼|为什么|如何"
    r"|怎么|吗[?？。]?\s*$|解释"
)
