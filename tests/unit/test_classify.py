"""What is secret in a task, and what only looks like it. No value here is or was in use."""

from __future__ import annotations

import pytest

from koubou.model.decision import Finding, Hit
from koubou.model.task import Attachment, Message, Sensitivity, TaskRequest
from koubou.rules.classify import MOST_FINDINGS, find, raise_to, sensitivity, texts_of

KEY_BODY = "MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEAq7BFUpkGp3+LQmlQ"


def levels(text: str) -> set[str]:
    """The levels of what is found in a prompt."""
    return {finding.level for finding in find([("prompt", text)], ())}


def a_finding(level: str = "confidential") -> Finding:
    return Finding(category="password", where="prompt", rule="r", line=1, sample="ab", level=level)


SECRET = {
    "assignment": 'db_password = "Kingyo#42sukui"',
    "unquoted": "password: Kingyo#42sukui",
    "environment": "MYSQL_PASSWORD=kingyo-sukui-42",
    "environment of plain letters": "POSTGRES_PASSWORD=sukuikingyo",
    "exported": "export STRIPE_API_KEY=qk92jf83hx71mz60pw54",
    "json": '{"user": "ken", "password": "Kingyo#42sukui"}',
    "json in json": r'{"body": "{\"password\": \"Kingyo#42sukui\"}"}',
    "yaml": "smtp:\n  host: mail\n  password: Kingyo#42sukui\n",
    "typed": 'password: str = "Kingyo#42sukui"',
    "xml element": "<connection><password>Kingyo42sukui</password></connection>",
    "xml attribute": '<add key="AdminPassword" value="Kingyo42sukui" />',
    "compared": 'if given == "Kingyo#42sukui": pass\nif "Kingyo#42sukui" == password: ok()',
    "prose": "The root password is kingyo42sukui, please log in with it.",
    "passphrase": 'passphrase = "seven goldfish swim upstream quietly"',
    "after a name ending in in": "login_password = 'kingyo42sukui'",
    "admin": "admin_password: kingyo42sukui",
    "command": "mysqldump --user=root --password=kingyo42sukui shop",
    "curl": "curl -u deploy:kingyo42sukui https://ci.example.org/build",
    "api key": 'api_key = "9f2c7b51d8e44a03b6f1"',
    "apikey camel": "const apiKey = 'q8ZxL2mN5vB7cT1r';",
    "client secret": "client_secret: 3Qz~8yV.Lm2xWn5Rk7Tb",
    "aws secret": "aws_secret_access_key = Zk7vQ2mXp9Lw4Rt8Yb3Nc6Hd1Sf5Gj0Ka+Ue/Io=",
    "aws id": "AKIAQ3EGVWX7ZLM2N4PT",
    "session key": "SESSION_KEY=4f9a1c7e2b8d6053a9e1f7c4",
    "japanese": "管理者のパスワードは「Kingyo#42」です。",
    "japanese with a wide colon": "パスワード：Ｋingyo42sukui",
    "all in wide letters": "ｐａｓｓｗｏｒｄ＝Ｋｉｎｇｙｏ４２ｓｕｋｕｉ",
    "japanese key": "秘密鍵: 8fK2mQ9xLw4Rt7Yb3Nc6",
    "chinese": "数据库密码是Jinyu42chi!",
    "chinese key": "密钥：8fK2mQ9xLw4Rt7Yb3Nc6",
    "private key": f"-----BEGIN PRIVATE KEY-----\n{KEY_BODY}\n-----END PRIVATE KEY-----",
    "rsa private key": f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{KEY_BODY}\n",
    "openssh private key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY_BODY}",
    "pgp private key": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{KEY_BODY}",
    "private key in one line": f'"-----BEGIN EC PRIVATE KEY-----\\n{KEY_BODY}\\n-----END"',
    "putty key": f"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 14\n{KEY_BODY}",
    "credentials in an address": "postgres://shop:kingyo42@db.example.org:5432/shop",
    "credentials with an at": "amqp://worker:king@yo42@queue.internal/",
    "ado connection": "Server=db1;Database=shop;User Id=sa;Password=Kingyo42!;",
    "bearer": "Authorization: Bearer 8fK2mQ9xLw4Rt7Yb3Nc6Hd1Sf5",
    "basic": "Authorization: Basic a2VuOmtpbmd5bzQyc3VrdWk=",
    "key header": "X-Api-Key: 8fK2mQ9xLw4Rt7Yb3Nc6",
    "jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJrZW4iLCJhZG1pbiI6dHJ1ZX0.",
    "token with a prefix": "use acme_pat_8fK2mQ9xLw4Rt7Yb3Nc6Hd1S here",
    "kubernetes": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  url: a2luZ3lvNDJzdWt1aQ==\n",
    "kubernetes the other way round": "data:\n  url: a2luZ3lvNDJzdWt1aQ==\nkind: Secret\n",
    "card": "Visa 4556 7375 8689 9855, please refund",
    "card of american express": "3782-822463-10005",
    "card in japanese": "カード番号4556737586899855です",
    "social security": "His SSN: 219-09-9999",
    "social security without dashes": "ssn 219099999",
    "itin": "950-70-1234",
    "iban": "Please pay to DE75 5121 0800 1245 1261 99 soon",
    "british": "NI number QQ123456C or JG 10 37 59 A",
    "chinese identity": "11010519491231002X",
    "passport": "Her passport number is K4429871.",
    "card with dots": "4556.7375.8689.9855",
    "iban in small letters": "iban=de75512108001245126199",
    "password in a call": 'set_password("Kingyo42sukui")',
    "password as an argument": "define('DB_PASSWORD', 'Kingyo_42');",
    "login as arguments": 'auth=("ken", "Kingyo42#")',
    "value on the line below": '- name: DB_PASSWORD\n  value: "kingyo42"',
    "default of a variable": 'variable "db_password" {\n  default = "Kingyo42!"\n}',
    "element with a name": '<entry key="password">kingyo42sukui</entry>',
    "russian": "пароль: Kingyo42",
    "polish": "hasło: Kingyo42",
    "dutch": "wachtwoord = Kingyo42",
    "beginning like a tag": "Password: !KING42yo",
    "speech with is": "the password for admin is Kingyo-42!",
    "docker": "docker login -u ken -p kingyo42 registry.example.org",
    "mysql attached": "mysql -uroot -pKingyo42x shop",
    "keytool": "keytool -genkey -storepass kingyo42 -keypass kingyo42",
    "openssl": "openssl pkcs12 -in a.p12 -passin pass:kingyo42",
    "archive": "7z x -pKingyo42 a.7z",
    "redis": "redis-cli -h cache -a kingyo42 ping",
    "netrc of few signs": "machine api.example.org login ken password kingyo42",
    "powershell": 'ConvertTo-SecureString "Kingyo@42" -AsPlainText -Force',
    "setx": "setx API_KEY 8fK2mQ9xLw4Rt7Yb3Nc6",
    "door": "The door code is 4821.",
    "recovery codes": "recovery codes: 8f2k-92jd 7dj2-02kd",
    "subscription key": "Ocp-Apim-Subscription-Key: 4f9a1c7e2b8d6053a9e1f7c44f9a1c7e",
    "head of a key alone": "-----BEGIN EC PRIVATE KEY-----\nkingyo\n",
    "key in xml": f"<RSAKeyValue><D>{KEY_BODY}</D></RSAKeyValue>",
    "oracle": "jdbc:oracle:thin:scott/kingyo42@//db:1521/x",
    "driver": "driver's license: F255-9215-0094",
    "my number": "マイナンバーは 1234 5678 9018 です",
    "netrc": "machine ftp.example.org login deploy password kingyo42sukui",
    "registry": '{"auths": {"r.example.org": {"auth": "ZGVwbG95Oktpbmd5bzQyc3VrdWk="}}}',
    "option": "mysqldump --password kingyo42sukui shop",
    "option of one letter": "mysql -u root -pkingyo42sukui shop",
    "handed to ssh": "sshpass -p 'kingyo42sukui' ssh root@10.0.0.1",
    "statement": "CREATE USER 'shop'@'%' IDENTIFIED BY 'kingyo42sukui';",
    "line of settings": "requirepass kingyo42sukui",
    "password for something": "Password for the VPN: Kingyo#42",
    "german": "Das Passwort lautet Kingyo#42.",
    "in brackets": "the temporary password (Kingyo#42) was sent",
    "user and password": "credentials: tanaka / Kingyo#42",
    "user and password in japanese": "ログイン情報: ID tanaka / PW Kingyo#42",
    "signed address": "https://a.example.org/c?sv=2&sig=Zk7vQ2mXp9Lw4Rt8Yb3Nc6Hd1Sf5Gj0KaUeIoAB%3D",
    "cookie": "Cookie: theme=dark; sessionid=8fK2mQ9xLw4Rt7Yb3Nc6Hd1S5f",
    "shadow": "root:$6$saltsalt$Zk7vQ2mXp9Lw4Rt8Yb3Nc6Hd1Sf5Gj0KaUeIo:19000:0:99999:7:::",
    "seed phrase": "mnemonic: ripple goldfish lantern orbit velvet copper anchor meadow puzzle thunder basket violet",
    "bold name": "**Password:** Kingyo42#sukui",
    "bold name alone": "**Password**: Kingyo42#sukui",
    "row of a table": "| password | Kingyo42#sukui |",
    "table with a head": "| user | password |\n|------|----------|\n| root | Kingyo42#sukui |",
    "row of an html table": "<tr>\n  <td>password</td>\n  <td>Kingyo42#sukui</td>\n</tr>",
    "bold in html": "<b>password</b>: Kingyo42#sukui",
    "columns with a head": "user,password\nken,changeme\nroot,Kingyo42#sukui\n",
    "key in columns": "name;api_key;note\nci;8fK2mQ9xLw4Rt7Yb3Nc6;old\n",
    "columns set by tabs": "password\tKingyo42#sukui",
    "behind a dash": "password - Kingyo42#sukui",
    "card with tabs": "card 4556\t7375\t8689\t9855",
    "card with two blanks": "card 4556  7375  8689  9855",
    "pin": "暗証番号は4821です",
    "marked": "STRICTLY CONFIDENTIAL\n\nPlan for the spring.",
    "marked by a line": "# Confidential\nPlan for the spring.",
    "marked in japanese": "【機密】春の計画",
    "marked outside the company": "この資料は社外秘です",
    "marked by a heading": "# 機密\n春の計画",
    "marked by a sentence": "この文書は機密です。",
    "marked by a sentence in chinese": "本文件为机密，请勿外传",
    "token in hooks right behind its name": "アクセストークン「gX7kPq2LmN9rTv4W」を使う",
    "marked outside the department": "部外秘 人事異動案",
    "marked in chinese": "绝密：春季计划",
}
INNOCENT = {
    "reset": "Implement password reset by e-mail, with a token that expires after 15 minutes.",
    "counting": "Count the tokens: prompt_tokens=1234, completion_tokens: 99, max_tokens = 128000",
    "workflow": "token: ${{ secrets.GITHUB_TOKEN }}\nNPM_TOKEN: ${{ secrets.NPM_TOKEN || 'unused' }}",
    "environment": 'key = os.environ["API_KEY"]\nsecret = os.getenv("APP_SECRET", "")',
    "process environment": "const apiKey = process.env.API_KEY!;",
    "shell variable": "export PGPASSWORD=$DB_PASSWORD\ncurl -u $USER:$PASSWORD https://x",
    "template": "password: {{ vault.db.password }}\npassword = ${DB_PASSWORD}",
    "angle placeholder": "api_key: <your-api-key>\nAuthorization: Bearer <token>",
    "placeholder": "password=changeme\nAPI_KEY=xxxxxxxxxxxxxxxx\ntoken = 'your-token-here'",
    "stars": "password: ********\nsecret: ...",
    "example": 'api_key = "example-key-123"',
    "signature": "def login(user: str, password: str, token: Token | None = None) -> Session: ...",
    "call": "password = getpass.getpass()\ntoken = create_token(user.id, 3600)",
    "attribute": "self.password = password\nclient.token = response.json()['token']",
    "keyword arguments": "connect(password=self._options['password'], secret=cfg.secret)",
    "type script": "interface Login { password: string; apiKey?: string }",
    "validation": "password: required|min:8|confirmed",
    "message": 'error = {"password": "Your password must have 8 characters"}',
    "html": '<input type="password" name="password" placeholder="Password" autocomplete="current-password">',
    "field": 'password_field = "user_pass_2"\ntoken_type: "bearer1"',
    "hash": "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "password hash": "password_hash = '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'",
    "uuid": "id: 3f333df6-90a4-4fda-8dd3-9485d27cee36",
    "integrity": '"integrity": "sha512-Q3nbRHVKzV5u0mV8S7g0zV5vmKQ3jRk1dQ7zX8b9Nf6Lk2=="',
    "primary key": "primary_key = 'order_2024_0001'\nALTER TABLE a ADD FOREIGN KEY (b1) REFERENCES c(d2);",
    "public key": "-----BEGIN PUBLIC KEY-----\n" + KEY_BODY,
    "header named only": "grep for -----BEGIN PRIVATE KEY----- in the repository and report the files.",
    "address": "see https://example.org:8080/a?b=c@d and ssh://git@github.com/koubou.git",
    "address with the words": "mysql://user:password@localhost/db and https://{user}:{token}@host/x",
    "address with the name again": "postgres://postgres:postgres@localhost/test",
    "usage": "psql <user>:<password>@host",
    "manifest": "kind: Secret\nmetadata:\n  name: empty\n---\nkind: ConfigMap\ndata:\n  colour: vermilion\n",
    "long decimal": "pi = 3.1415926535897932, e = 2.7182818284590452354",
    "not a card": "order 4556737586899856 and 1700000000000 ms and 20240131123456",
    "not a number of social security": "000-12-3456, 666-12-3456, 219-00-9999, tel 212-555-0199",
    "dates": "2024-01-31 10:20:30, 31.01.2024, passport valid until 2031-05-06",
    "not an account": "DE75 5121 0800 1245 1261 98 and AB12CD34EF56GH78",
    "versions": "python-3.11.9 on x86_64-unknown-linux-gnu, koubou_0.1.0-1_amd64.deb",
    "class names": "test_SomeVeryLongCamelCaseNameOfATest and Button_root__label",
    "oauth": "A confidential client must authenticate; the confidentiality of the code matters.",
    "japanese": "パスワードをリセットする機能を実装してください。トークンは数えるだけです。",
    "japanese marker talked about": "機密情報を検出する正規表現を書いて",
    "chinese": "实现密码重置功能，并统计令牌数量。",
    "table of a manual": "| password | string | required |\n| token | OAuth2 | base64-encoded |\n| secret | v1.2 | x |",
    "table of lengths": "| field | password |\n|---|---|\n| length | 8-64 |\n| hash | sha256 |",
    "list of names": "__all__ = [\n    'Secret',\n    'Base64UrlBytes99',\n]\n",
    "arguments": "def login(user, password):\n    return digest9, sha256crypt22\n",
    "html of a form": "<label>Password</label>\n<input type='password' id='pw1'>\n<td>token</td><td>string</td>",
    "pipe": "cat password | sha256sum | base64",
    "changes": "password - fixes the reset\ntoken - 4.5.2",
    "numbers in columns": "4556\t7375\t8689\t9855\t1\n2\t4556\t7375\t8689\t9855",
    "passing": "Tests pass: 120 passed, 3 failed; PASS tests/unit/test_a1.py",
    "currency": "My account number of followers grew; bank account balance: $120000",
    "german": "Das habe ich nie 123456 mal gesagt.",
}


