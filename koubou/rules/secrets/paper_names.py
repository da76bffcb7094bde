"""What numbers of papers and accounts are called, in the languages of those who hold them; for `told_numbers`."""

from __future__ import annotations


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


LATIN = (
    "passport|reisepass|passeport|pasaporte|passaporto|paspoort|passaporte|paszport|pasaport",
    r"driver['’]?s? ?licen[cs]es?|driving licen[cs]e|driver'?s permit|medical licen[cs]e|permis de conduire|patente",
    "licencia de conducir|carteira de motorista|rijbewijs|prawo jazdy",
    r"voter(?:'s)? ?(?:id|card)|electoral photo|elector|vote with|medicare",
    r"(?:nhs|dni|nie|nif|sin|tin|fin|nin|rut|dea|npi) ?(?:numbers?|no|nr)",
    r"steuer-?id(?:-?nr)?|steuer-?nummer|steuer-?nr|st\.?-?nr",
    "(?:south african|sa|thai|swedish|korean|turkish|citizen) id",
    "national (?:id|identity|identification|insurance|tax)(?: card| number| no)?|identity (?:card|number|document)",
    "id (?:card|code|number)(?= ?(?:is|no|number|:|#))|personal (?:id|identity|identification)",
    "social security|social insurance|taxpayer|tax (?:id|number|file number|identification)",
    "(?:resident|foreigner|alien|business) registration|resident id|residence (?:card|permit)|green card",
    r"ssns?|itin|nric|cpf|cnpj|curp|rrn|frn|brn|tckn|t\.?c\.? kimlik|kimlik no|gstin|philsys|umid|philhealth",
    "aadhaar|aadhar|uidai|nino|bsn|pesel|kvnr|rvnr|mbi|svnr|psc|uen|abn|acn|tfn|bvn|hkid|ppsn|ktp",
    "pan (?:card|number|no)",
    "permanent account number|company number|australian (?:business|company)|unique entity|national health service",
    r"personal-?nummer|personnummer|organisationsnummer|org[. -]{0,2}(?:nr|nummer)|organi[sz]ation number",
    "henkil[öo]tunnus|hetu|f[øo]dselsnummer|cpr(?:-?nummer| number)|burgerservicenummer|sofinummer|krankenkasse",
    "rodn[ée] [čc][íi]slo|codice fiscale|partita iva|carta d(?:'|’|i )identit[àa]|dow[óo]d",
    "carte d'identit[ée]|carte vitale|num[ée]ro de s[ée]curit[ée] sociale|n° ?s[ée]cu|numéro fiscal",
    "t[íi]tulo de eleitor|emirates id|iqama|ghana card|taiwan id|szem[ée]lyi sz[áa]m|[čc][íi]slo op|t\\.?c\\.? no",
    "c[ée]dula|documento de identidad|cod(?:ul)? numeric personal|dni peruano",
    "bank account(?: number| no)?|account (?:number|no|#)|acct(?: no| #|:)|kontonummer|rekeningnummer",
    "n[úu]mero de cuenta|routing (?:number|no|nr)|aba (?:routing|number|no)|sort code|bank routing",
)
"""Expressions that tell at a distance, as whole words."""
INSIDE = (
    "f(?:ü|ue)hrerschein|fahrerlaubnis|steueridentifikation|sozialversicherung|krankenversich|rentenversicherung",
    "personalausweis|ausweisnummer|versichertennummer|handelsregister|número de identificación|my number",
    "マイナンバー|個人番号|旅券番号|パスポート|免許証番号|運転免許|口座番号|保険者番号|年金番号|法人番号|在留カード",
    "身份证|身分證|护照|護照|银行(?:账号|卡号|账户)|社保(?:号|卡)",
    "주민 ?(?:등록|번호)|외국인 ?등록|사업자 ?등록|여권|운전 ?면허|계좌번호",
    "บัตรประชาชน|เลขประจำตัว|паспорт|снилс|инн(?![а-я])",
    "егн|рнокпп|ת\\.ז|תעודת זהות|統一編號|统一社会信用代码|免許証",
)
"""Expressions that tell inside a longer word too, and in writing without blanks."""
FIRST_WORDS = _words(
    "passport reisepass passeport pasaporte passaporto paspoort passaporte paszport pasaport license licence",
    "licenses licences permit permis patente conducir motorista rijbewijs jazdy voter voters vote elector electoral",
    "medicare",
    "steuer steuerid steuernummer steuernr identity identification national african thai swedish korean turkish social",
    "insurance taxpayer tax citizen personal resident registration residence card ssn ssns itin nric cpf cnpj curp rrn",
    "frn brn tckn kimlik krankenkasse gstin philsys umid philhealth aadhaar aadhar uidai nino bsn pesel kvnr rvnr mbi",
    "svnr pan psc permanent company business australian entity health organisation organization henkil tunnus hetu",
    "dselsnummer fodselsnummer cpr rodn rodne codice partita carta carte securite secu curit dula cedula documento",
    "fiscal cod codul osobisty dni account acct kontonummer cuenta routing aba sort number numbers no nr nummer uen",
    "abn acn tfn bvn hkid ppsn ktp org eleitor emirates iqama ghana taiwan szem lyi dowod slo op tc",
)
"""Runs of ASCII letters; one of them stands before a number wherever an expression of LATIN does."""
STEMS = ("nummer", "schein", "fahrerlaubnis", "identi", "versicher", "ausweis", "handelsreg")
"""The same for those of INSIDE in ASCII letters."""
SHORT = _words(
    "fin tin dni nie nif nas sin nhs ahv avs vnr abn acn tfn uen epic hetu bvn nin cpr cnp rut run rfc cuit cuil rg",
    "pis dl dea npi aba crn sss gsis ein pan ppsn oib egn jmbg emso rc vat iva ust-idnr ust-id svn idnr id-nr hkid nit",
    "mrn csc siret siren tckn nik ktp voter gst tnin pass-nr ausweis license licence",
    "nip cif nss cnh bi taj cnic nic nid mykad cccd ird nhi kra imss nuip",
)
"""Words of other meanings too: only right before the number, or with a colon or a word for number between."""
COMMON = _words("license licence sin fin run tin pan pis rc aba nit epic")
"""Of these in small letters a bare blank is not enough, nor what a program writes."""
