"""The vault on a real disk: who opens it, who does not, and what a thief of its files can do with them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import threading
from pathlib import Path

import pytest

from koubou.errors import SecretsUnusable, UnknownSecret, UsageMistake
from koubou.vault.key_file import KeyPlace
from koubou.vault.vault import AskPassphrase, Vault

KEY = "sk-live-hunter2-hunter2"
OLD = "sk-live-hunter1-hunter1"
NOW = 1_795_000_000_000


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


class Place:
    """A home, a key file beside it, and vaults as different callers open them."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.secrets = self.home / "secrets"
        self.key = folder / "etc" / "secret.key"
        self.environ: dict[str, str] = {}

    def vault(self, passphrase: str | None = None, key: Path | None = None) -> Vault:
        ask: AskPassphrase | None = None if passphrase is None else lambda _: passphrase
        place = KeyPlace(file=str(key or self.key), home=str(self.home), environ=self.environ)
        return Vault(str(self.secrets), place, ask)

    def texts(self, name: str, passphrase: str | None = None) -> list[str]:
        return [value.text for value in self.vault(passphrase).values(name)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_was_set_is_read_again_and_lies_sealed_with_tight_modes(place: Place) -> None:
    place.vault().set("openai", KEY, NOW)
    (value,) = place.vault().values("openai")
    assert (value.text, value.set_at) == (KEY, NOW)
    assert KEY not in repr(value)
    assert place.vault().names() == ["openai"]
    assert stat.S_IMODE(place.secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.key.stat().st_mode) == 0o600
    assert len(place.key.read_bytes()) == 32
    for file in place.secrets.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
        assert KEY.encode() not in file.read_bytes()
        assert not file.name.endswith(".tmp")


def test_the_first_setting_makes_the_key_and_later_ones_leave_it(place: Place) -> None:
    first = place.vault()
    first.set("a", KEY, NOW)
    assert any(str(place.key) in note for note in first.notes)
    made = place.key.read_bytes()
    second = place.vault()
    second.set("b", KEY, NOW)
    assert (place.key.read_bytes(), second.notes) == (made, [])


def test_rotation_puts_the_new_value_first_and_keeps_as_many_as_wished(place: Place) -> None:
    vault = place.vault()
    vault.set("openai", OLD, NOW)
    vault.rotate("openai", KEY, NOW + 1, keep=2)
    assert place.texts("openai") == [KEY, OLD]
    vault.rotate("openai", "sk-live-third", NOW + 2, keep=2)
    assert place.texts("openai") == ["sk-live-third", KEY]
    vault.rotate("openai", KEY, NOW + 3, keep=5)
    assert place.texts("openai") == [KEY, "sk-live-third"], "no value stands there twice"
    vault.drop_old("openai")
    assert place.texts("openai") == [KEY]
    vault.set("openai", OLD, NOW)
    assert place.texts("openai") == [OLD], "setting replaces"


def test_what_is_not_there_cannot_be_read_rotated_or_removed(place: Place) -> None:
    vault = place.vault()
    for act in (
        lambda: vault.values("openai"),
        lambda: vault.rotate("openai", KEY, NOW, 2),
        lambda: vault.drop_old("openai"),
        lambda: vault.remove("openai"),
    ):
        with pytest.raises(UnknownSecret):
            act()
    vault.set("openai", KEY, NOW)
    vault.remove("openai")
    assert vault.names() == []
    assert list(place.secrets.glob("*.secret")) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "x" * 101, "é"])
def test_a_name_leads_nowhere_but_into_the_vault(place: Place, name: str) -> None:
    for act in (place.vault().values, place.vault().remove, lambda name: place.vault().set(name, KEY, NOW)):
        with pytest.raises(UsageMistake):
            act(name)


def test_no_byte_of_any_file_can_be_changed_unnoticed(place: Place) -> None:
    place.vault().set("openai", KEY, NOW)
    for file in (place.secrets / "openai.secret", place.secrets / ".by-key"):
        good = file.read_bytes()
        for at in range(len(good)):
            file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            with pytest.raises(SecretsUnusable):
                place.vault().values("openai")
        for length in range(len(good)):
            file.write_bytes(good[:length])
            with pytest.raises(SecretsUnusable):
                place.vault().values("openai")
        file.write_bytes(good)
    assert place.texts("openai") == [KEY]


def test_two_files_cannot_be_swapped(place: Place) -> None:
    place.vault().set("cheap", OLD, NOW)
    place.vault().set("dear", KEY, NOW)
    cheap, dear = place.secrets / "cheap.secret", place.secrets / "dear.secret"
    dear.write_bytes(cheap.read_bytes())
    with pytest.raises(SecretsUnusable, match="of another name or vault") as told:
        place.vault().values("dear")
    assert OLD not in str(told.value)