@pytest.mark.parametrize("text", SECRET.values(), ids=SECRET.keys())
def test_a_secret_makes_a_text_confidential(text: str) -> None:
    assert "confidential" in levels(text)


@pytest.mark.parametrize("text", INNOCENT.values(), ids=INNOCENT.keys())
def test_what_only_looks_secret_stays_public(text: str) -> None:
    assert "confidential" not in levels(text)


@pytest.mark.parametrize(
    "text",
    [
        "Company proprietary: drawings",
        "This file contains proprietary information of Example Ltd.",
        "PROPRIETARY\n\nThe plan.",
        "取扱注意",
        "関係者限り",
        "For internal use only.",
        "INTERNAL: plan",
        "Do not distribute.",
        "社内限り",
        "社内向けの手順書",
        "仅限内部使用",
    ],
)
def test_what_is_marked_for_the_house_is_internal(text: str) -> None:
    assert levels(text) == {"internal"}


def test_a_finding_tells_where_and_at_most_two_characters() -> None:
    texts = [("title", "Mend it"), ("files[0]", "a = 1\nb = 2\npassword = 'Kingyo#42sukui'\n")]
    assert find(texts, ()) == (
        Finding(category="password", where="files[0]", rule="password-beside-name", line=3, sample="Ki"),
    )


