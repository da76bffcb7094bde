"""Settings come in layers, and every mistake of every layer is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import ValidationError
from settings_files import Shelf

from koubou.config.budgets import budget_of
from koubou.config.load import load
from koubou.config.words import Section
from koubou.errors import SettingsError
from koubou.model.money import USD, nano

KEY = "sk-hunter2-hunter2"
LOCAL = "{reach: local, base_url: 'http://127.0.0.1:1/v1', model: m, price: {input: 0, output: 0}}"
CLOUD = "{reach: cloud, base_url: 'https://api.example.com/v1', model: m}"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_the_defaults_run_without_any_file(shelf: Shelf) -> None:
    settings = shelf.load()
    assert (settings.home, settings.sources) == ("/var/koubou", ())
    assert list(settings.tiers) == ["gpt5_high", "gpt5_medium", "local"]
    assert settings.routing.by_difficulty == {
        "high": "gpt5_high",
        "medium": "gpt5_medium",
        "low": "local",
    }
    assert settings.budget.monthly.usd == 500 * USD
    assert settings.tiers["gpt5_medium"].retry_delay == 10_000


def test_each_layer_stands_over_the_one_before_key_by_key(shelf: Shelf) -> None:
    shelf.write("home: /a\nbudget: {monthly: {usd: 100, warn_at: 0.5}}\nlog: {level: debug}\n")
    shelf.write_beside("20.yaml", "budget: {monthly: {usd: 300}}")
    shelf.write_beside("10.yaml", "budget: {monthly: {usd: 200}}\nhome: /b")
    shelf.write_beside("30.txt", "home: [")
    settings = shelf.load()
    assert (settings.home, settings.log.level) == ("/b", "debug")
    assert (settings.budget.monthly.usd, settings.budget.monthly.warn_at) == (300 * USD, 0.5)
    assert settings.sources == (
        str(shelf.file),
        *(str(shelf.folder / "conf.d" / name) for name in ("10.yaml", "20.yaml")),
    )

    environ = {"KOUBOU_BUDGET__MONTHLY__USD": "400", "KOUBOU_HOME": "/c", "PATH": "/bin", "KOUBOU_RUN": "3"}
    assert shelf.load(environ).budget.monthly.usd == 400 * USD
    assert shelf.load(environ, {"budget.monthly.usd": "0.10"}).budget.monthly.usd == USD // 10
    assert shelf.load(environ, {"budget.monthly.usd": "null"}).budget.monthly.usd is None
    assert shelf.load(environ).home == "/c"


def test_the_short_names_of_the_environment_mean_their_settings(shelf: Shelf) -> None:
    settings = shelf.load({"KOUBOU_MONTHLY_BUDGET": "12.5", "KOUBOU_GUARDIAN_USERNAME": "octocat"})
    assert settings.budget.monthly.usd == 12_500_000_000
    assert settings.guardian.github.assignee == "octocat"


def test_lists_and_spelling_of_tiers_come_through_the_environment(shelf: Shelf) -> None:
    shelf.write(f"tiers: {{Big: {LOCAL}}}")
    settings = shelf.load({"KOUBOU_TIERS__BIG__RETRIES": "7", "KOUBOU_SECURITY__ALLOWED_WORKSPACES": "[/a, /b]"})
    assert settings.tiers["Big"].retries == 7
    assert settings.security.allowed_workspaces == ("/a", "/b")


def test_the_file_is_the_one_asked_for_else_that_of_the_environment(shelf: Shelf, tmp_path: Path) -> None:
    shelf.write("home: /system")
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "k.yaml"
    other.write_text("home: /other")
    assert load(other, {}, system_file=shelf.file).home == "/other"
    assert load(None, {"KOUBOU_CONFIG": str(other)}, system_file=shelf.file).home == "/other"
    assert load(None, {"KOUBOU_CONFIG": ""}, system_file=shelf.file).home == "/system"


def test_a_file_that_is_asked_for_must_be_there_and_readable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load(tmp_path / "none.yaml", {})
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path, {})


def test_tiers_of_a_file_replace_the_built_in_ones_and_routing_follows(shelf: Shelf) -> None:
    shelf.write(f"tiers: {{big: {CLOUD}, small: {CLOUD}, house: {LOCAL}}}")
    settings = shelf.load()
    assert list(settings.tiers) == ["big", "small", "house"]
    assert settings.routing.by_difficulty == {"high": "big", "medium": "small", "low": "house"}

    shelf.write(f"tiers: {{house: {LOCAL}, big: {CLOUD}}}\nrouting: {{medium: house}}")
    assert shelf.load().routing.by_difficulty == {"high": "big", "medium": "house", "low": "house"}
    shelf.write(f"tiers: {{only: {CLOUD}}}")
    assert shelf.load().routing.by_difficulty == {"high": "only", "medium": "only", "low": "only"}
    shelf.write(f"tiers: {{other: {CLOUD}, gpt5_high: {CLOUD}}}")
    assert shelf.load().routing.high == "gpt5_high"


def test_tiers_of_several_files_add_up(shelf: Shelf) -> None:
    shelf.write(f"tiers: {{big: {CLOUD}}}")
    shelf.write_beside("house.yaml", f"tiers: {{house: {LOCAL}, big: {{retries: 9}}}}")
    settings = shelf.load()
    assert (list(settings.tiers), settings.tiers["big"].retries) == (["big", "house"], 9)


def test_a_key_source_is_replaced_as_a_whole(shelf: Shelf) -> None:
    shelf.write(f"tiers: {{big: {CLOUD[:-1]}, api_key: {{env: A}}}}}}")
    shelf.write_beside("x.yaml", "tiers: {big: {api_key: {credential: b}}}")
    sources = shelf.load().tiers["big"].api_key
    assert sources is not None
    (source,) = sources
    assert (source.env, source.credential) == (None, "b")


def test_every_problem_of_every_layer_is_told_with_its_place(shelf: Shelf) -> None:
    shelf.write("home: here\nbudget:\n  montly: {}\n  daily: {usd: plenty}\n")
    shelf.write_beside("a.yaml", "log: {format: jsn}\n")
    shelf.write_beside("b.yaml", "home: [\n")
    environ = {"KOUBOU_MONTLY_BUDGET": "1", "KOUBOU_LOG_LEVEL": "info", "KOUBOU_INTAKE__SETLE": "1s"}
    found = {(problem.file, problem.line, problem.nearest) for problem in shelf.problems(environ, {"log.level": "x"})}
    beside = str(shelf.folder / "conf.d")
    assert found == {
        (str(shelf.file), 1, None),
        (str(shelf.file), 3, "monthly"),
        (str(shelf.file), 4, None),
        (f"{beside}/a.yaml", 1, "json"),
        (f"{beside}/b.yaml", 2, None),
        ("KOUBOU_MONTLY_BUDGET", None, "KOUBOU_MONTHLY_BUDGET"),
        ("KOUBOU_LOG_LEVEL", None, "KOUBOU_LOG__LEVEL"),
        ("KOUBOU_INTAKE__SETLE", None, "settle"),
        ("command line", None, None),
    }


def test_a_judge_is_one_of_the_tiers_and_judges_known_types(shelf: Shelf) -> None:
    shelf.write(f"tiers: {{house: {LOCAL}}}\nrouting: {{judge: house}}\njudge: {{tier: house, types: [bug_fix]}}")
    settings = shelf.load()
    assert (settings.routing.judge, settings.judge.tier, settings.judge.threshold) == ("house", "house", 0.5)
    assert settings.judge.types == ("bug_fix",)
    shelf.write(f"tiers: {{house: {LOCAL}}}\nrouting: {{judge: huose}}\njudge:\n  tier: hose\n")
    found = [(problem.key, problem.line, problem.nearest) for problem in shelf.problems()]
    assert found == [("routing.judge", 2, "house"), ("judge.tier", 4, "house")]
    shelf.write("judge: {threshold: 1.5, types: [bugfix]}")
    assert {problem.key for problem in shelf.problems()} == {"judge.threshold", "judge.types[0]"}


def test_a_name_in_routing_or_fallback_that_is_no_tier_gets_the_nearest(shelf: Shelf) -> None:
    shelf.write(f"tiers:\n  big: {CLOUD[:-1]}, fallback: huose}}\n  house: {LOCAL}\nrouting: {{high: bgi}}\n")
    found = [(problem.key, problem.line, problem.nearest) for problem in shelf.problems()]
    assert found == [("routing.high", 4, "big"), ("tiers.big.fallback", 2, "house")]


def test_a_tier_names_a_command_that_is_there(shelf: Shelf) -> None:
    shelf.write("tiers:\n  a: {reach: local, executor: 'command:polihs'}\ncommands: {polish: {argv: [cat]}}")
    (problem,) = shelf.problems()
    assert (problem.key, problem.nearest) == ("tiers.a.executor", "polish")


def test_fallbacks_that_go_in_a_circle_are_told_once(shelf: Shelf) -> None:
    lines = [f"  {name}: {CLOUD[:-1]}, fallback: {other}}}" for name, other in (("a", "b"), ("b", "c"), ("c", "b"))]
    shelf.write("\n".join(["tiers:", *lines]))
    (problem,) = shelf.problems()
    assert (problem.key, problem.message.endswith("b -> c -> b")) == ("tiers.b.fallback", True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("tiers: {}", "needs 1 or more"),
        ("tiers: {a: {reach: local}}", "needs base_url"),
        ("tiers: {a: {base_url: 'http://localhost', model: m}}", "reach is required"),
        ("tiers: {a.b: {reach: local, executor: rehearsal}}", "must have a name of a-z"),
        ("tiers: {auto: {reach: local, executor: rehearsal}}", "other than auto"),
        ("tiers: {a: {reach: local, executor: telepathy}}", "must be chat, rehearsal"),
        ("tiers: {a: {reach: cloud, server: embedded}}", "server: embedded only with reach: local"),
        ("tiers: {a: {reach: local, executor: rehearsal, workers: {min: 3, max: 2}}}", "min above"),
        ("tiers: {a: {reach: cloud, base_url: 'http://api.example.com/v1', model: m}}", "must be https"),
        (f"tiers: {{a: {{reach: cloud, base_url: 'https://u:{KEY}@x.com', model: m}}}}", "must not carry a name"),
        ("tiers: {a: {reach: cloud, base_url: 'ftp://x.com', model: m}}", "must be an address"),
        ("tiers: {a: {reach: local, base_url: 'http://127.0.0.1\\@x.com', model: m}}", "must not carry a name"),
        ("tiers: {a: {reach: local, base_url: 'http://127.0.0.1 .x.com', model: m}}", "must be an address"),
        ("tiers: {a: {reach: local, base_url: 'http://localhost:99999', model: m}}", "port above"),
        (f"tiers: {{a: {{reach: local, executor: rehearsal, api_key: {KEY}}}}}", "never stands in the settings"),
        ("tiers: {a: {reach: local, executor: rehearsal, api_key: {env: A, credential: b}}}", "exactly one of"),
        ("budget: {monthly: {warn_at: 2}}", "warn_at <= reject_at"),
        ("budget: {monthly: {ceiling_at: true}}", "budget.monthly.ceiling_at must be a number"),
        (f"tiers: {{a: {LOCAL[:-1]}, retries: yes}}}}", "tiers.a.retries must be a whole number"),
        (f"tiers: {{a: {LOCAL[:-1]}, max_output_tokens: true}}}}", "max_output_tokens must be a whole number"),
        (f"tiers: {{a: {LOCAL[:-1]}, timeout: 0}}}}", "tiers.a.timeout must be 1s or more"),
        (f"tiers: {{a: {LOCAL[:-1]}, timeout: 999ms}}}}", "tiers.a.timeout must be 1s or more"),
        ("commands: {a: {argv: [cat], idle: 0}}", "commands.a.idle must be 1s or more"),
        ("budget: {task: {time: 0s}}", "budget.task.time must be 1s or more"),
        ("budget: {types: {general: {time: 0s}}}", "budget.types.general.time must be 1s or more"),
        ("budget: {timezone: Mars/Base}", "time zone such as UTC"),
        ("window: {listen: here}", "address and a port"),
        ("guardian: {github: {repo: koubou}}", "right form"),
        ("home: relative", "absolute path"),
        ("[1]", "must be a mapping"),
        ("home: /a\n---\nhome: /b", "one document"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_that_never_quotes(shelf: Shelf, settings: str, message: str) -> None:
    shelf.write(settings)
    (problem,) = shelf.problems()
    assert message in str(problem)
    assert KEY not in str(problem)
    assert problem.line is not None


def test_a_setting_of_the_command_line_is_named_once(shelf: Shelf) -> None:
    (problem,) = shelf.problems({}, {"budget.monthly.usd": "much"})
    wanted = "must be an amount of USD such as 0.50 or 20 (1,000,000,000 at most)"
    assert str(problem) == f"command line: budget.monthly.usd {wanted}"


def test_no_number_is_given_by_a_yes() -> None:
    """YAML reads yes, on and true as true, and that is 1 to Python."""
    numbers = [
        (section, name)
        for section in Section.__subclasses__()
        for name, field in section.model_fields.items()
        if is_number(field.annotation)
    ]
    assert len(numbers) > 60
    for section, name in numbers:
        with pytest.raises(ValidationError) as refused:
            section.model_validate({name: True})
        assert name in {error["loc"][0] for error in refused.value.errors()}, (section, name)


def is_number(annotation: Any) -> bool:
    return annotation in (int, float) or any(
        is_number(inner) for inner in get_args(annotation) if get_origin(annotation) is not dict
    )


@pytest.mark.parametrize("settings", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_says_nothing(shelf: Shelf, settings: str) -> None:
    shelf.write(settings)
    assert list(shelf.load().tiers) == ["gpt5_high", "gpt5_medium", "local"]


def test_a_webhook_is_not_shown_for_its_address_is_its_key(shelf: Shelf) -> None:
    shelf.write(f"guardian: {{webhook: 'https://hooks.example.com/{KEY}'}}")
    assert KEY not in repr(shelf.load())


def test_settings_cannot_be_changed(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match="frozen"):
        shelf.load().home = "/elsewhere"  # type: ignore[misc]


def test_what_is_wrong_behind_a_mistake_is_told_in_the_same_breath(tmp_path: Path) -> None:
    file = tmp_path / "koubou.yaml"
    file.write_text(
        "log: {format: jsn}\n"
        "budget: {monthly: {warn_at: 0.9, reject_at: 0.5}}\n"
        "tiers:\n"
        "  here: {reach: local, base_url: 'http://localhost:1', model: m, fallback: ther}\n"
    )
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    told = str(caught.value)
    for part in ("log.format", "warn_at <= reject_at", "tiers.here.fallback"):
        assert part in told


@pytest.mark.parametrize(
    ("daily", "weekend"),
    [
        ("{usd: 0.1}", "0.1"),
        ("{usd: 30}", "5"),
        ("{usd: 1, weekend_usd: 3}", "3"),
        ("{usd: 1, weekend_usd: null}", None),
    ],
)
def test_the_built_in_limit_of_weekends_is_never_above_that_of_other_days(
    tmp_path: Path, daily: str, weekend: str | None
) -> None:
    file = tmp_path / "koubou.yaml"
    file.write_text(f"budget: {{daily: {daily}}}\n")
    assert budget_of(load(file, {}).budget).weekend == (None if weekend is None else nano(weekend))
