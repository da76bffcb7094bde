"""What people write about secrets without telling one: it stays public, in three languages."""

from __future__ import annotations

import pytest

from koubou.rules.classify import look

INNOCENT = [
    "mysql -u root -p shop < dump.sql; mysqldump --password=$PASSWORD --port 3306",
    "Add the options --password FILE, --token-limit 4096 and --secret NAME1 to the command.",
    "Password for the test user: see the README. The password (SHA-256 or Argon2id) is hashed.",
    "Password storage in Django4: use PBKDF2. Passwort lautet nicht mehr als 64 Zeichen.",
    "Set-Cookie: sessionid=<value>; HttpOnly; Secure; SameSite=Lax",
    "The seed phrase has twelve words and must be kept by the user in a safe place that is not online at all.",
    "暗証番号は4桁です。PINコード：6桁の数字を入力",
    "credentials: username / password",
    "GRANT ALL ON shop.* TO 'shop'@'%' IDENTIFIED BY '${DB_PASSWORD}';",
    "Implement password reset with a link that expires after 30 minutes.",
    "Add a 'Forgot password?' link below the password field; the new password must differ from the last 5.",
    "Password:\nmust be at least 8 characters long\n",
    "Enter your password:\n",
    "password:\n  type: string\n  minLength: 12\n  format: password\n",
    "パスワードリセット機能を実装してください。パスワードは8文字以上、英数字混在とします。",
    "パスワード：\n8文字以上で入力してください",
    "APIキーは環境変数から読み込む。秘密鍵の生成方法をドキュメントに書く。",
    "トークン数を数えて、max_tokens=4096 を超えたら分割する。",
    "社員番号とパスワードでログインする画面を作る",
    "实现密码重置功能，新密码不能与旧密码相同，密码长度至少8位。",
    "密钥从环境变量读取，不要写在代码里。令牌有效期为3600秒。",
    "请统计每个请求的令牌数量（token count），超过8192时截断。",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "env:\n  AWS_SECRET_ACCESS_KEY: ${{ secrets.AWS_SECRET_ACCESS_KEY }}\n  NODE_AUTH_TOKEN: ${{secrets.NPM_TOKEN}}",
    'client = OpenAI(api_key=os.environ["OPENAI_API_KEY"])',
    'secret = os.getenv("JWT_SECRET") or sys.exit("JWT_SECRET is not set")',
    "const secret = process.env.SESSION_SECRET ?? '';",
    'password = System.getenv("DB_PASSWORD");',
    'password := os.Getenv("DB_PASSWORD")',
    "password: !vault db/password\nsecret: !Ref MySecret\ntoken: {{ .Values.token }}",
    "valueFrom:\n  secretKeyRef:\n    name: db-credentials\n    key: password\n",
    "DB_PASSWORD=<your password here>\nAPI_KEY=changeme\nSECRET_KEY=replace-me-with-a-random-string",
    'password = "********"\ntoken = "xxxx-xxxx-xxxx"\nsecret_key = "..."',
    "git commit 3f786850e387550fdab836ed7e6dc881de23001b fixes the race",
    "md5 d41d8cd98f00b204e9800998ecf8427e, crc32 8c736521",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "task 0f8fad5b-d9cb-469f-a165-70867728950e, parent 7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "PRIMARY KEY (order_id), FOREIGN KEY (user_id) REFERENCES users(id), UNIQUE KEY uk_email (email)",
    "primary_key=True, sort_key='created_at', partition_key=\"tenant_42\", cache_key = 'user:42:v3'",
    (
        '[[package]]\nname = "attrs"\nversion = "25.1.0"\n'
        'checksum = "1a5a5a1f9c1b7f4c8d0c6f7e6d5c4b3a29180706f5e4d3c2b1a0f9e8d7c6b5a4"'
    ),
    (
        '"node_modules/abbrev": {"version": "1.1.1", "resolved": "https://example.org/abbrev-1.1.1.tgz",'
        ' "integrity": "sha512-nne9/IiQ/hzIhY6pdDnbBtz7DjPTKrY00P/zvPSm5pOFkl6xuGrGnXn/VtTNNfNtAfZ9/1RtehkszU9qc=="}'
    ),
    "google.golang.org/protobuf v1.36.1 h1:yBPeRvTftaleIgM3PZ/WBIZ7XM/eEYAaEyCwvyjq/gk=",
    "prompt_tokens: 1200, completion_tokens: 350, total_tokens: 1550, tokens_per_second=42.7",
    "The tokenizer maps <|endoftext|> to 50256; special_tokens={'eos_token': '</s>', 'pad_token': '[PAD]'}",
    "def verify(password: str, hashed: bytes) -> bool:\n    return bcrypt.checkpw(password.encode(), hashed)",
    "assert response.json() == {'detail': 'Invalid password'}",
    "if (!password || password.length < 8) throw new Error('Password too short');",
    "UPDATE users SET password_hash = crypt($1, gen_salt('bf')) WHERE id = $2;",
    "ssh-rsa and ssh-ed25519 public keys go to ~/.ssh/authorized_keys; never copy id_rsa.",
    "openssl genrsa -out private.pem 2048  # writes a file that begins with BEGIN RSA PRIVATE KEY",
    'Authorization: Bearer $TOKEN\ncurl -H "Authorization: Bearer ${API_TOKEN}" https://api.example.com',
    "Use Basic auth with user:password; e.g. https://user:password@example.com/",
    "Write a regular expression that finds credit card numbers such as 4111-xxxx-xxxx-1111.",
    "Port 5432, timeout 3600, id 1234567890123, phone +81-3-1234-5678, 2026-11-21 10:15:30",
    "Write a classifier for confidential documents; explain what makes a trade secret.",
    "「機密情報を検出する」機能と「秘密鍵」という用語の説明を書いてください。",
    "写一个检测机密文件的分类器，并解释什么是商业秘密。",
    "社外秘の扱いを説明する画面。社外秘マークの画像。この文書は機密ではありません。機密区分の選択、機密性の高い設計",
    "パスワード「忘れた」画面を直し、トークン「無効」の表示を変える",
    'password=$(cat /run/secrets/db)\npassword: %env(DB_PASSWORD)%\npassword="${PASSWORD:?missing}"',
    "docker login -u me -p $TOKEN; docker login --password-stdin; redis-cli -a <password>; echo x | sudo tee /etc/y",
    'set_password(new_password); getenv("PASSWORD", ""); config.get("password", "default"); password("field")',
    '["username", "password", "email"]; translate("password", "fr"); PasswordField("Password", [Length(8)])',
    "-----BEGIN PRIVATE KEY-----\nMII...\n-----END PRIVATE KEY-----\nfind '-----BEGIN RSA PRIVATE KEY-----'",
    "verification code is sent by SMS; recovery codes; pin: black==23.12.1",
    'mysql -u root -p; unzip -P "$PW" f; openssl -passin env:PW; gpg --passphrase-fd 0; echo hi | chpasswd --help',
    "CPF masks: 000.000.000-00; secret: file:/run/secrets/x",
    'PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]',
    "psk: cleanup; parola module moved; use HTML entities: &amp; &#39; &lt;password&gt;",
    "Call 415-555-2671 or +44 20 7946 0958, fax 030/1234567, order 20391847562, ISBN 978-1-4028-9462-6",
    "ENV KEY_FILE /run/key\nsetenv TOKEN $1",
    "SHELL=/bin/sh\nPWD=/work\nOLDPWD=/work/src\nexport PWD='/work'\ndeclare -x OLDPWD=\"/\"",
    "a/__init__.py,sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg,4",
    "A Workspace ID (for example, `wrkspc_011CZkZaBF1tNoB5wlCeusgy`).",
    "LoadCredential=api-key:/etc/shop/api.key\nsecret: db-token:/run/secrets/db-token",
    "const authTokenKey = `${regKey}:_authToken`",
    'key="-----BEGIN PRIVATE KEY-----\\nXXXX\\n-----END PRIVATE KEY-----"  # followedbyalongwordofthemanual',
    "confidential: Duration | None = Field(\nconfidential: 30d  # of those\nconfidential: {words: [a]}",
    '"secret_button": "㊙",',
]
TELLING = [
    "PWD=Tr0ub4dor&3x",
    "DB_PWD=/Tr0ub4dor3x",
    "Confidential: the merger is in May",
    "shop_011CZkZaBF1tNoB5wlCeusgy is what it sends",
    "api_key = '${PREFIX}9f8e7d6c5b4a39281706'",
    "㊙ 来期の計画",
]
"""What is nearly such a use, and tells something."""


@pytest.mark.parametrize("text", INNOCENT)
def test_an_innocent_use_stays_public(text: str) -> None:
    assert [finding for finding in look([("prompt", text)]) if finding.level != "note"] == []


@pytest.mark.parametrize("text", TELLING)
def test_what_is_nearly_innocent_is_confidential(text: str) -> None:
    assert "confidential" in [finding.level for finding in look([("prompt", text)])]