def test_every_text_of_a_request_is_looked_at() -> None:
    secret = "password = 'Kingyo#42sukui'"
    request = TaskRequest(
        id=secret,
        title=secret,
        system=secret,
        messages=[Message(role="user", content=secret)],
        attachments=[Attachment(name=secret, content=secret)],
        metadata={"deep": [{"password": "Kingyo#42sukui"}]},
        response_format={"description": secret},
        expect=[secret],
        inputs={"a": secret},
        depends_on=[secret],
        locks=[secret],
        session=secret,
        parent=secret,
        workspace=secret,
    )
    wheres = {where for where, _ in texts_of(request)}
    assert {finding.where for finding in find(texts_of(request), ())} == wheres
    assert {"files[0].name", "files[0]", "messages[0]", "metadata", "system", "title"} < wheres
    assert {where for where, _ in texts_of(TaskRequest(prompt=secret))} == {"prompt"}


def test_a_name_in_the_metadata_and_its_value_are_read_together() -> None:
    request = TaskRequest(prompt="Tea?", metadata={"password": "kingyo42sukui", "card": 4556737586899855})
    assert {finding.category for finding in find(texts_of(request), ())} == {"password", "credit_card"}


@pytest.mark.parametrize("key", ["default", "const", "example", "value"])
def test_a_value_in_a_schema_stands_beside_the_name_above_it(key: str) -> None:
    schema = {"properties": {"password": {"type": "string", key: "Kingyo#42sukui"}}}
    assert find(texts_of(TaskRequest(prompt="Tea?", response_format=schema)), ()) != ()
    listed = {"properties": {"password": {"type": "string", "examples": ["Kingyo#42sukui"]}}}
    assert find(texts_of(TaskRequest(prompt="Tea?", response_format=listed)), ()) != ()