def test_another_key_opens_nothing_and_its_message_says_what_to_do(place: Place) -> None:
    place.vault().set("openai", KEY, NOW)
    place.key.write_bytes(os.urandom(32))
    with pytest.raises(SecretsUnusable, match=f"{re.escape(str(place.key))}: this is not the key.*backup"):
        place.vault().values("openai")
    with pytest.raises(SecretsUnusable):
        place.vault().set("other", KEY, NOW)
    place.key.unlink()
    with pytest.raises(SecretsUnusable, match="neither the credential koubou-key nor the key file"):
        place.vault().values("openai")
    with pytest.raises(SecretsUnusable):
        place.vault().set("other", KEY, NOW)
    assert not place.key.exists(), "a new key would open nothing, and hide that the old one is lost"


def test_a_copy_of_the_home_without_the_key_is_worth_nothing(place: Place, tmp_path: Path) -> None:
    place.vault().set("openai", KEY, NOW)
    (tmp_path / "thief").mkdir()
    stolen = Place(tmp_path / "thief")
    shutil.copytree(place.secrets, stolen.secrets)
    with pytest.raises(SecretsUnusable):
        stolen.vault().values("openai")
    stolen.key.parent.mkdir()
    stolen.key.write_bytes(os.urandom(32))
    stolen.key.chmod(0o600)
    with pytest.raises(SecretsUnusable):
        stolen.vault().values("openai")


