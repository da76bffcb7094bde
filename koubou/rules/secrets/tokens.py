"""Tokens of vendors by their own form: behind a prefix that the vendor set, or drawn as only a machine draws.

The vendors document their prefixes so that such scanners as this can find them; what they call publishable is not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from koubou.rules.expression import Expression
from koubou.rules.secrets.pattern import MANY_LOOKS, Pattern
from koubou.rules.secrets.placeholders import entropy, is_placeholder

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FORMS: Mapping[str, str] = {
    "A3": r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){2,3}",
    "AC": r"AC[0-9a-f]{32}",
    "AI": r"AIza[\w-]{30,40}",
    "AK": r"AKC[A-Za-z0-9]{10,100}|AKID[A-Za-z0-9]{32,36}",
    "AT": r"AT(?:ATT3|CTT3)[\w=-]{40,250}|ATBB[A-Za-z0-9]{28,36}",
    "CF": r"CFPAT-[\w-]{40,50}",
    "EA": r"EAAC[A-Za-z0-9]{28,300}|EAAA[\w-]{56,90}",
    "FL": r"FLWSECK(?:_TEST)?-[0-9a-f]{12,32}(?:-X)?",
    "GO": r"GOCSPX-[\w-]{20,40}",
    "GR": r"GR1348941[\w-]{20,60}",
    "LT": r"LTAI[A-Za-z0-9]{12,24}",
    "NR": r"NR(?:AK-[A-Z0-9]{27}|(?:JS|RA|SP|II|IQ|BR|AA|AL)-[\w-]{16,50})",
    "PM": r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    "SK": r"SK[0-9a-f]{32}",
    "ac": rf"access-(?:sandbox|development|production)-{_UUID}",
    "am": rf"amzn\.mws\.{_UUID}",
    "cf": r"cf(?:at|ut|k)_[A-Za-z0-9]{30,60}",
    "ci": r"cio[A-Za-z0-9]{32}",
    "cm": r"cmVmdGtuO[A-Za-z0-9]{50,60}",
    "da": r"dapi[0-9A-Fa-f]{32}(?:-\d)?",
    "dc": r"dckr_(?:pat|oat)_[\w-]{20,40}",
    "dn": r"dnkey-[\w-]{60,90}",
    "do": r"do[oprt]_v1_[0-9a-f]{64}",
    "dp": r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
    "fi": r"fig[dor]_[\w-]{30,80}|fio-u-[\w-]{40,80}",
    "fm": r"fm2_[A-Za-z0-9+/=,_-]{40,1000}",
    "gh": r"gh[oprsu]_[A-Za-z0-9]{30,255}",
    "gi": r"github_pat_\w{40,100}",
    "gl": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|wt|oas|ffct)-(?:[\w.-]{20,300}|\w{1,10}_[\w-]{8,60})"
    r"|glc_[A-Za-z0-9+/]{20,400}={0,3}|glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}",
    "hf": r"hf_[A-Za-z]{30,40}",
    "hv": r"hv[sbr]\.[\w-]{20,300}",
    "ke": r"key-[0-9a-f]{32}",
    "li": r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}|live_(?:[\w-]{40}|[0-9a-f]{35})",
    "np": r"npm_[A-Za-z0-9]{30,50}",
    "nt": r"ntn_[A-Za-z0-9]{40,60}",
    "op": r"ops_eyJ[\w=-]{100,2000}",
    "oy": r"oy2[a-z0-9]{43}",
    "pa": r"pat(?:[A-Za-z0-9]{14}\.[0-9a-f]{64}|\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20})",
    "py": r"pypi-AgE[\w-]{50,300}",
    "rk": r"rk_(?:live|test)_[A-Za-z0-9]{10,200}",
    "ru": r"rubygems_[0-9a-f]{48}",
    "sb": r"sbp_[0-9a-f]{40}",
    "se": r"secret_[A-Za-z0-9]{43}",
    "sh": r"shp(?:at|ss|ca|pa|ua)_[A-Za-z0-9]{30,40}",
    "sk": r"sk_(?:live|test)_[A-Za-z0-9]{10,200}|sk\.eyJ[\w-]{20,400}\.[\w-]{20,60}"
    r"|sk-[\w-]{0,200}T3BlbkFJ[\w-]{10,200}|sk-(?:proj|ant|or|svcacct|admin|lf|None)-[\w-]{30,250}|sk-[A-Za-z0-9]{32,64}",
    "sl": r"sl\.[\w-]{100,200}",
    "sq": r"sq0[a-z]{3}-[\w-]{22,50}|sq[aup]_[0-9a-f]{40}",
    "t1": r"t1\.[\w-]{10,200}={0,2}\.[\w-]{86}",
    "tk": r"tk\.eyJ[\w-]{20,400}\.[\w-]{20,60}",
    "ts": r"tskey-[a-z]{3,8}-[\w-]{20,80}",
    "vc": r"vc[pikar]_[A-Za-z0-9]{24,60}",
    "ve": r"vercel_blob_rw_\w{30,60}",
    "wh": r"whsec_[A-Za-z0-9+/]{24,100}",
    "xo": r"xox[abceoprs](?:\.xox[bp])?-(?:\d-)?[\w-]{10,400}",
    "ya": r"ya29\.[\w-]{20,400}",
}
"""By their first two letters, so that a text is looked through once for all of them."""
_EXPRESSIONS = {head: Expression(rf"(?:{form})(?![A-Za-z0-9])") for head, form in _FORMS.items()}
_IN_ADDRESSES = (
    ("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z]\w{6,}(?:/\w{6,60}){2,3}"),
    ("/api/webhooks/", r"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{16,20}/[\w-]{40,80}"),
    ("webhook.office.com", r"webhook\.office\.com/webhookb2/[\w@-]{40,120}/IncomingWebhook/[0-9a-f]{32}/[\w-]{36}"),
    (".softlayer.com", r"softlayer\.com/(?:soap|rest)/v3(?:\.1)?/[a-z0-9]{64}"),
    (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,90}"),
    ("1//0", r"1//0[\w-]{30,200}"),
)
"""What stands in the lower-case text wherever the token does, and the token."""


_PREFIX = re.compile(r"(?<![\w/+.-])[A-Za-z][A-Za-z0-9]{1,11}(?:[-_][A-Za-z0-9]{1,10}){0,2}$")
_DIGESTS = ("sha", "md5", "blake")
_SAID_TO_BE_NONE = re.compile(
    r"(?:\bsha-?\d{1,3}|\bmd5|\bblake\w{1,3})[=:-]$|\bid(?: \((?:for example|e\.g\.),? | ?[:=] ?)?[\"'`]?$"
)
"""What stands before a digest, as in lock files and lists of what is installed, and before what is said to be an id."""


def _is_made(match: re.Match[str], text: str) -> bool:
    """Behind a short prefix, a tail that only a machine writes: digits, upper and lower case in many turns."""
    before = text[max(0, match.start() - 80) : match.start()]
    prefix = _PREFIX.search(before)
    if prefix is None or prefix[0].lower().startswith(_DIGESTS) or not _is_random(match["value"]):
        return False
    return _SAID_TO_BE_NONE.search(before[: prefix.start()].lower()) is None


def _is_third_part(match: re.Match[str], text: str) -> bool:
    head = re.search(r"(?<![\w.-])[A-Z][\w-]{22,27}$", text[max(0, match.start() - 30) : match.start()])
    return head is not None and _is_random(match["value"])


def _is_two_parts(match: re.Match[str], _text: str) -> bool:
    return _is_random(match["value"])


def _is_random(value: str) -> bool:
    letters = [letter for letter in value if letter.isalnum()]
    turns = sum(one.isdigit() != next_.isdigit() for one, next_ in pairwise(letters))
    mixed = any(map(str.isupper, letters)) and any(map(str.islower, letters))
    return mixed and turns >= 4 and entropy(value) > 3.5


def _is_no_run(match: re.Match[str], _text: str) -> bool:
    return "XXXXXX" not in match[0] and not match[0].endswith("EXAMPLE")


def _is_prefixed(match: re.Match[str], text: str) -> bool:
    """Whether a run of letters and signs begins as some vendor's token, and is one."""
    form = _EXPRESSIONS.get(match[0][:2])
    token = form.compiled.match(text, match.start()) if form else None
    return token is not None and _is_no_example(token, text)


