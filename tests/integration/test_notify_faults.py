"""What koubou check and koubou doctor say of targets that cannot be told, or not unheard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from settings_files import Shelf

from koubou.cli.doctor.finding import Finding
from koubou.cli.doctor.patient import Patient
from koubou.cli.doctor.setup import notified
from koubou.cli.main import main

ADDRESS = "https://hooks.example.com/a-key-of-its-own"
HOOK = "secret: {env: HOOK}"
TARGETS = f"""
home: {{home}}
notify:
  targets:
    good: {{{{webhook: "{ADDRESS}", secret: {{{{env: GOOD}}}}}}}}
    blind: {{{{webhook: "{ADDRESS}", secret: {{{{env: NOWHERE_SET}}}}}}}}
    plain: {{{{webhook: "http://hooks.example.com/x", secret: {{{{env: GOOD}}}}}}}}
    gone: {{{{command: [/nowhere/to/be/found, -q]}}}}
    there: {{{{command: [sh, -c, "true"]}}}}
"""
KEYS = {
    "blind": ("notify.targets.blind.secret", "the environment variable NOWHERE_SET is not set", True),
    "plain": ("notify.targets.plain.webhook", "is http to another machine", False),
    "gone": ("notify.targets.gone.command", "/nowhere/to/be/found is not there, or may not be run", True),
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "koubou.yaml"
    file.write_text(TARGETS.format(home=tmp_path / "home"))
    monkeypatch.setenv("GOOD", "a-secret-of-the-tests")
    monkeypatch.setenv("KOUBOU_CONFIG", str(file))
    return file


@pytest.mark.usefixtures("config")
def test_check_says_which_target_is_not_told_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    for key, message, hinders in KEYS.values():
        (line,) = [line for line in lines if key in line]
        assert message in line
        assert line.startswith("  NOT NOW: ") is hinders
        assert "; " in line
    assert "good by a webhook" in said
    assert "there by sh" in said
    assert ADDRESS not in said


@pytest.mark.usefixtures("config")
def test_check_says_the_same_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json"]) == 0
    said = capsys.readouterr().out
    notify = json.loads(said)["notify"]
    assert notify["targets"] == dict.fromkeys(("good", "blind", "plain"), "webhook") | dict.fromkeys(
        ("gone", "there"), "command"
    )
    found = {fault["target"]: (fault["key"], fault["message"], fault["hinders"]) for fault in notify["faults"]}
    assert found.keys() == KEYS.keys()
    for name, (key, message, hinders) in KEYS.items():
        assert found[name][0::2] == (key, hinders)
        assert message in found[name][1]
    assert all(fault["remedy"] for fault in notify["faults"])
    assert ADDRESS not in said


def findings(config: Path) -> dict[str, Finding]:
    patient = Patient(config, {}, {"PATH": "/usr/bin:/bin", "GOOD": "a-secret-of-the-tests"})
    return {finding.name: finding for finding in notified(patient)}


def test_the_doctor_warns_of_each_and_says_what_to_do(config: Path) -> None:
    (config.parent / "home").mkdir()
    found = findings(config)
    assert found.keys() == {f"notify {name}" for name in KEYS}
    for name, (key, message, hinders) in KEYS.items():
        finding = found[f"notify {name}"]
        assert finding.level == "warning"
        assert finding.says.startswith(f"{key}: {message}")
        assert finding.says.endswith("it is not told") is hinders
        assert finding.remedy


@pytest.mark.parametrize(
    "address",
    ["https://hooks.example.com", "http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/x", "http://LOCALHOST./"],
)
def test_what_nobody_else_hears_is_well(config: Path, address: str) -> None:
    config.write_text(f"notify: {{targets: {{a: {{webhook: '{address}', secret: {{env: GOOD}}}}}}}}\n")
    assert [finding.level for finding in findings(config).values()] == ["ok"]


@pytest.mark.parametrize(
    "address", ["http://10.0.0.7/x", "http://192.168.0.1", "http://hooks.lan/", "http://[fd00::1]/"]
)
def test_a_private_network_has_others_in_it(config: Path, address: str) -> None:
    config.write_text(f"notify: {{targets: {{a: {{webhook: '{address}', {HOOK}}}}}}}\n")
    said = [finding.says for finding in findings(config).values()]
    assert any("is http to another machine" in each for each in said)


def test_without_targets_the_doctor_has_nothing_to_say(config: Path) -> None:
    config.write_text("{}\n")
    assert findings(config) == {}


@pytest.mark.parametrize(
    "address", ["https://:443/hook", "http://h:99999/", "http://h:port/", "http://[::1/", "https://?"]
)
def test_an_address_that_leads_nowhere_is_refused_with_its_place(tmp_path: Path, address: str) -> None:
    shelf = Shelf(tmp_path)
    shelf.write(f"\nnotify:\n  targets:\n    ops:\n      webhook: '{address}'\n      {HOOK}\n")
    (problem,) = shelf.problems()
    assert (problem.line, problem.key) == (5, "notify.targets.ops.webhook")
    assert "must be an address such as https://" in problem.message
    assert address not in str(problem)
