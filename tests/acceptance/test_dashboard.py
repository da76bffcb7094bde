"""The page of the window, in a real browser: one workshop and one Chromium for all of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from browsers import a_browser, needs_browser, violations
from simulator import Simulator
from workshop import KOUBOU, Workshop, three_tiers

import koubou.window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = needs_browser

PAGE = Path(koubou.window.__file__).parent / "page"
HEAVIEST = 200_000
HOSTILE = "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'>"
WORDS = {
    "en": {
        "new": "New task",
        "prompt": "What is to be done",
        "id": "Id may be left empty",
        "tier": "Tier",
        "submit": "Submit",
        "cancel": "Cancel",
        "really": "Cancel the task",
        "cancelled": "cancelled",
        "stop": "Emergency stop",
        "why": "Why",
        "type": "Type “stop” to stop",
        "word": "stop",
        "go": "Stop everything",
        "stopped": "Nothing further is begun until a guardian says otherwise.",
        "end": "End the stop",
        "leave": "Leave it",
        "details": "Details of",
        "close": "Close",
    },
    "ja": {
        "new": "新しいタスク",
        "prompt": "依頼内容",
        "id": "ID 省略できます",
        "tier": "ティア",
        "submit": "投入",
        "cancel": "取り消す",
        "really": "タスクを取り消す",
        "cancelled": "取り消し",
        "stop": "緊急停止",
        "why": "理由",
        "type": "停止するには「停止」と入力",
        "word": "停止",
        "go": "すべて停止する",
        "stopped": "管理責任者が解除するまで、新しい処理は始まりません。",
        "end": "停止を解除",
        "leave": "やめる",
        "details": "の詳細",
        "close": "閉じる",
    },
}


class Shown:
    """The workshop, its provider, and a browser before its page."""

    def __init__(self, workshop: Workshop, provider: Simulator, browser: Browser, address: str) -> None:
        self.workshop = workshop
        self.provider = provider
        self.browser = browser
        self.address = address
        self.tokens = {role: self.token(role, role) for role in ("viewer", "submitter", "guardian")}

    def token(self, name: str, role: str) -> str:
        return self.workshop.koubou("token", "add", name, "--role", role).stdout.strip()

    @contextmanager
    def page(
        self, language: str = "en", theme: str = "light", role: str | None = "guardian", address: str = ""
    ) -> Iterator[Page]:
        """The page as this role sees it. Whatever it does, it asks nobody else and breaks none of its own rules."""
        wrong: list[str] = []
        address = address or self.address
        context = self.browser.new_context(
            viewport={"width": 1280, "height": 900},
            locale={"en": "en-GB", "ja": "ja-JP"}[language],
            color_scheme="dark" if theme == "dark" else "light",
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("request", lambda asked: None if asked.url.startswith(address) else wrong.append(asked.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
        try:
            page.goto(f"{address}/")
            if role is not None:
                self.enter(page, self.tokens[role])
                page.locator(".tasks").wait_for()
            yield page
            assert page.evaluate("window.owned") is None
            assert wrong == []
        finally:
            page.unroute_all(behavior="ignoreErrors")
            context.close()

    def enter(self, page: Page, token: str) -> None:
        page.locator("#token").fill(token)
        page.locator("#token").press("Enter")

    def slow(self, **wishes: Any) -> None:
        """Answers come word by word, for longer than they are watched."""
        self.provider.behave(model="house-model", stream_ms=20_000, output_tokens=1_000, **wishes)

    def rests_midway(self) -> None:
        """Answers stop in their middle, and are cut there once they may go on."""
        self.provider.behave(model="house-model", output_tokens=50, stalled_midway=True, cut_after_billing=1)

    def quick(self) -> None:
        wishes = {"stream_ms": 0, "stalled_midway": False, "cut_after_billing": 0}
        self.provider.behave(model="house-model", output_tokens=5, answer=None, **wishes)


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    with Simulator() as provider:
        tiers = three_tiers(provider)
        tiers["local"]["timeout"] = "120s"
        settings = {"tiers": tiers, "window": {"listen": f"127.0.0.1:{a_free_port()}"}}
        with Workshop(provider, **settings) as workshop, a_browser() as browser:
            workshop.start()
            address = workshop.wait_for_event("window.open")["address"]
            yield Shown(workshop, provider, browser, address)


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ja", "dark")])
def test_work_is_given_watched_cancelled_and_all_is_stopped_and_resumed(
    shown: Shown, language: str, theme: str
) -> None:
    words = WORDS[language]
    shown.slow()
    with shown.page(language, theme) as page:
        assert page.locator("html").get_attribute("lang") == language
        button(page, words["new"]).click()
        page.get_by_label(words["prompt"]).fill("Tell of the kiln.")
        page.locator("dialog").get_by_label(words["tier"], exact=True).select_option("local")
        page.get_by_label(words["id"]).fill(f"kiln-{language}")
        assert violations(page) == []
        button(page, words["submit"]).click()
        page.locator(".pane", has_text=f"kiln-{language}").wait_for()
        page.locator("pre.output", has_text="word9").wait_for()
        assert violations(page) == []

        page.locator(f"[aria-label*='kiln-{language}'][aria-label*='{words['details']}']").first.click()
        page.locator("dialog.detail .history", has_text="task.started").wait_for()
        assert violations(page) == []
        button(page, words["close"]).click()

        button(page.locator(".pane"), words["cancel"]).click()
        button(page, words["really"]).click()
        page.locator(".pane .standing", has_text=words["cancelled"]).wait_for()
        assert shown.workshop.show(f"kiln-{language}")["status"] == "cancelled"

        button(page, words["stop"]).click()
        page.get_by_label(words["why"], exact=True).fill("a drill")
        page.get_by_label(words["type"]).fill("halt")
        button(page, words["go"]).click()
        page.locator("dialog [role=alert]:not(:empty)").wait_for()
        assert not shown.workshop.status()["emergency"]
        page.get_by_label(words["type"]).fill(words["word"])
        button(page, words["go"]).click()
        page.locator(".banner.stop", has_text=words["stopped"]).wait_for()
        page.locator(".banner.stop", has_text="a drill").wait_for()
        assert shown.workshop.status()["emergency"]
        assert violations(page) == []

        button(page, words["end"]).click()
        page.get_by_label(words["why"], exact=True).fill("the drill is over")
        button(page.locator("dialog"), words["end"]).click()
        page.locator(".banner.stop").wait_for(state="detached")
        assert not shown.workshop.status()["emergency"]


def test_a_tier_is_paused_a_waiting_task_made_urgent_and_the_tier_resumed(shown: Shown) -> None:
    shown.quick()
    with shown.page() as page:
        page.get_by_role("button", name="Pause local").click()
        button(page.locator("dialog"), "Pause").click()
        page.get_by_role("button", name="Resume local").wait_for()
        shown.workshop.drop("patient.yaml", {"id": "patient", "prompt": "Tell of the clay.", "tier": "local"})
        button(page, "Waiting").click()
        page.locator("button.whole", has_text="patient").click()
        page.locator("dialog").get_by_label("Priority").select_option("urgent")
        page.locator("dialog .history", has_text="task.prioritized").wait_for()
        assert shown.workshop.show("patient")["priority"] == 9
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Resume local").click()
        button(page, "Ended").click()
        page.locator("button.whole", has_text="patient").wait_for()


def test_a_guardian_says_that_a_task_is_no_secret_and_has_a_cancelled_one_tried_again(shown: Shown) -> None:
    shown.quick()
    shown.workshop.koubou("pause", "local")
    recipe = {"id": "recipe", "title": "The recipe", "prompt": "x", "tier": "gpt5_high"}
    shown.workshop.drop("recipe.yaml", {**recipe, "sensitivity": "confidential"})
    with shown.page() as page:
        button(page, "Waiting").click()
        page.locator(".title", has_text="The recipe").click()
        detail, asked = page.locator("dialog.detail"), page.locator("dialog.ask")
        button(detail, "Release").click()
        assert violations(page) == []
        button(asked, "Release").click()  # not without a reason: the browser says so
        assert asked.get_by_label("Why").evaluate("field => field.matches(':invalid')")
        asked.get_by_label("It is").select_option("public")
        asked.get_by_label("Why").fill("it is in every book")
        button(asked, "Release").click()
        detail.locator(".standing", has_text="completed").wait_for()
        assert "it is in every book" in detail.locator(".history").inner_text()
        assert shown.workshop.show("recipe")["sensitivity"] == "public"
        button(detail, "Close").click()

        shown.workshop.drop("later.yaml", {"id": "later", "prompt": "x", "not_before": "2999-01-01T00:00:00Z"})
        page.locator(".title", has_text="later").click()
        button(detail, "Cancel").click()
        button(asked, "Cancel the task").click()
        button(detail, "Try again").click()
        detail.locator(".standing", has_text="waits for its time until Jan 1, 2999").wait_for()
        assert shown.workshop.koubou("cancel", "later").returncode == 0
    shown.workshop.koubou("resume", "local")


def test_what_a_task_says_is_shown_as_text_and_nothing_of_it_is_done(shown: Shown) -> None:
    shown.provider.behave(model="house-model", stream_ms=0, output_tokens=50, answer=f"See {HOSTILE}")
    shown.workshop.drop("hostile.yaml", {"id": "hostile", "title": HOSTILE, "prompt": HOSTILE, "tier": "local"})
    shown.workshop.output("hostile")
    with shown.page() as page:
        page.route(re.compile(r"/tasks(\?|/)"), planted)
        button(page, "Ended").click()
        page.locator(".title", has_text="<img src=x").first.click()
        detail = page.locator("dialog.detail")
        detail.locator("pre.output", has_text=f"See {HOSTILE}").wait_for()
        for place in ("h2", ".facts-list", ".history"):
            assert "<script>" in detail.locator(place).inner_text()
        assert page.locator("main img, main script, dialog img, dialog script").count() == 0
    shown.quick()


def planted(route: Route) -> None:
    """The answer of the API with markup in words that the workshop itself would have refused."""
    if "/log" in route.request.url:
        route.continue_()
        return
    response = route.fetch()
    told = response.json()
    for task in told.get("tasks", [told]):
        if "history" in task:
            task["history"][0] |= {"reason": HOSTILE, "actor": HOSTILE}
        if "session" in task:
            task |= {"session": HOSTILE, "tier": HOSTILE}
    route.fulfill(response=response, json=told)


def test_each_role_is_offered_what_it_may_do(shown: Shown) -> None:
    with shown.page(role="viewer") as page:
        page.locator(".money .amount").first.wait_for()
        assert page.locator("main .controls button").count() == 0
        assert page.get_by_role("button", name="Pause").count() == 0
    with shown.page(role="submitter") as page:
        assert page.locator("main .controls button").all_inner_texts() == ["New task"]
        assert page.locator(".money .amount").count() == 0
        assert "not for this role" in page.locator(".money").inner_text()
        assert violations(page) == []
    with shown.page(role="guardian") as page:
        found = page.locator("main .controls button").all_inner_texts()
        assert found == ["New task", "Pause all", "Drain", "Emergency stop"]


def test_who_has_no_token_or_one_that_opens_nothing_is_told_so(shown: Shown) -> None:
    with shown.page(role=None) as page:
        page.get_by_role("heading", name="Who is there?").wait_for()
        assert violations(page) == []
        shown.enter(page, "kbu_0000000000_" + "0" * 64)
        page.get_by_role("heading", name="This token opens nothing").wait_for()
        passing = shown.token("passing", "viewer")
        shown.enter(page, passing)
        page.locator(".tasks").wait_for()
        shown.workshop.koubou("token", "rm", "passing")
        page.get_by_role("heading", name="The token has expired").wait_for()
        assert violations(page) == []
        assert page.evaluate("Object.keys(sessionStorage)") == []
        assert page.context.cookies() == []


def test_it_says_how_old_it_is_while_the_window_is_away_and_comes_back_by_itself(shown: Shown) -> None:
    with shown.page() as page:
        opened = len(list(shown.workshop.events("window.open")))
        os.kill(window_of(shown.workshop), signal.SIGKILL)
        page.locator(".banner.lost").wait_for()
        page.locator("main.stale").wait_for()
        shown.workshop.wait_until(lambda: list(shown.workshop.events("window.open"))[opened:], "the window is back")
        page.locator("main:not(.stale)").wait_for()
        page.locator(".live.on").wait_for()


def test_the_workshop_is_drained_and_what_came_of_an_answer_is_taken_and_rated(shown: Shown) -> None:
    shown.rests_midway()
    with shown.page("ja", "dark") as page:
        shown.workshop.drop("half.yaml", {"id": "half", "prompt": "Tell of the wheel.", "tier": "local"})
        page.locator("pre.output", has_text="word9").wait_for()
        button(page, "終了準備").click()
        page.locator("dialog").get_by_label("理由").fill("new bricks")
        button(page.locator("dialog"), "終了準備").click()
        page.locator(".banner.pause", has_text="実行中のタスクが 1 件残っています。").wait_for()
        assert "new bricks" in page.locator(".banner.pause").inner_text()
        button(page.locator(".list"), "half の詳細").click()
        detail = page.locator("dialog.detail")
        button(detail, "取り消す").wait_for()
        assert button(detail, "途中まで採用").count() == 0  # more may come

        shown.quick()  # the answer is cut where it rests
        button(detail, "途中まで採用").click()
        assert violations(page) == []
        button(page.locator("dialog.ask"), "途中まで採用").click()
        detail.locator("pre.output", has_text="word9").wait_for()
        assert shown.workshop.show("half")["status"] == "completed"
        button(detail, "良い回答").click()
        detail.locator("button[aria-pressed=true]", has_text="良い回答").wait_for()
        assert shown.workshop.show("half")["rated"] == "good"
        assert violations(page) == []
        button(page, "閉じる").click()
        page.locator(".banner.pause", has_text="実行中のタスクはありません。").wait_for()
        button(page, "全体を再開").click()
        page.locator(".banner").wait_for(state="detached")
        assert shown.workshop.status()["latches"] == {}


def test_it_says_that_nobody_serves_the_workshop_and_offers_what_is_left(shown: Shown) -> None:
    shown.quick()
    workshop = shown.workshop
    workshop.drop("someday.yaml", {"id": "someday", "prompt": "x", "not_before": "2999-01-01T00:00:00Z"})
    with a_window_of_its_own(workshop) as address, shown.page(address=address) as page:
        button(page, "Emergency stop").wait_for()
        button(page, "Waiting").click()
        page.locator(".title", has_text="someday").click()
        button(page.locator("dialog.detail"), "Cancel").wait_for()
        assert workshop.stop() == 0
        page.locator(".banner", has_text="Nobody serves the workshop").wait_for()
        for name in ("Pause", "Drain", "Emergency stop", "Try again", "Cancel"):
            assert page.get_by_role("button", name=name, include_hidden=True).count() == 0, name
        button(page, "Close").click()
        assert violations(page) == []
        button(page, "New task").click()
        page.get_by_label("What is to be done").fill("Tell of the key.")
        page.get_by_label("Id may be left empty").fill("patience")
        button(page, "Submit").click()
        page.locator("#said", has_text="patience is safe in the folder").wait_for()
        workshop.start()
        workshop.wait_for_event("window.open")  # his own, for the tests to come
        page.locator(".banner").wait_for(state="detached")
        button(page, "Emergency stop").wait_for()
        button(page, "Ended").click()
        page.locator(".title", has_text="patience").wait_for()


@contextmanager
def a_window_of_its_own(workshop: Workshop) -> Iterator[str]:
    """Of `koubou window`, which stays when the master goes; its address."""
    words = [KOUBOU, "window", "--listen", f"127.0.0.1:{a_free_port()}"]
    with subprocess.Popen(words, env=workshop.environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            yield said.split()[-1].rstrip("/")
        finally:
            process.terminate()


def test_who_is_not_let_in_from_where_he_is_hears_what_was_said(shown: Shown) -> None:
    with shown.page(role=None) as page:
        page.route("**/api/v1/me", as_from_elsewhere)
        shown.enter(page, shown.tokens["guardian"])
        page.get_by_role("heading", name="No access").wait_for()
        assert "pages of other origins may not ask here" in page.locator(".gate").inner_text()
        assert violations(page) == []
        page.unroute_all()
        button(page, "Try again").click()
        page.locator(".tasks").wait_for()


def as_from_elsewhere(route: Route) -> None:
    """As a proxy passes it on that tells the window of another name than the browser's."""
    route.fulfill(response=route.fetch(headers={**route.request.headers, "origin": "https://elsewhere.example"}))


