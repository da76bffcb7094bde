"""Numbers behind the word that says what they are: `passport number K4429871`, `ABN: 51 …`, パスポート番号 …."""

from __future__ import annotations

import re

from koubou.rules.secrets.check_digits import is_ssn
from koubou.rules.secrets.pattern import Pattern

_NEAR = 70
"""Characters before a number in which a long name counts."""
_NUMBER = re.compile(r"\d(?<!\d\d)(?=[A-Za-z0-9 ./*-]{3})[A-Za-z0-9*]{0,24}(?:[ ./-]\d[A-Za-z0-9]{0,24}){0,6}")
_DATE = re.compile(
    r"\d{4}[./-]\d{1,2}[./-]\d{1,2}(?:[T ].{0,20})?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|(?:19|20)\d{2}[01]\d[0-3]\d"
    r"|\d{1,3}(?:\.\d{1,3}){2,3}|(?:19|20)\d{2}[-/](?:19|20)?\d{2}|\d{1,8}\.\d{1,2}|\d{2,5}x\d{2,5}"
)
_AMOUNT = frozenset("$€£¥.")
_OF_ELSE = re.compile(
    r"(?:\b(?:issues?|tickets?|bugs?|versions?|pr|pull|lines?|pages?|steps?|sections?|chapters?|rfc|iso|iec|ports?|gates?"
    r"|rooms?|rows?|tables?|figures?|errors?|articles?|build|release|until|before|since|after|least|most|than|to|cve"
    r"|phone|tel|call|mobile|extension|year|in)[ -]{1,2}#?|(?<![\w:] )(?<!dl)#)[a-z]{0,2}$"
)
"""Right before a number: what it is a number of, if not of a paper."""
_UNITS = re.compile(
    r" ?(?:%|days?|years?|months?|hours?|minutes?|seconds?|characters?|digits|users?|people|records?|rows|times|items"
    r"|bytes|kb|mb|gb|ms|usd|eur|dollars|euros)\b",
    re.I,
)
"""Right behind it."""