@pytest.mark.parametrize("empty", [[], {}, [[]], [{}], ()])
def test_a_key_of_nothing_is_looked_at(empty: object) -> None:
    request = TaskRequest(prompt="Tea?", metadata={"AKIAQ3EGVWX7ZLM2N4PT": empty})
    assert [finding.where for finding in find(texts_of(request), ())] == ["metadata"]


def test_a_schema_that_speaks_of_passwords_is_innocent() -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string"}, "token": {"type": "string"}}}
    assert find(texts_of(TaskRequest(prompt="Tea?", response_format=schema)), ()) == ()


def test_hits_of_a_detector_are_believed_but_for_addresses_with_blanks() -> None:
    texts = [("prompt", "postgres://user:password@localhost/db"), ("system", "zq-1")]
    blank = Hit(rule="uri", category="connection_string", where="prompt", line=1, start=16, end=24, sample="pa")
    token = Hit(rule="zq", category="vendor_token", where="system", line=1, start=0, end=4, sample="zq")
    assert [finding.rule for finding in find(texts, [blank, token])] == ["zq"]


def test_the_list_of_findings_has_an_end() -> None:
    text = "\n".join(f"password = 'Kingyo#{number}sukui'" for number in range(10 * MOST_FINDINGS))
    assert len(find([("prompt", text)], ())) == MOST_FINDINGS