def test_keys_alone_lead_through_it_and_the_focus_comes_back(shown: Shown) -> None:
    with shown.page() as page:
        page.locator("main:focus").wait_for()
        page.reload()
        page.locator(".tasks").wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        button(page, "New task").focus()
        page.keyboard.press("Enter")
        page.locator("dialog.ask").wait_for()
        page.keyboard.type("Tell of the glaze.")
        assert page.get_by_label("What is to be done").input_value() == "Tell of the glaze."
        page.keyboard.press("Escape")
        page.locator("dialog.ask").wait_for(state="detached")
        assert page.evaluate("document.activeElement.textContent") == "New task"


def test_language_and_colours_are_switched_and_stay_so(shown: Shown) -> None:
    background = "getComputedStyle(document.documentElement).backgroundColor"
    with shown.page(role=None) as page:
        light = page.evaluate(background)
        page.get_by_label("Language").select_option("ja")
        page.get_by_label("配色").select_option("dark")
        page.locator("html[lang=ja][data-theme=dark]").wait_for()
        page.reload()
        page.get_by_role("heading", name="トークンを入力してください").wait_for()
        assert page.evaluate(background) != light


def test_figures_that_change_are_not_read_aloud(shown: Shown) -> None:
    shown.quick()
    with shown.page() as page:
        page.evaluate(
            """() => {
                window.aloud = 0;
                const count = (found) => (window.aloud += found.length);
                const told = {childList: true, characterData: true, subtree: true};
                for (const each of document.querySelectorAll("[aria-live], [role=status], [role=alert]"))
                    new MutationObserver(count).observe(each, told);
            }"""
        )
        button(page, "Ended").click()
        for number in range(3):
            shown.workshop.drop(f"quiet-{number}.yaml", {"id": f"quiet-{number}", "prompt": "x", "tier": "local"})
        page.locator(".title", has_text="quiet-2").wait_for()
        assert page.evaluate("window.aloud") == 0