_LONG = (
    "passport|reisepass|passeport|pasaporte|passaporto|paspoort|passaporte|paszport|pasaport",
    "driver['’]?s? ?licen[cs]es?|driving licen[cs]e|driver'?s permit|permis de conduire|patente di guida|patente",
    "licencia de conducir|carteira de motorista|rijbewijs|prawo jazdy|voter(?:'s)? ?(?:id|card)|medicare|steuer-?id(?:-?nr)?",
    "electoral photo|elector|vote with|medical licen[cs]e|(?:nhs|dni|nie|nif|sin|tin|fin|nin|rut|dea|npi) ?(?:numbers?|no|nr)",
    "steuer-?nummer|steuer-?nr|st\\.?-?nr|south african id|sa id|thai id|swedish id|korean id|turkish id",
    "national (?:id|identity|identification|insurance|tax)(?: card| number| no)?|identity (?:card|number|document)",
    "id (?:card|code|number)(?= ?(?:is|no|number|:|#))|personal (?:id|identity|identification)|citizen id",
    "social security|social insurance|taxpayer|tax (?:id|number|file number|identification)|resident (?:registration|id)",
    "foreigner registration|alien registration|business registration|residence (?:card|permit)|green card",
    "ssns?|itin|nric|cpf|cnpj|curp|rrn|frn|brn|tckn|t\\.?c\\.? kimlik|kimlik no|krankenkasse|gstin|philsys|umid|philhealth",
    "aadhaar|aadhar|uidai|nino|bsn|pesel|kvnr|rvnr|mbi|personnummer|personal-?nummer|svnr|pan (?:card|number|no)|psc|uen|abn|acn|tfn|bvn|hkid|ppsn|ktp",
    "permanent account number|company number|australian (?:business|company)|unique entity|national health service",
    "organisationsnummer|org\\.?-?nr|organi[sz]ation number|henkil[öo]tunnus|hetu|f[øo]dselsnummer|cpr(?:-?nummer| number)",
    "burgerservicenummer|sofinummer|rodn[ée] [čc][íi]slo|codice fiscale|partita iva|carta d(?:'|’|i )identit[àa]",
    "carte d'identit[ée]|carte vitale|num[ée]ro de s[ée]curit[ée] sociale|n° ?s[ée]cu|c[ée]dula|documento de identidad",
    "numéro fiscal|cod(?:ul)? numeric personal|dow[óo]d osobisty|dni peruano|rg n",
    "bank account(?: number| no)?|account (?:number|no|#)|acct(?: no| #|:)|kontonummer|rekeningnummer|n[úu]mero de cuenta",
    "routing (?:number|no|nr)|aba (?:routing|number|no)|sort code|bank routing",
)
"""Names that tell at a distance."""
_SHORT = frozenset(
    "fin tin dni nie nif nas sin nhs ahv avs vnr abn acn tfn uen epic hetu bvn nin cpr cnp rut run rfc cuit cuil rg pis"
    " dl dea npi aba crn sss gsis ein pan ppsn ppsn oib egn jmbg emso rc vat iva ust-idnr ust-id svn idnr id-nr hkid nit"
    " mrn csc siret siren tckn nik ktp".split()
)
"""Words of other meanings too: only right before the number, or with a colon or a word for number between."""
_VERY_COMMON = frozenset({"license", "licence", "sin", "fin", "run", "tin", "pan", "pis", "rc", "aba", "nit", "epic"})
"""Of these in small letters a bare blank is not enough, nor what a program writes."""
_LICENCE = frozenset({"license", "licence"})
_RIGHT_BEFORE = re.compile(
    r"(?<![a-z0-9])(?P<name>[a-z]{2,4}(?:-[a-z]{2,4})?|licen[cs]e)"
    r"(?P<meant>(?: ?(?:no|nr|number|num|n[º°o])\b\.?|#)?(?: ?[:#=]| -{1,2}(?= )| is\b| number\b)?)(?P<blank>[ #]{0,3})[a-z]{0,5}$"
)
_INSIDE = (
    "f(?:ü|ue)hrerschein|fahrerlaubnis|steueridentifikation|sozialversicherung|número de identificación|krankenversich"
    "|rentenversicherung|personalausweis|ausweisnummer|versichertennummer|handelsregister",
    "マイナンバー|個人番号|my number|旅券番号|パスポート|免許証番号|運転免許|口座番号|保険者番号|年金番号|法人番号|在留カード",
    "身份证|身分證|护照|護照|银行(?:账号|卡号|账户)|社保(?:号|卡)|주민 ?(?:등록|번호)|외국인 ?등록|사업자 ?등록|여권|운전 ?면허|계좌번호"
    "|บัตรประชาชน|เลขประจำตัว|паспорт|снилс|инн(?![а-я])|стнр",
)
_TOLD = re.compile(rf"\b(?:{'|'.join(_LONG)})(?:-?nummer|nr|no)?(?![a-z])|{'|'.join(_INSIDE)}")
_LINK = re.compile(
    r"(?:[^\w\s]|\s|\b(?:cards?|ids?|no|nr|numbers?|nummer|code|is|was|are|ist|lautet|es|est|è|é|to|of|the|my|his|her|it"
    r"|reads|number's|holder|document)\b|[^\x00-\x7f])*[a-z]{0,5}"
)
"""Between a name and its number, where nothing else is spoken of."""
_FAR = 7
"""Digits that a number has which counts at a distance from its name, beyond other words."""
_WORDS = frozenset(
    "passport reisepass passeport pasaporte passaporto paspoort passaporte paszport pasaport license licence licenses"
    " licences permit permis patente conducir motorista rijbewijs jazdy voter voters vote elector electoral medicare"
    " steuer steuerid steuernummer steuernr st id identity identification national south social insurance taxpayer tax"
    " citizen personal resident registration residence card ssn ssns itin nric cpf cnpj curp rrn frn brn tckn kimlik"
    " krankenkasse gstin philsys umid philhealth aadhaar aadhar uidai nino bsn pesel kvnr rvnr mbi personnummer nummer"
    " personalnummer svnr pan psc permanent company business australian entity service organisationsnummer organisation"
    " organization henkilötunnus henkilotunnus hetu fødselsnummer fodselsnummer cpr cprnummer burgerservicenummer"
    " sofinummer rodné rodne codice partita carta carte sécurité securite secu sécu cédula cedula documento fiscal cod"
    " codul dowód dowod dni rg account acct kontonummer rekeningnummer cuenta routing aba sort number"
    " numbers no nr uen abn acn tfn bvn hkid ppsn ktp org".split()
)
"""One of them stands among the words before a number wherever a long name of Latin letters does."""
_INSIDE_WORDS = re.compile("hrerschein|fahrerlaubnis|steueridenti|versicher|ausweis|handelsreg|identificaci|my number")


