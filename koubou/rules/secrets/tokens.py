"""Tokens of vendors by their own form: behind a prefix that the vendor set, or drawn as only a machine draws.

The vendors document their prefixes so that such scanners as this can find them; what a vendor calls publishable is not here.
"""

from __future__ import annotations

import re
from itertools import pairwise

from koubou.rules.secrets.pattern import Pattern
from koubou.rules.secrets.placeholders import entropy, is_placeholder

_PREFIXED: tuple[tuple[str, str], ...] = (
    ("xox", r"xox[abceoprs](?:\.xox[bp])?-(?:\d-)?[\w-]{10,400}"),
    ("gl", r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|wt|oas|ffct)-(?:[\w.-]{20,300}|\w{1,10}_[\w-]{8,60})"),
    ("gr1348941", r"GR1348941[\w-]{20,60}"),
    ("gh", r"gh[oprsu]_[A-Za-z0-9]{30,255}"),
    ("github_pat_", r"github_pat_\w{40,100}"),
    ("k_live_", r"[rs]k_live_[A-Za-z0-9]{10,200}"),
    ("k_test_", r"[rs]k_test_[A-Za-z0-9]{10,200}"),
    ("whsec_", r"whsec_[A-Za-z0-9+/]{24,100}"),
    ("key-", r"key-[0-9a-f]{32}"),
    ("eaac", r"EAAC[A-Za-z0-9]{28,300}"),
    ("eaaa", r"EAAA[\w-]{56,90}"),
    ("sq0", r"sq0[a-z]{3}-[\w-]{22,50}"),
    ("nr", r"NR(?:AK-[A-Z0-9]{27}|(?:JS|RA|SP|II|IQ|BR|AA|AL)-[\w-]{16,50})"),
    ("secret_", r"secret_[A-Za-z0-9]{43}"),
    ("ntn_", r"ntn_[A-Za-z0-9]{40,60}"),
    ("dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    ("oy2", r"oy2[a-z0-9]{43}"),
    ("cio", r"cio[A-Za-z0-9]{32}"),
    ("ya29.", r"ya29\.[\w-]{20,400}"),
    ("1//0", r"1//0[\w-]{30,200}"),
    ("at", r"AT(?:ATT3|CTT3)[\w=-]{40,250}|ATBB[A-Za-z0-9]{28,36}"),
    ("akc", r"AKC[A-Za-z0-9]{10,100}"),
    ("cmvmd", r"cmVmdGtuO[A-Za-z0-9]{50,60}"),
    ("flwseck", r"FLWSECK(?:_TEST)?-[0-9a-f]{12,32}(?:-X)?"),
    ("access-", r"access-(?:sandbox|development|production)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}"),
    ("ltai", r"LTAI[A-Za-z0-9]{12,24}"),
    ("akid", r"AKID[A-Za-z0-9]{32,36}"),
    ("vercel_blob_rw_", r"vercel_blob_rw_\w{30,60}"),
    ("vc", r"vc[pikar]_[A-Za-z0-9]{24,60}"),
    ("tskey-", r"tskey-[a-z]{3,8}-[\w-]{20,80}"),
    ("a3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){2,3}"),
    ("ops_ey", r"ops_eyJ[\w=-]{100,2000}"),
    ("amzn.mws.", r"amzn\.mws\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("ac", r"AC[0-9a-f]{32}"),
    ("sk", r"SK[0-9a-f]{32}"),
    (
        "sk-",
        r"sk-(?:[\w-]{0,200}T3BlbkFJ[\w-]{10,200}|(?:proj|ant|or|svcacct|admin|lf|None)-[\w-]{30,250}|[A-Za-z0-9]{32,64})",
    ),
    ("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z]\w{6,}(?:/\w{6,60}){2,3}"),
    ("/api/webhooks/", r"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{16,20}/[\w-]{40,80}"),
    ("webhook.office.com", r"webhook\.office\.com/webhookb2/[\w@-]{40,120}/IncomingWebhook/[0-9a-f]{32}/[\w-]{36}"),
    ("/soap/v3", r"softlayer\.com/(?:soap|rest)/v3(?:\.1)?/[a-z0-9]{64}"),
    ("glc_", r"glc_[A-Za-z0-9+/]{20,400}={0,3}"),
    ("glsa_", r"glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}"),
    ("cfpat-", r"CFPAT-[\w-]{40,50}"),
    ("sk.eyj", r"[st]k\.eyJ[\w-]{20,400}\.[\w-]{20,60}"),
    ("fio-u-", r"fio-u-[\w-]{40,80}"),
    ("aiza", r"AIza[\w-]{30,40}"),
    ("gocspx-", r"GOCSPX-[\w-]{20,40}"),
    ("hvs.", r"hv[sbr]\.[\w-]{20,300}"),
    ("hvb.", r"hvb\.[\w-]{20,300}"),
    (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,90}"),
    ("dop_v1_", r"do[oprt]_v1_[0-9a-f]{64}"),
    ("dapi", r"dapi[0-9A-Fa-f]{32}(?:-\d)?"),
    ("npm_", r"npm_[A-Za-z0-9]{30,50}"),
    ("pypi-", r"pypi-AgE[\w-]{50,300}"),
    ("rubygems_", r"rubygems_[0-9a-f]{48}"),
    ("dckr_", r"dckr_(?:pat|oat)_[\w-]{20,40}"),
    ("hf_", r"hf_[A-Za-z]{30,40}"),
    ("shp", r"shp(?:at|ss|ca|pa|ua)_[A-Za-z0-9]{30,40}"),
    ("pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("figd_", r"fig[dor]_[\w-]{30,80}"),
    ("sbp_", r"sbp_[0-9a-f]{40}"),
    ("cf", r"cf(?:at|ut|k)_[A-Za-z0-9]{30,60}"),
    ("flyv1", r"(?:FlyV1[ ])?fm2_[A-Za-z0-9+/=,_-]{40,1000}"),
    ("live_", r"live_[A-Za-z0-9_-]{40}"),
)
"""What stands in the lower-case text wherever the token does, and the token."""


def _is_made(match: re.Match[str], text: str) -> bool:
    """Behind a short prefix, a tail that only a machine writes: digits, upper and lower case in many turns."""
    prefix = re.search(
        r"(?<![\w/+.-])[A-Za-z][A-Za-z0-9]{1,11}(?:[-_][A-Za-z0-9]{1,10}){0,2}$",
        text[max(0, match.start() - 36) : match.start()],
    )
    return (
        prefix is not None and not prefix[0].lower().startswith(("sha", "md5", "blake")) and _is_random(match["value"])
    )


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
    return _RUN.search(match[0].lower()) is None


def _is_no_example(match: re.Match[str], text: str) -> bool:
    """A vendor's prefix is enough, but for what stands in a manual."""
    value = match[0]
    before = text[max(0, match.start() - 1) : match.start()]
    if before.isalnum() or before in {"_", "-"}:
        return False
    if _RUN.search(value.lower()):
        return False
    tail = re.split(r"[-_.]", value, maxsplit=1)[-1]
    return not is_placeholder(value) and not is_placeholder(tail) and any(map(str.isdigit, tail))


_RUN = re.compile(r"x{6,}|([a-z*.])\1{11,}")


PATTERNS = (
    Pattern(
        rule="aws-access-key-id",
        category="aws_key",
        hints=("akia", "asia", "abia", "acca"),
        expression=re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7][A-Z0-9]{15}(?![A-Za-z0-9])"),
        accepts=_is_no_run,
    ),
    Pattern(
        rule="token-with-prefix",
        category="vendor_token",
        hints=("_", "-"),
        expression=re.compile(r"[-_](?P<value>[A-Za-z0-9]{18,200})(?![A-Za-z0-9/])"),
        accepts=_is_made,
    ),
    Pattern(
        rule="token-in-two-parts",
        category="vendor_token",
        hints=("sg.",),
        expression=re.compile(r"SG\.(?<!\wSG\.)(?P<value>[\w-]{16,30}\.[\w-]{30,50})(?![\w.])"),
        accepts=_is_two_parts,
    ),
    Pattern(
        rule="token-in-three-parts",
        category="vendor_token",
        hints=(".",),
        expression=re.compile(r"\.(?P<value>[\w-]{6}\.[\w-]{26,40})(?![\w.])"),
        accepts=_is_third_part,
    ),
    Pattern(
        rule="telegram-bot-token",
        category="vendor_token",
        hints=(":aa",),
        expression=re.compile(r"(?<!\d)\d{8,10}:AA[\w-]{32,34}(?![\w-])"),
    ),
    Pattern(
        rule="mailchimp-key",
        category="vendor_token",
        hints=("-us",),
        expression=re.compile(r"(?<![0-9a-f])[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    ),
    *(
        Pattern(
            rule="token-in-form",
            category="vendor_token",
            hints=(hint,),
            expression=re.compile(rf"{token}(?![A-Za-z0-9])"),
            accepts=_is_no_example,
        )
        for hint, token in _PREFIXED
    ),
)