def test_nothing_is_wider_than_the_screen(shown: Shown) -> None:
    with shown.page("ja") as page:
        page.locator(".crew").wait_for()
        for width in (320, 360, 800, 1600):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_both_languages_have_the_same_words_and_every_word_that_is_used(shown: Shown) -> None:
    with shown.page(role=None) as page:
        words = page.evaluate("import('/page/words.js').then((words) => words.WORDS)")
    assert words["en"].keys() == words["ja"].keys()
    for key, word in words["en"].items():
        assert type(word) is type(words["ja"][key]), key
        assert fields(word) == fields(words["ja"][key]), key
    source = "".join(path.read_text() for path in PAGE.rglob("*.js"))
    used = set(re.findall(r"\bt\(\s*\"(\w+)\"", source))
    assert len(used) > 80
    assert used <= words["en"].keys()
    families = ("role", "theme", "breaker", "reach", "worker", "status", "park", "class")
    named = {name for name in words["en"] if name.partition("_")[0] not in families}
    pieces = set(re.findall(r"\w+", re.sub(r"(?s)export const WORDS = .*?\n};", "", source)))
    assert {name for name in named if name not in pieces and not is_built(name, source)} == set()


def test_the_whole_page_is_lighter_than_it_may_be() -> None:
    assert sum(path.stat().st_size for path in PAGE.rglob("*") if path.is_file()) < HEAVIEST


def fields(word: str | list[str]) -> set[str]:
    """The names that are filled in."""
    told = " ".join(word) if isinstance(word, list) else word
    return set(re.findall(r"\{(\w+)\}", told))


def is_built(name: str, source: str) -> bool:
    """Whether a word is asked for by its two halves, as in `${verb}_title`."""
    return f"}}_{name.rpartition('_')[2]}`" in source


def button(where: Any, name: str) -> Any:
    return where.get_by_role("button", name=re.compile(f"^{re.escape(name)}( |$)"))


def a_free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def window_of(workshop: Workshop) -> int:
    """The window's process."""
    assert workshop.process is not None
    children = psutil.Process(workshop.process.pid).children()
    return next(child.pid for child in children if "koubou.window" in child.cmdline())