def _accept_told(match: re.Match[str], text: str) -> bool:
    """A number after the word that says what it is: enough digits, and neither a date nor an amount."""
    number = match[0].rstrip(" ./-")
    digits = sum(map(str.isdigit, number))
    if digits < 4:
        return False
    before = text[max(0, match.start() - _NEAR) : match.start() + 1].rpartition("\n")[2][:-1].lower()
    if not before or before.isspace() or before[-1] in _AMOUNT or _DATE.fullmatch(number):
        return False
    head = re.search(r"[a-z]{0,6}$", before)
    letters = len(head[0]) if head else 0
    if digits == 4 and letters + len(re.split(r"[ ./-]", number)[0]) < 8:
        return False
    if _is_right_before(before, text[max(0, match.start() - 30) : match.start()], letters, digits):
        return not (before.rstrip(" :#=").endswith("ssn") and digits == 9 and not _may_be_ssn(number))
    plain = number.isdigit() and letters == 0
    if _UNITS.match(text, match.start() + len(number)) or (digits < 9 and plain and _OF_ELSE.search(before)):
        return False
    return (digits > 5 or not plain) and _may_be_ssn(number) and _is_near(before, digits < _FAR and plain)


def _may_be_ssn(number: str) -> bool:
    """Whether nine digits are not what the SSA never gives out: no other paper has such a number either."""
    digits = "".join(filter(str.isdigit, number))
    return (len(digits) != 9 or len(set(digits)) > 1) and (not re.fullmatch(r"\d{3}-\d{2}-\d{4}", number) or is_ssn(digits))


def _is_right_before(before: str, written: str, letters: int, digits: int) -> bool:
    told = _RIGHT_BEFORE.search(before[-30:])
    if told is None or (told["name"] not in _SHORT and told["name"] not in _LICENCE):
        return False
    common = told["name"] in _VERY_COMMON and told["name"].upper() not in written
    if told["name"] == "rfc" and not letters:
        return False
    if told["meant"].strip():
        return not (common and told["meant"].endswith("="))
    return told["blank"] != "" and not common and digits + letters >= 7


def _is_near(before: str, beside: bool) -> bool:
    """Whether a long name stands there; `beside` the number, if the number alone says little."""
    told = not before.isascii() or _INSIDE_WORDS.search(before) is not None
    if not told and _WORDS.isdisjoint(word.removesuffix("nummer") for word in re.findall(r"[a-z]+", before)):
        return False
    named = list(_TOLD.finditer(before))
    return bool(named) and (not beside or _LINK.fullmatch(before, named[-1].end()) is not None)


PATTERNS = (
    Pattern(
        rule="identity-number-after-its-name",
        category="national_id",
        hints=("",),
        expression=_NUMBER,
        accepts=_accept_told,
    ),
    Pattern(
        rule="plate-after-its-name",
        category="national_id",
        hints=("plate", "plaka", "kennzeichen", "vehicle", "registration"),
        expression=re.compile(
            r"(?i:plate|plaka|kennzeichen|vehicle|registration)(?i:s[ıi])?(?i:[ ](?:no|number|plate|registration|is|nr))"
            r"{0,3}[.:#]{0,2}[ ]{0,2}(?P<value>[A-ZÄÖÜ0-9]{1,3}[ -]?[A-Z]{1,3}[ -]?\d{2,4}[A-Z]{0,3})(?![A-Za-z0-9-])"
        ),
    ),
)
