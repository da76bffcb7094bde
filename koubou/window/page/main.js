// The page: what it knows, what is said to it, and how that is drawn.

import { get, post, token } from "./api.js";
import { formats } from "./format.js";
import { render } from "./lit/lit-html.js";
import { Live } from "./live.js";
import { Output } from "./output.js";
import { LANGUAGES, languageOf, speaker } from "./words.js";
import { app } from "./view/app.js";
import { dialogs } from "./view/dialogs.js";

const SAID_FOR = 8_000;
const LOOK_AFTER = 500;
const kept = (name) => localStorage.getItem(`koubou.${name}`);
const keep = (name, value) => localStorage.setItem(`koubou.${name}`, value);

const live = new Live(changed, touched);
const output = new Output(() => changed());
const ui = {
  language: kept("language") in LANGUAGES ? kept("language") : languageOf(navigator.languages),
  theme: ["light", "dark"].includes(kept("theme")) ? kept("theme") : "auto",
  tab: "atWork",
  shown: null,
  form: null,
};

const does = {
  enter(text) {
    if (text) token.set(text.trim());
    isEntering = Boolean(text);
    live.state.phase = "starting";
    changed();
    live.enter();
  },
  leave() {
    output.clear();
    Object.assign(ui, { shown: null, form: null });
    live.leave();
  },
  hurry: () => live.hurry?.(),
  set(name, value) {
    ui[name] = value;
    if (name === "language" || name === "theme") keep(name, value);
    changed();
  },
  watch: (task) => output.watch(task, true),

  /** Show a task in a dialog, with what it takes to explain it. */
  async show(id) {
    ui.shown = { id, task: null, why: null, result: null, gone: false };
    changed();
    await does.look(id);
  },
  async look(id) {
    const path = `tasks/${encodeURIComponent(id)}`;
    const [task, why] = await Promise.all([path, `${path}/explain`].map((each) => get(each).catch(() => null)));
    const isOver = task?.finished_at;
    const result = isOver ? await get(`${path}/result`).catch((error) => ({ refused: error.status })) : null;
    if (ui.shown?.id !== id) return;
    ui.shown = { id, task, why, result, gone: task === null };
    changed();
  },
  hide: () => does.set("shown", null),

  /** Ask for what a change needs: a word, a reason, or only whether it is meant. */
  ask: (form) => does.set("form", { ...form, error: null, isSending: false }),
  unask: () => does.set("form", null),

  /** Make a change, and say what became of it; who asked in a form is told there what is wrong. */
  async change(path, body, said) {
    try {
      const told = await post(path, body);
      ui.form = null;
      say(typeof said === "function" ? said(told) : said);
      live.stale();
      if (ui.shown) does.look(ui.shown.id);
      return told;
    } catch (error) {
      // What is wrong with a task file names its key. Its place does not help who filled in a form.
      const lines = (error.problems ?? []).map(({ key, line, message }) =>
        key && !line ? `${key}: ${message}` : message,
      );
      const why = lines.length > 0 ? lines.join("\n") : error.message;
      if (ui.form) ui.form = { ...ui.form, error: why, isSending: false };
      else say(t()("failed_said", { why }));
      changed();
      return null;
    }
  },
};

const t = () => speaker(ui.language);
let drawing = false;
let silence = 0;
let isEntering = false;
let looking = 0;

/** Something is different: draw it with the next frame, and say what a person who does not see it must hear. */
function changed(what = null) {
  if (what !== null) say(t()(`${what}_said`));
  if (drawing) return;
  drawing = true;
  (document.hidden ? setTimeout : requestAnimationFrame)(draw);
}

/** Something happened to a task; the one that is shown is looked at again, once for all that comes at a time. */
function touched(task) {
  if (looking || !ui.shown || (task !== null && task !== ui.shown.id)) return;
  looking = setTimeout(() => {
    looking = 0;
    if (ui.shown) does.look(ui.shown.id);
  }, LOOK_AFTER);
}

function draw() {
  drawing = false;
  lead();
  // What is old stands still.
  const context = {
    state: live.state,
    ui,
    output,
    does,
    may: (verb) => live.may(verb),
    t: t(),
    f: formats(ui.language),
    now: live.state.lost ? live.state.at : Date.now(),
  };
  document.documentElement.lang = ui.language;
  document.documentElement.dataset.theme = ui.theme;
  document.title = title(context);
  render(app(context), document.getElementById("page"));
  render(dialogs(context), document.getElementById("dialogs"));
  if (isEntering && live.state.status) focusMain();
  for (const dialog of document.querySelectorAll("dialog:not([open])")) dialog.showModal();
}

/** The field that had the focus is gone; what follows is read from its beginning. */
function focusMain() {
  isEntering = false;
  document.getElementById("main").focus();
}

/** Watch the newest task at work, unless a person chose one. */
function lead() {
  const atWork = live.state.atWork?.tasks ?? [];
  const isFree = output.task === null || (output.ended !== null && !output.isChosen);
  if (live.state.phase === "open" && isFree && atWork.length > 0 && live.may("read")) {
    const next = atWork.find((task) => task.id !== output.task);
    if (next) output.watch(next.id, false);
  }
}

function title({ state }) {
  const status = state.status;
  if (state.phase !== "open" || !status) return "Koubou";
  if (state.lost) return `… ${t()("lost")} · Koubou`;
  if (status.emergency) return `■ ${t()("stopped_title")} · Koubou`;
  return `${t()("at_work")} ${status.tasks.in_progress + status.tasks.assigned} · Koubou`;
}

function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  place.classList.remove("unseen");
  clearTimeout(silence);
  silence = setTimeout(() => {
    place.textContent = "";
    place.classList.add("unseen");
  }, SAID_FOR);
}

setInterval(() => live.state.phase === "open" && changed(), 1000);
document.addEventListener("visibilitychange", () => changed());
changed();
live.enter();
