"""Tiers whose work an agent does: how it is run, what it is priced by, and why it is not offered."""

from __future__ import annotations

from pathlib import Path

import pytest
from found_programs import Programs
from settings_files import Shelf

from koubou.config.report import describe
from koubou.config.routing import routing_of
from koubou.config.tiers import tiers
from koubou.config.unit import drop_in
from koubou.model.instant import MINUTE, SECOND
from koubou.model.tier import Reach, Tier

AT = 1_795_000_000_000  # 2026-11-18
KEY = "sk-hunter2-hunter2"
CODEX = "executor: codex, reach: cloud, base_url: 'https://api.openai.com/v1', model: gpt-5, api_key: {env: K}"
CLAUDE = (
    "executor: claude, reach: cloud, base_url: 'https://api.anthropic.com', model: claude-sonnet-4-5, api_key: {env: K}"
)
FREE = "price: {input: 0, output: 0}"
HERE = f"executor: codex, reach: local, base_url: 'http://127.0.0.1:1/v1', model: m, {FREE}"
CHAT = f"reach: local, base_url: 'http://127.0.0.1:1/v1', model: m, {FREE}"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr("koubou.config.programs._SYSTEM_FOLDER", tmp_path / "nothing")
    return Programs(tmp_path / "programs")


def found(shelf: Shelf, places: Programs, settings: str) -> dict[str, Tier]:
    shelf.write(f"home: {shelf.folder}/home\n{settings}")
    return tiers(shelf.load(), places.environ(K=KEY), at=AT)[0]


def test_an_agent_is_run_as_agents_says_and_its_own_tier_goes_before(shelf: Shelf, places: Programs) -> None:
    settings = (
        "agents: {memory: 2GB, processes: null, dangerous: {most: 3, patterns: ['rm -rf']}, in_place: true}\n"
        f"tiers:\n  a: {{{CODEX}}}\n"
        f"  b: {{{CLAUDE}, agent: {{memory: 1GB, dangerous_most: 0, in_place: false, idle: 2m}}}}\n"
    )
    a, b = found(shelf, places, settings).values()
    assert (a.unfit, b.unfit) == (None, None)
    assert a.agent is not None
    assert b.agent is not None
    assert a.agent.program == str(places.folder / "codex")
    assert (a.agent.memory, a.agent.processes, a.agent.file_size, a.agent.sandbox) == (2 * 10**9, None, 10**9, True)
    assert (a.agent.dangerous, a.agent.dangerous_most, a.agent.in_place) == (("rm -rf",), 3, True)
    assert (b.agent.memory, b.agent.dangerous_most, b.agent.in_place) == (10**9, 0, False)
    assert (a.idle, b.idle, a.grace) == (10 * MINUTE, 2 * MINUTE, 10 * SECOND)
    assert (a.timeout, a.slow_after, a.max_output_tokens, a.places) == (30 * MINUTE, None, 32_000, 4)


def test_an_agent_is_priced_by_whom_its_program_speaks_to(shelf: Shelf, places: Programs) -> None:
    elsewhere = CODEX.replace("api.openai.com", "llm.example.com")
    other = CODEX.replace("api.openai.com/v1", "openrouter.ai/api/v1")
    a, b, c, d = found(
        shelf, places, f"tiers: {{a: {{{CODEX}}}, b: {{{CLAUDE}}}, c: {{{elsewhere}}}, d: {{{other}}}}}"
    ).values()
    assert [(tier.provider, tier.price and tier.price.source) for tier in (a, b, c)] == [
        ("openai", "genai-prices 0.2.3, openai, 2026-11-18"),
        ("anthropic", "genai-prices 0.2.3, anthropic, 2026-11-18"),
        ("openai", "genai-prices 0.2.3, openai, 2026-11-18"),
    ]
    assert "openai" not in str(d.price), "whose address is known is not taken for another"


