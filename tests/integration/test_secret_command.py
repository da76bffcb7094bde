"""`koubou secret` as people and scripts run it: what it keeps, what it refuses, and that nobody sees a value."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import warm
from warm import KOUBOU

from koubou.cli.main import main

KEY = "sk-live-hunter2-hunter2"
OLD = "sk-live-hunter1-hunter1"
PASSPHRASE = "five words are much better"


class Shop:
    """Settings, a home and a key file; the command is run as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.key = folder / "etc" / "secret.key"
        self.config = folder / "koubou.yaml"
        self.settings()
        self.environment = warm.bare_environment()

    def settings(self, key: Path | None = None) -> None:
        self.config.write_text(f"home: {self.home}\nsecrets: {{key_file: {key or self.key}}}\n")

    def secret(self, *words: str, stdin: str = "", pass_fds: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        asked = [KOUBOU, "secret", *words, "--config", str(self.config)]
        done = warm.run(asked, self.environment, self.folder, stdin, pass_fds=pass_fds)
        for value in (KEY, OLD, PASSPHRASE):
            assert value not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def list(self, *words: str, **more: Any) -> Any:
        done = self.secret("list", "--json", *words, **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_what_the_running_workshop_does_with_a_key_is_told_as_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("koubou.cli.secret._tell_master", lambda _: True)
    monkeypatch.setattr("koubou.cli.secret._value", lambda _: KEY)
    for word, since in (("set", "from now on"), ("rm", "no longer")):
        assert main(["secret", word, "openai", "--config", str(shop.config)]) == 0
        assert capsys.readouterr().out.endswith(f"; the running workshop uses it {since}\n")


def test_a_key_is_set_listed_rotated_and_forgotten(shop: Shop) -> None:
    assert shop.list() == []
    assert shop.secret("set", "openai", stdin=f"{OLD}\n").returncode == 0
    told = json.loads(shop.secret("rotate", "openai", "--json", stdin=KEY).stdout)
    assert (told["name"], told["values"], told["taken_over"]) == ("openai", 2, False)
    (row,) = shop.list()
    assert (row["name"], row["values"], len(row["values_set_at"])) == ("openai", 2, 2)
    assert row["set_at"].endswith("Z")
    assert "openai" in shop.secret("list").stdout
    assert shop.secret("rotate", "openai", "--drop-old").returncode == 0
    assert shop.list()[0]["values"] == 1
    assert json.loads(shop.secret("rm", "openai", "--json").stdout)["removed"] is True
    assert shop.list() == []


def test_only_its_owner_may_look_at_what_is_kept(shop: Shop) -> None:
    shop.secret("set", "openai", stdin=KEY)
    files = [shop.key, *(shop.home / "secrets").iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((shop.home / "secrets").stat().st_mode) == 0o700
    assert not [file for file in files if KEY.encode() in file.read_bytes()]


@pytest.mark.parametrize("harm", ["changed", "empty", "link", "folder"])
def test_one_damaged_secret_is_named_and_hides_no_other(shop: Shop, harm: str) -> None:
    for name in ("anthropic", "openai", "zai"):
        shop.secret("set", name, stdin=KEY)
    file = shop.home / "secrets" / "openai.secret"
    sealed = file.read_bytes()
    file.unlink()
    match harm:
        case "changed":
            file.touch(mode=0o600)
            file.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        case "empty":
            file.touch(mode=0o600)
        case "link":
            file.symlink_to("zai.secret")
        case "folder":
            file.mkdir()
    done = shop.secret("list")
    assert done.returncode == 78
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["SECRET", "anthropic", "zai"]
    (line,) = done.stderr.splitlines()
    assert str(file) in line
    done = shop.secret("list", "--json")
    assert done.returncode == 78
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert [rows[name]["problem"] for name in ("anthropic", "zai")] == [None, None]
    assert str(file) in rows["openai"]["problem"]
    assert rows["openai"]["values"] == 0


def test_a_key_that_opens_nothing_is_told_once(shop: Shop) -> None:
    for name in ("anthropic", "openai"):
        shop.secret("set", name, stdin=KEY)
    shop.key.write_bytes(os.urandom(32))
    done = shop.secret("list")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (78, "", 1)
    assert str(shop.key) in done.stderr


def test_whatever_others_could_reach_is_told_and_hides_nothing(shop: Shop) -> None:
    shop.secret("set", "openai", stdin=KEY)
    assert shop.secret("list").stderr == ""
    file = shop.home / "secrets" / "openai.secret"
    file.chmod(0o644)
    shop.key.parent.chmod(0o777)
    done = shop.secret("list")
    assert done.returncode == 0
    assert "openai" in done.stdout
    assert f"chmod 600 {file}" in done.stderr
    assert f"chmod go-w {shop.key.parent}" in done.stderr


@pytest.mark.parametrize("slip", ["", "sk-0123", "OPENAI_API_KEY=sk-0123456789", "two words of it", "$KEY_OF_MINE"])
def test_what_looks_like_no_key_is_refused_and_the_old_one_stays(shop: Shop, slip: str) -> None:
    shop.secret("set", "openai", stdin=OLD)
    for what in ("set", "rotate"):
        done = shop.secret(what, "openai", stdin=slip)
        assert (done.returncode, "no API key" in done.stderr) == (65, True)
        assert not slip or slip not in done.stderr, done.stderr
    assert shop.list()[0]["values"] == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set",), 64),
        (("rm",), 64),
        (("list", "openai"), 64),
        (("rm", "openai"), 64),
        (("rotate", "openai"), 64),
        (("rotate", "openai", "--keep", "0"), 64),
        (("set", "openai", "--drop-old"), 64),
        (("set", "../openai"), 64),
        (("set", "openai", "--passphrase-fd", "0"), 64),
        (("list", "--passphrase-fd", "77"), 0),
        (("polish", "openai"), 64),
    ],
)
def test_words_that_are_off_are_told(shop: Shop, words: tuple[str, ...], code: int) -> None:
    assert shop.secret(*words, stdin=KEY).returncode == code


def test_a_key_on_the_command_line_is_refused_and_not_repeated(shop: Shop) -> None:
    for words in (("openai", KEY), ("openai", "--json", KEY), ("openai", f"--value={KEY}"), (KEY, "openai")):
        done = shop.secret("set", *words)
        assert done.returncode == 64
        assert "list of processes" in done.stderr
    assert not (shop.home / "secrets").exists()


def test_a_key_file_inside_the_home_is_refused_also_through_a_link(shop: Shop) -> None:
    shop.home.mkdir()
    (shop.folder / "way").symlink_to(shop.home)
    for file in (shop.home / "secret.key", shop.folder / "way" / "secret.key"):
        shop.settings(key=file)
        done = shop.secret("set", "openai", stdin=KEY)
        assert (done.returncode, "inside the workshop's home" in done.stderr) == (78, True)
        assert not file.exists()


def test_another_key_and_an_exposed_one_are_told_with_what_to_do(shop: Shop) -> None:
    shop.secret("set", "openai", stdin=KEY)
    shop.key.chmod(0o644)
    done = shop.secret("list")
    assert (done.returncode, f"chmod 600 {shop.key}" in done.stderr) == (78, True)
    shop.key.chmod(0o600)
    shop.key.write_bytes(os.urandom(32))
    done = shop.secret("list")
    assert (done.returncode, "not the key" in done.stderr, "backup" in done.stderr) == (78, True, True)


def test_a_key_that_cannot_be_made_says_where_to_put_it(shop: Shop) -> None:
    (shop.folder / "etc").write_text("a file where a folder should be")
    done = shop.secret("set", "openai", stdin=KEY)
    assert (done.returncode, "secrets: {key_file" in done.stderr) == (78, True)


def test_a_passphrase_comes_by_a_descriptor_and_opens_the_vault_without_the_key(shop: Shop) -> None:
    def with_passphrase(*words: str, passphrase: str = PASSPHRASE, stdin: str = "") -> Any:
        reading, writing = os.pipe()
        os.write(writing, f"{passphrase}\n".encode())
        os.close(writing)
        try:
            return shop.secret(*words, "--passphrase-fd", str(reading), stdin=stdin, pass_fds=(reading,))
        finally:
            os.close(reading)

    assert with_passphrase("set", "openai", stdin=KEY).returncode == 0
    assert shop.list()[0]["name"] == "openai", "the key opens it too"
    shop.key.unlink()
    assert with_passphrase("list").stdout.count("openai") == 1
    assert with_passphrase("rotate", "openai", stdin=OLD).returncode == 0
    wrong = with_passphrase("list", passphrase="five words are not better")
    assert (wrong.returncode, "does not open" in wrong.stderr) == (78, True)
    shop.home = shop.folder / "another"
    shop.settings()
    assert with_passphrase("set", "openai", passphrase="short", stdin=KEY).returncode == 64


def test_a_person_types_the_key_unseen(shop: Shop) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(KOUBOU, [KOUBOU, "secret", "set", "openai", "--config", str(shop.config)], shop.environment)
    shown = _until(terminal, b"not shown")
    os.write(terminal, f"{KEY}\n".encode())
    shown += _until(terminal, b"kept with")
    os.waitpid(pid, 0)
    os.close(terminal)
    assert KEY.encode() not in shown
    assert shop.list()[0]["name"] == "openai"


def _until(terminal: int, word: bytes) -> bytes:
    shown, end = b"", time.monotonic() + 30
    while word not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, shown
        shown += os.read(terminal, 4096)
    return shown


def test_no_other_process_sees_the_value(shop: Shop) -> None:
    """While it waits for the rest of its input, and after."""
    process = subprocess.Popen(
        [KOUBOU, "secret", "set", "openai", "--config", str(shop.config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=shop.environment,
    )
    assert process.stdin is not None
    process.stdin.write(KEY.encode())
    process.stdin.flush()
    end = time.monotonic() + 30
    while b"openai" not in (words := Path(f"/proc/{process.pid}/cmdline").read_bytes()):  # it has just been started
        assert time.monotonic() < end, words
    assert KEY.encode() not in words + Path(f"/proc/{process.pid}/environ").read_bytes()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_two_who_set_keys_at_once_both_have_them_kept(shop: Shop) -> None:
    words = [KOUBOU, "secret", "set", "--config", str(shop.config)]
    writers = [
        subprocess.Popen([*words, f"key-{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=shop.environment)
        for number in range(4)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(KEY.encode())
        writer.stdin.close()
    assert [writer.wait(60) for writer in writers] == [0] * 4
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    assert [row["name"] for row in shop.list()] == [f"key-{number}" for number in range(4)]


def test_check_tells_of_a_secret_that_is_not_there_and_never_of_what_is(shop: Shop) -> None:
    tier = (
        "{reach: cloud, base_url: 'https://api.openai.com/v1', model: gpt-5, api_key: [{secret: openai}, {env: NONE}]}"
    )
    with shop.config.open("a") as file:
        file.write(f"tiers: {{a: {tier}}}\n")

    def check() -> str:
        words = [KOUBOU, "check", "--config", str(shop.config)]
        done = subprocess.run(words, capture_output=True, text=True, env=shop.environment, timeout=60, check=False)
        assert KEY not in done.stdout + done.stderr
        return done.stdout

    assert "koubou secret set openai" in check()
    shop.secret("set", "openai", stdin=KEY)
    assert "offered" in check()
    assert "not offered" not in check()