def test_many_marks_of_the_house_do_not_hide_a_secret_behind_them() -> None:
    text = "社内限り\n" * (3 * MOST_FINDINGS) + "SSN: 219-09-9999"
    found = find([("prompt", text)], ())
    assert sensitivity(found, None)[0] is Sensitivity.CONFIDENTIAL


def test_many_harmless_addresses_do_not_hide_a_token_behind_them() -> None:
    line = "postgres://user:password@localhost/db\n"
    blanks = [
        Hit(
            rule="uri",
            category="connection_string",
            where="prompt",
            line=n + 1,
            start=n * len(line) + 16,
            end=n * len(line) + 24,
            sample="pa",
        )
        for n in range(2 * MOST_FINDINGS)
    ]
    token = Hit(rule="zq", category="vendor_token", where="prompt", line=999, start=0, end=4, sample="zq")
    assert [finding.rule for finding in find([("prompt", line * 2 * MOST_FINDINGS)], [*blanks, token])] == ["zq"]


@pytest.mark.parametrize("asked", [None, *Sensitivity])
@pytest.mark.parametrize("found", Sensitivity)
def test_what_is_asked_may_raise_but_never_lower(found: Sensitivity, asked: Sensitivity | None) -> None:
    findings = () if found is Sensitivity.PUBLIC else (a_finding(str(found)),)
    level, reason = sensitivity(findings, asked)
    assert level.rank == max(found.rank, asked.rank if asked else 0)
    assert reason.reason