@pytest.mark.parametrize(
    ("tier", "missing", "reason"),
    [
        (
            CODEX,
            "codex",
            "codex is not installed; scripts/agents installs it, or name the file as agents.programs.codex",
        ),
        (f"{CODEX}, agent: {{program: /none/such}}", None, "/none/such is no program"),
        (CLAUDE, "claude", "claude is not installed"),
        (CODEX, "bwrap", "apt-get install bubblewrap"),
        (f"{CODEX}, sandbox: none", "bwrap", "None"),
        (CODEX.replace(", api_key: {env: K}", ""), None, "needs a key"),
        (HERE.replace("127.0.0.1", "203.0.113.7"), None, "neither loopback nor a private address"),
        (f"{HERE}, max_output_tokens: 200000", None, "no room for a question"),
        (HERE, None, "None"),
    ],
)
def test_an_agent_that_cannot_be_run_safely_says_why(
    shelf: Shelf, places: Programs, tier: str, missing: str | None, reason: str
) -> None:
    if missing:
        places.remove(missing)
    assert reason in str(found(shelf, places, f"tiers: {{a: {{{tier}}}}}")["a"].unfit)


def test_a_command_with_an_address_needs_a_key_and_says_how_it_is_asked(shelf: Shelf, places: Programs) -> None:
    commands = "commands: {c: {argv: [aider], prompt: file, usage: ['used (?P<input_tokens>[0-9]{1,9}) tokens']}}"
    cloud = "executor: 'command:c', reach: cloud, base_url: 'https://api.openai.com/v1', model: gpt-5"
    a, b = found(shelf, places, f"{commands}\ntiers: {{a: {{{cloud}}}, b: {{{cloud}, api_key: {{env: K}}}}}}").values()
    assert "needs a key" in str(a.unfit)
    assert b.unfit is None
    assert b.agent is not None
    assert (b.agent.program, b.agent.prompt_in_file) == ("aider", True)
    assert b.agent.usage == ("used (?P<input_tokens>[0-9]{1,9}) tokens",)


def test_a_hybrid_reaches_as_far_as_its_furthest_member(shelf: Shelf, places: Programs) -> None:
    both = "executor: hybrid, of: [a, b]"
    made = found(shelf, places, f"tiers: {{both: {{{both}}}, a: {{{CODEX}}}, b: {{{CLAUDE}}}}}")
    assert list(made) == ["both", "a", "b"], "the order of the settings stays"
    assert made["both"].members == (made["a"], made["b"])
    assert (made["both"].reach, made["both"].unfit, made["both"].model) == (
        Reach.CLOUD,
        None,
        "gpt-5+claude-sonnet-4-5",
    )
    assert made["both"].price == made["b"].price, "the dearer one's"

    picked = f"both: {{{both}, join: pick, test: [make, test]}}"
    made = found(shelf, places, f"tiers: {{{picked}, a: {{{HERE}}}, b: {{{HERE}}}}}")
    assert (made["both"].reach, made["both"].join, made["both"].test) == (Reach.LOCAL, "pick", ("make", "test"))

    made = found(shelf, places, f"tiers: {{both: {{{both}}}, a: {{{HERE}}}, b: {{{CLAUDE}}}}}")
    assert made["both"].reach is Reach.CLOUD

    places.remove("claude")
    made = found(shelf, places, f"tiers: {{both: {{{both}}}, a: {{{CODEX}}}, b: {{{CLAUDE}}}}}")
    assert "b is not offered: claude is not installed" in str(made["both"].unfit)


