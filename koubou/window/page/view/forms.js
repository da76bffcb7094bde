// Questions before a change: what it does, what it needs to know, and a word to be typed where much depends on it.

import { html, nothing } from "../lit/lit-html.js";
import { get, post } from "../api.js";
import { PRIORITIES } from "./detail.js";

/** Each kind: its words, its fields, and what is sent. */
const KINDS = {
  submit: (c) => ({
    title: c.t("new_task"),
    go: "submit",
    fields: [
      area("prompt", c.t("prompt")),
      tierField(c),
      priorityField(c),
      input("title", c.t("title"), c.t("optional")),
      input("id", c.t("id"), c.t("optional")),
    ],
    more: c.may("estimate") ? estimateButton(c) : nothing,
    send: (given) =>
      c.does.change("tasks", taskOf(given), (told) =>
        c.t(told.stands === "waiting" ? "submitted_waiting" : "submitted", { task: told.ids.join(", ") }),
      ),
  }),
  cancel: (c, { task }) => ofTask(c, task, "cancel", "cancelled_said", { isDanger: true, go: "cancel_go" }),
  finish: (c, { task }) => ofTask(c, task, "finish", "finished_said", { go: "finish" }),
  release: (c, { task }) =>
    ofTask(c, task, "release", "released_said", {
      go: "release",
      fields: [
        select("to", c.t("release_to"), { internal: c.t("internal"), public: c.t("public") }, "internal"),
        input("reason", c.t("why"), null),
      ],
    }),
  pause: (c, { tier }) => ({
    title: tier === null ? c.t("pause_title") : c.t("pause_tier_title", { tier }),
    text: c.t("paused_text"),
    go: "pause_go",
    fields: [input("reason", c.t("why"), c.t("optional"))],
    send: ({ reason }) =>
      c.does.change("pause", { ...(tier !== null && { tier }), ...(reason && { reason }) }, c.t("pause_said")),
  }),
  drain: (c) => ({
    title: c.t("drain_title"),
    text: c.t("drain_text"),
    go: "drain",
    fields: [input("reason", c.t("why"), c.t("optional"))],
    send: ({ reason }) => c.does.change("drain", reason ? { reason } : {}, c.t("drain_said")),
  }),
  emergency: (c) => ({
    title: c.t("emergency_title"),
    text: c.t("emergency_text"),
    go: "emergency_go",
    isDanger: true,
    fields: [
      input("reason", c.t("why"), null),
      input("word", c.t("emergency_type", { word: c.t("emergency_word") }), null),
    ],
    check: ({ word }) => (isTheWord(c, word) ? null : c.t("emergency_wrong", { word: c.t("emergency_word") })),
    send: ({ reason }) => c.does.change("emergency", { reason }, c.t("emergency_said")),
  }),
  endStop: (c) => ({
    title: c.t("end_stop_title"),
    text: c.t("end_stop_text"),
    go: "end_stop",
    fields: [input("reason", c.t("why"), null)],
    send: ({ reason }) => c.does.change("budget/resume", { reason }, c.t("end_stop_said")),
  }),
};

function isTheWord(c, word) {
  const typed = word.trim().toLowerCase();
  return typed === c.t("emergency_word") || typed === "stop";
}

function ofTask(c, task, verb, said, { go, isDanger = false, fields = [] }) {
  return {
    title: c.t(`${verb}_title`, { task }),
    text: c.t(`${verb}_text`),
    go,
    isDanger,
    fields,
    send: (given) => c.does.change(`tasks/${encodeURIComponent(task)}/${verb}`, given, c.t(said, { task })),
  };
}

export function form(c) {
  const { ui, t, does } = c;
  const { title, text, fields, go, isDanger, check, send, more } = KINDS[ui.form.kind](c, ui.form);
  const submit = (event) => {
    event.preventDefault();
    const given = valuesOf(event.target);
    const error = check?.(given) ?? null;
    does.set("form", { ...ui.form, error, isSending: error === null });
    if (error === null) send(given);
  };
  return html`<form @submit=${submit}>
    <h2 id="ask-title">${title}</h2>
    ${text ? html`<p>${text}</p>` : nothing} ${fields ?? nothing}
    ${ui.form.estimate ? html`<p role="status">${ui.form.estimate}</p>` : nothing}
    <p class="error" role="alert">${ui.form.error ?? ""}</p>
    <div class="controls">
      <button class=${isDanger ? "danger" : "first"} ?disabled=${ui.form.isSending}>${t(go)}</button>
      ${more ?? nothing}
      <button type="button" class="quiet" @click=${(event) => event.target.closest("dialog").close()}>
        ${t("leave_it")}
      </button>
    </div>
  </form>`;
}

function valuesOf(element) {
  return Object.fromEntries([...new FormData(element)].map(([name, value]) => [name, value.trim()]));
}

function taskOf(given) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
}

function estimateButton(c) {
  const estimate = async (event) => {
    const element = event.target.closest("form");
    if (!element.reportValidity()) return;
    const found = await post("estimate", taskOf(valuesOf(element))).catch((error) => error);
    const told =
      found instanceof Error ? { error: found.message } : { error: null, estimate: priced(c, found.estimates[0]) };
    if (c.ui.form) c.does.set("form", { ...c.ui.form, ...told });
  };
  return html`<button type="button" @click=${estimate}>${c.t("estimate")}</button>`;
}

function priced({ t, f }, { estimated, hold, tier }) {
  if (!hold?.cost_usd) return `${t("estimated_free")} ${tier ?? ""}`;
  return `${t("estimated", { usd: f.usd(estimated?.cost_usd ?? 0), most: f.usd(hold.cost_usd) })} ${tier ?? ""}`;
}

function input(name, label, hint) {
  return html`<p class="field">
    <label for="ask-${name}">${label}${hint ? html` <span class="dim">${hint}</span>` : nothing}</label>
    <input id="ask-${name}" name=${name} ?required=${!hint} maxlength="1000" autocomplete="off" />
  </p>`;
}

function area(name, label) {
  return html`<p class="field">
    <label for="ask-${name}">${label}</label><textarea id="ask-${name}" name=${name} rows="5" required></textarea>
  </p>`;
}

function select(name, label, options, chosen) {
  return html`<p class="field">
    <label for="ask-${name}">${label}</label>
    <select id="ask-${name}" name=${name}>
      ${Object.entries(options).map(([value, words]) => html`<option value=${value} ?selected=${value === chosen}>${words}</option>`)}
    </select>
  </p>`;
}

function tierField({ state, t }) {
  const names = Object.keys(state.status.tiers);
  return select("tier", t("tier"), { "": t("tier_any"), ...Object.fromEntries(names.map((name) => [name, name])) }, "");
}

function priorityField({ t }) {
  return select(
    "priority",
    t("priority"),
    Object.fromEntries(Object.keys(PRIORITIES).map((name) => [name, t(name)])),
    "normal",
  );
}
