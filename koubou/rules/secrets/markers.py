"""Words by which people themselves say that a text is not for everybody."""

from __future__ import annotations

import re

from koubou.rules.expression import Expression
from koubou.rules.secrets.pattern import Pattern

_MARK = re.compile(
    r"\b(?:strictly|highly|company|commercial(?:ly)?|business|client|attorney[- ]client)"
    r"[ -]{1,3}(?:private and )?confidential\b"
    r"|\bconfidential (?:and|&|/) (?:proprietary|privileged|private)\b"
    r"|\b(?:proprietary|private|privileged) (?:and|&) confidential\b"
    r"|(?:^|\n)[ \t#*=\-\[(【]{0,10}(?:top secret|confidential)[ \t#*=\-\])】:：!.—–]{0,10}(?=\n|$)"
    r"|(?:^|\n)[ \t#*=\-\[(【]{0,10}(?:top secret|confidential)[ \t]{0,2}(?:[\])】:：—–]|-{1,2} )"
    r"|\bthis (?:document|email|e-mail|message|file|memo|report|text|information|material) (?:is|contains)"
    r" (?:strictly |highly )?confidential\b"
    r"|\b(?:is|are|under) (?:covered by |subject to )?(?:an |our )?nda\b|\bunder nda\b"
    r"|\b(?:is|are|contains|our) (?:a )?trade secrets?\b"
)
_SETTING = re.compile(
    r"confidential[\"']?:[ \t]{1,4}(?:\d{1,6}[a-z]{0,2}[ \t]{0,40}(?:#|\n|$)|[\[{]|(?:true|false|null|yes|no)\b"
    r"|[A-Z]\w{0,40}(?:\[[^\]\n]{0,40}\])?(?:[ ]?\|[ ]?\w{1,40}){0,4}(?:[ ]?=|[ ]?\n|$))"
)
"""A name of code or settings that is this word, with its type or its value: `confidential: Duration | None = …`."""
_AROUND = 60


def _is_mark(match: re.Match[str], text: str) -> bool:
    """Whether the word stands as people set a mark, and not in a sentence about such marks."""
    start = max(0, match.start() - _AROUND)
    if _SETTING.match(text, match.start()):
        return False
    cut = "." if start else ""  # where it is cut is no beginning of a line
    return _MARK.search(cut + text[start : match.end() + _AROUND].lower()) is not None


PATTERNS = (
    Pattern(
        rule="marked-confidential",
        category="marker",
        hints=("confidential", "top secret", "trade secret", "nda"),
        around=80,
        expression=Expression(r"confidential|top secret|trade secret|nda\b"),
        accepts=_is_mark,
        exact=False,
    ),
    Pattern(
        rule="marked-confidential-ja-zh",
        category="marker",
        hints=("社外秘", "部外秘", "極秘", "厳秘", "マル秘", "㊙", "機密", "秘密", "机密", "绝密", "絕密", "保密"),
        expression=Expression(
            # 部外秘 keeps a text inside one department: narrower than 社外秘, so confidential like it.
            r"(?:社外秘|部外秘)(?!の?(?:扱い|ラベル|マーク|区分|スタンプ|表示))|極秘|厳秘|マル秘|㊙(?![\"'])|绝密|絕密"
            r"|[【\[(（「《](?:最高)?(?:機密|秘密(?!鍵|キー|保持)|机密|保密)(?:[^】\])）」》\nをがのはとにでもす的]{0,8}|情報を含む?)[】\])）」》]"
            r"|(?:^|\n)[ \t#*]{0,6}(?:(?:機密|机密)(?:データ|数据|情報|信息)?|秘密)(?:[:：]|[ \t]{0,4}(?=\n|$))"
            r"|(?<!检测)(?<!検出)(?<!识别)(?<!处理)(?<!分类)(?<!分類)"
            r"(?:機密|机密)(?:文書|資料|书类|文件|资料|扱い|指定)"
            r"(?![的をのにと和及与检検分类類])"
            r"|(?:文書|資料|書類|内容|情報|ファイル|文件|资料|內容)(?:は|为|為|是|属于|屬於)(?:最高|極めて)?"
            r"(?:機密|机密|保密)(?![的をのにと区性]|では?(?:あり|な))"
            r"|(?:機密|机密)(?:情報)?(?:です|を含|が含|なので|につき)|内容(?:は|为|為)?(?:机密|保密)"
        ),
        exact=False,
    ),
    Pattern(
        rule="marked-internal",
        category="marker",
        hints=("internal",),
        around=80,
        expression=Expression(
            r"internal(?:[ -](?:use|distribution|circulation|audience|eyes|only)\b| memo(?:randum)?\b"
            r"|(?<![^\n\[(#]internal)[\]):])"
        ),
        exact=False,
        level="internal",
    ),
    Pattern(
        rule="marked-not-to-be-spread",
        category="marker",
        hints=("distribut", "company", "employees only", "for release", "external release", "proprietary"),
        around=150,
        expression=Expression(
            r"(?:do not|don't|not to be|not for) (?:re)?distribut(?:e|ed|ion)\b(?! (?:the )?(?:load|work|tasks?))"
            r"|not for (?:external |public |wider )(?:distribution|release)\b|not for release\b"
            r"|company[- ](?:use only|internal|proprietary)\b|employees only\b"
            r"|(?:is|contains) proprietary(?: (?:information|material|data))?(?: (?:of|to)\b|[.\n])"
            r"|(?:^|\n)[ \t#*=\-\[(]{0,10}proprietary(?: information)?[ \t#*=\-\]):.!]{0,10}(?=\n|$)"
        ),
        exact=False,
        level="internal",
    ),
    Pattern(
        rule="marked-internal-ja-zh",
        category="marker",
        hints=("社内", "取扱注意", "取り扱い注意", "内部", "関係者限り", "禁外传", "公司内"),
        expression=Expression(
            r"社内|取扱注意|取り扱い注意|関係者限り|内部(?:限り|資料|文書|使用|资料|文件|专用|傳閱|传阅)|仅限内部|僅限內部|禁外传|公司内部"
        ),
        exact=False,
        level="internal",
    ),
)