def test_the_reason_names_the_rule_and_the_place_but_not_the_secret() -> None:
    findings = find([("prompt", "password = 'Kingyo#42sukui'")], ())
    _, reason = sensitivity(findings, Sensitivity.PUBLIC)
    assert "password-beside-name" in reason.reason
    assert "prompt, line 1" in reason.reason
    assert "not enough" in reason.reason
    assert "Ki" not in reason.reason.replace("Kingfisher", "")


def test_raising_keeps_the_higher() -> None:
    assert raise_to(None, Sensitivity.PUBLIC) is Sensitivity.PUBLIC
    assert raise_to(Sensitivity.CONFIDENTIAL, Sensitivity.PUBLIC) is Sensitivity.CONFIDENTIAL
    assert raise_to(Sensitivity.PUBLIC, Sensitivity.INTERNAL) is Sensitivity.INTERNAL


def test_a_text_that_was_written_to_be_slow_counts_as_secret_and_is_not_looked_through() -> None:
    found = find([("prompt", "token:" * 200_000)], ())
    assert sensitivity(found, None)[0] is Sensitivity.CONFIDENTIAL


def test_a_secret_in_the_name_of_a_file_is_seen_whatever_its_ending() -> None:
    for name in (
        "client_secret=Zk3Lq9Tr5Bv8Nx2Wp7Yd4Hf6Jg1Ms0Qc.txt",
        "a/b/client_secret=Zk3Lq9Tr5Bv8Nx2Wp7Yd4Hf6Jg1Ms0Qc",
    ):
        named = texts_of(TaskRequest(prompt="x", attachments=[Attachment(name=name, content="nothing")]))
        assert [finding.where for finding in find(named, ())] == ["files[0].name"]
    named = texts_of(TaskRequest(prompt="x", attachments=[Attachment(name="src/password_reset.py", content="")]))
    assert find(named, ()) == ()