def test_who_works_side_by_side_must_be_agents_that_there_are(shelf: Shelf) -> None:
    shelf.write(
        f"tiers:\n  a: {{{CODEX}}}\n  c: {{{CHAT}}}\n  x: {{executor: hybrid, of: [a, aa]}}\n"
        "  y: {executor: hybrid, of: [a, c]}\n  z: {executor: hybrid, reach: local, of: [a, x]}\n"
    )
    assert [(problem.key, problem.line, problem.nearest) for problem in shelf.problems()] == [
        ("tiers.x.of[1]", 4, "a"),
        ("tiers.y.of[1]", 5, None),
        ("tiers.z.reach", 6, None),
        ("tiers.z.of[1]", 6, None),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("tiers: {a: {executor: hybrid}}", "needs executor: hybrid and the tiers that it is `of`"),
        ("tiers: {a: {executor: hybrid, of: [b, b]}}", "two different tiers"),
        ("tiers: {a: {executor: hybrid, of: [b, c], test: [make]}}", "decides only with join: pick"),
        (f"tiers: {{a: {{{CHAT}, of: [b, c]}}}}", "needs executor: hybrid"),
        (f"tiers: {{a: {{{CHAT}, sandbox: maybe}}}}", "sandbox must be one of required, none"),
        (f"tiers: {{a: {{executor: hybrid, of: [a, b]}}, b: {{{CODEX}}}}}", "must be one of the other tiers b"),
        ("agents: {memory: 5}", "must be 64MB or more"),
        ("agents: {dangerous: {patterns: ['(a+)+$']}}", "too slow on some texts"),
        ("agents: {programs: {codex: codex}}", "absolute path"),
        ("commands: {c: {argv: [x], usage: ['[0-9]{1,9} tokens']}}", "needs groups named"),
        ("commands: {c: {argv: [x], usage: ['(?P<tokens>[0-9]{1,9}) tokens']}}", "needs groups named"),
        ("routing: {backends: {testing: codecs}}", "must be chat, rehearsal"),
        ("routing: {hybrid_types: [bugs]}", "must be one of code_generation"),
    ],
)
def test_what_cannot_be_is_refused(shelf: Shelf, settings: str, message: str) -> None:
    shelf.write(settings)
    problems = [str(problem) for problem in shelf.problems()]
    assert [problem for problem in problems if message in problem], problems


def test_where_agents_are_looked_for_is_no_setting(shelf: Shelf) -> None:
    shelf.load({"KOUBOU_AGENTS": "/opt/agents"})


def test_plain_work_goes_to_no_agent_where_there_is_anybody_else(shelf: Shelf) -> None:
    shelf.write(f"tiers: {{strong: {{{CODEX}}}, chat: {{{CHAT}}}, other: {{{CLAUDE}}}}}")
    assert set(shelf.load().routing.by_difficulty.values()) == {"chat"}
    shelf.write(f"tiers: {{strong: {{{CODEX}}}, other: {{{CLAUDE}}}}}")
    assert shelf.load().routing.by_difficulty == {"high": "strong", "medium": "strong", "low": "other"}


def test_one_agent_stands_in_for_the_other_where_that_has_no_tier(shelf: Shelf) -> None:
    def backends(settings: str) -> tuple[str | None, str | None]:
        shelf.write(settings)
        found = routing_of(shelf.load()).backends
        return found.get("code_review"), found.get("testing")

    assert backends(f"tiers: {{a: {{{CODEX}}}, b: {{{CLAUDE}}}}}") == ("claude", "codex")
    assert backends(f"tiers: {{a: {{{CODEX}}}}}") == ("codex", "codex")
    assert backends(f"tiers: {{b: {{{CLAUDE}}}}}\nrouting: {{backends: {{testing: null}}}}") == ("claude", None)


def test_the_report_names_agents_and_those_without_a_sandbox(shelf: Shelf, places: Programs) -> None:
    settings = f"tiers: {{a: {{{CODEX}}}, b: {{{CODEX}, sandbox: off}}}}"
    text = "\n".join(describe(shelf.load(), found(shelf, places, settings)))
    assert "a (cloud, gpt-5, codex): offered, 4 places" in text
    assert text.count("without a sandbox") == 1
    assert "; b runs without a sandbox" in text


def test_workspaces_are_writable_only_where_they_may_be_changed_in_place(shelf: Shelf) -> None:
    def lines(settings: str) -> list[str]:
        shelf.write(settings)
        told = drop_in(shelf.load())
        return [line for line in told.splitlines() if line and line[0] not in "#["]

    folders = "security: {allowed_workspaces: [/data, /home/alice/work]}\n"
    copies = f"{folders}tiers: {{a: {{{CODEX}}}}}\n"
    assert lines(copies) == ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/alice/work"]
    in_place = ["ReadWritePaths=-/data", "ProtectHome=tmpfs", "BindPaths=-/home/alice/work"]
    assert lines(f"{copies}agents: {{in_place: true}}") == in_place
    assert lines(f"{folders}tiers: {{a: {{{CODEX}, agent: {{in_place: true}}}}}}") == in_place