def test_a_key_inside_the_home_is_refused_also_through_links(place: Place, tmp_path: Path) -> None:
    direct = place.home / "secrets" / "secret.key"
    folder = tmp_path / "elsewhere"
    folder.symlink_to(place.home)
    linked = tmp_path / "linked.key"
    linked.symlink_to(place.home / "real.key")
    dotted = tmp_path / "etc" / ".." / "home" / "secret.key"
    for file in (direct, folder / "secret.key", linked, dotted):
        with pytest.raises(SecretsUnusable, match="inside the workshop's home"):
            place.vault(key=file).set("openai", KEY, NOW)
    (tmp_path / "way").symlink_to(place.home)
    seen = KeyPlace(file=str(place.home / "k"), home=str(tmp_path / "way"), environ={})
    with pytest.raises(SecretsUnusable, match="inside the workshop's home"):
        seen.find()
    assert not list(place.home.rglob("*.key"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_a_key_that_others_may_read_or_write_is_refused(place: Place, mode: int) -> None:
    place.vault().set("openai", KEY, NOW)
    place.key.chmod(mode)
    with pytest.raises(SecretsUnusable, match="chmod 600"):
        place.vault().values("openai")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_of_a_stranger_is_refused_and_that_of_the_workshops_own_user_is_not(place: Place) -> None:
    place.vault().set("openai", KEY, NOW)
    os.chown(place.key, 65534, -1)
    with pytest.raises(SecretsUnusable, match="neither you nor root"):
        place.vault().values("openai")
    os.chown(place.home, 65534, -1)
    assert place.texts("openai") == [KEY]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write in another's name")
def test_what_root_sets_belongs_to_the_workshops_own_user(place: Place) -> None:
    os.chown(place.home, 65534, 65534)
    vault = place.vault()
    vault.set("openai", KEY, NOW)
    owners = {file.stat().st_uid for file in (place.secrets, *place.secrets.iterdir())}
    assert owners == {65534}
    assert any(f"LoadCredential=koubou-key:{place.key}" in note for note in vault.notes)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_of_the_wrong_length_is_none(place: Place, size: int) -> None:
    place.key.parent.mkdir()
    place.key.write_bytes(b"k" * size)
    place.key.chmod(0o600)
    with pytest.raises(SecretsUnusable, match="exactly 32 bytes"):
        place.vault().set("openai", KEY, NOW)


def test_a_credential_of_the_service_manager_goes_before_the_file(place: Place, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "koubou-key").write_bytes(os.urandom(32))
    place.environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    place.vault().set("openai", KEY, NOW)
    assert not place.key.exists()
    place.key.parent.mkdir()
    place.key.write_bytes(os.urandom(32))
    place.key.chmod(0o600)
    assert place.texts("openai") == [KEY]
    (credentials / "koubou-key").write_bytes(os.urandom(32))
    with pytest.raises(SecretsUnusable, match="the credential koubou-key: this is not the key"):
        place.vault().values("openai")


def test_the_file_and_the_credential_of_the_same_key_open_the_same_vault(place: Place, tmp_path: Path) -> None:
    place.vault().set("openai", KEY, NOW)
    (tmp_path / "koubou-key").write_bytes(place.key.read_bytes())
    place.key.unlink()
    place.environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert place.texts("openai") == [KEY]


def test_a_passphrase_opens_what_the_key_opens_once_it_was_given(place: Place) -> None:
    place.vault().set("openai", OLD, NOW)
    vault = place.vault(passphrase="five words are much better")
    vault.rotate("openai", KEY, NOW, 2)
    assert any("passphrase" in note for note in vault.notes)
    kept = place.key.read_bytes()
    place.key.unlink()
    assert place.texts("openai", "five words are much better") == [KEY, OLD]
    with pytest.raises(SecretsUnusable, match="this passphrase does not open"):
        place.vault(passphrase="five words are not better").values("openai")
    place.key.write_bytes(kept)
    place.key.chmod(0o600)
    assert place.texts("openai") == [KEY, OLD]


def test_a_vault_begun_with_a_passphrase_alone_says_that_no_service_opens_it(place: Place) -> None:
    inside = place.home / "secret.key"
    vault = place.vault(passphrase="five words are much better", key=inside)
    vault.set("openai", KEY, NOW)
    assert any("no service can" in note for note in vault.notes)
    assert place.texts("openai", "five words are much better") == [KEY]
    with pytest.raises(SecretsUnusable, match="give --passphrase"):
        place.vault().values("openai")
    with pytest.raises(SecretsUnusable, match="give --passphrase"):
        place.vault().set("openai", OLD, NOW)
    assert not place.key.exists(), "who cannot open the vault makes no key for it"
    place.vault(passphrase="five words are much better").set("openai", OLD, NOW)
    assert place.texts("openai") == [OLD], "the key was added"


def test_links_and_pipes_in_the_vault_are_not_followed(place: Place, tmp_path: Path) -> None:
    place.vault().set("openai", KEY, NOW)
    file = place.secrets / "openai.secret"
    file.rename(tmp_path / "outside")
    file.symlink_to(tmp_path / "outside")
    with pytest.raises(SecretsUnusable, match="cannot be read"):
        place.vault().values("openai")
    place.vault().set("openai", OLD, NOW)
    assert not file.is_symlink(), "writing replaces the link and leaves what it leads to alone"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(SecretsUnusable, match="no file that koubou wrote"):
        place.vault().values("openai")
    real = place.home / "real"
    place.secrets.rename(real)
    place.secrets.symlink_to(real)
    with pytest.raises(SecretsUnusable, match="a link to one"):
        place.vault().names()


def test_a_folder_into_which_others_may_look_is_refused(place: Place) -> None:
    place.vault().set("openai", KEY, NOW)
    place.secrets.chmod(0o750)
    with pytest.raises(SecretsUnusable, match="chmod 700"):
        place.vault().values("openai")


@pytest.mark.parametrize(
    ("mode", "group", "told"),
    [
        (0o755, 0, False),
        (0o777, 0, True),
        (0o1777, 0, False),
        pytest.param(0o775, 54_321, True, marks=AS_ROOT),
        pytest.param(0o775, 0, False, marks=AS_ROOT),
    ],
)
def test_a_folder_where_others_could_replace_the_key_is_told(place: Place, mode: int, group: int, told: bool) -> None:
    place.vault().set("openai", KEY, NOW)
    if os.geteuid() == 0:
        os.chown(place.key.parent, -1, group)
    place.key.parent.chmod(mode)
    assert [each.remedy for each in place.vault().exposed()] == ([f"chmod go-w {place.key.parent}"] if told else [])


def test_a_folder_far_above_the_key_counts_and_one_without_a_key_does_not(place: Place) -> None:
    far = place.key.parent / "a" / "b" / "secret.key"
    place.key.parent.mkdir(mode=0o777)
    place.key.parent.chmod(0o777)
    assert place.vault(key=far).exposed() == []
    place.vault(key=far).set("openai", KEY, NOW)
    (exposed,) = place.vault(key=far).exposed()
    assert f"{place.key.parent}: others may take" in exposed.says


def test_the_folder_that_a_new_key_makes_is_no_wider_than_it_may_be(place: Place) -> None:
    before = os.umask(0)
    try:
        place.vault().set("openai", KEY, NOW)
    finally:
        os.umask(before)
    assert place.vault().exposed() == []


def test_many_writers_at_once_lose_nothing(place: Place) -> None:
    def write(number: int) -> None:
        try:
            place.vault().set(f"key-{number}", f"{KEY}-{number}", NOW)
            place.vault().set("shared", KEY, NOW)
            place.vault().rotate("shared", f"{KEY}-{number}", NOW, 10)
        except BaseException as error:  # noqa: BLE001 - told below
            wrong.append(error)

    wrong: list[BaseException] = []
    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert wrong == []
    assert place.vault().names() == [f"key-{number}" for number in range(8)] + ["shared"]
    assert all(place.texts(f"key-{number}") == [f"{KEY}-{number}"] for number in range(8))
    assert 1 < len(place.texts("shared")) <= 9
    assert [file.name for file in place.secrets.iterdir() if file.name.endswith(".tmp")] == []


def test_a_draft_that_a_killed_writer_left_is_no_obstacle(place: Place) -> None:
    place.vault().set("openai", OLD, NOW)
    (place.secrets / ".openai.secret.tmp").write_bytes(b"half")
    place.vault().set("openai", KEY, NOW)
    assert place.texts("openai") == [KEY]
    assert place.vault().names() == ["openai"]