def _is_no_example(match: re.Match[str], _text: str) -> bool:
    """A vendor's form is enough, but for what stands in a manual."""
    value = match[0]
    tail = re.split(r"[-_.]", value, maxsplit=1)[-1]
    return not any((_RUN.search(value.lower()), is_placeholder(value), is_placeholder(tail))) and any(
        map(str.isdigit, tail)
    )


_RUN = re.compile(r"x{6,}|([a-z*.])\1{11,}")


PATTERNS = (
    Pattern(
        rule="aws-access-key-id",
        category="aws_key",
        hints=("akia", "asia", "abia", "acca"),
        around=30,
        expression=Expression(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7][A-Z0-9]{15}(?![A-Za-z0-9])"),
        accepts=_is_no_run,
    ),
    Pattern(
        rule="token-with-prefix",
        category="vendor_token",
        hints=("_", "-"),
        expression=Expression(r"[-_](?P<value>[A-Za-z0-9]{18,200})(?![A-Za-z0-9/])"),
        accepts=_is_made,
    ),
    Pattern(
        rule="token-in-two-parts",
        category="vendor_token",
        hints=("sg.",),
        expression=Expression(r"SG\.(?<!\wSG\.)(?P<value>[\w-]{16,30}\.[\w-]{30,50})(?![\w.])"),
        accepts=_is_two_parts,
    ),
    Pattern(
        rule="token-in-three-parts",
        category="vendor_token",
        hints=(".",),
        expression=Expression(r"\.(?P<value>[\w-]{6}\.[\w-]{26,40})(?![\w.])"),
        accepts=_is_third_part,
    ),
    Pattern(
        rule="telegram-bot-token",
        category="vendor_token",
        hints=(":aa",),
        around=60,
        expression=Expression(r"(?<!\d)\d{8,10}:AA[\w-]{32,34}(?![\w-])"),
    ),
    Pattern(
        rule="mailchimp-key",
        category="vendor_token",
        hints=("-us",),
        around=40,
        expression=Expression(r"(?<![0-9a-f])[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    ),
    Pattern(
        rule="token-in-form",
        category="vendor_token",
        hints=("",),
        expression=Expression(r"[A-Za-z0-9][A-Za-z0-9_.-]{9,}"),
        accepts=_is_prefixed,
        looks=MANY_LOOKS,
    ),
    *(
        Pattern(
            rule="token-in-address",
            category="vendor_token",
            hints=(hint,),
            around=400,
            expression=Expression(rf"{token}(?![A-Za-z0-9])"),
            accepts=_is_no_example,
        )
        for hint, token in _IN_ADDRESSES
    ),
)
