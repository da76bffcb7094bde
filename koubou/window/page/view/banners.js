// What must be known before anything else: nobody answers, nobody serves, somebody stopped it.

import { html, nothing } from "../lit/lit-html.js";

export function banners(c) {
  const found = [lost(c), ...stops(c), away(c), draining(c)].filter(Boolean);
  return found.length ? html`<div class="banners">${found}</div>` : nothing;
}

function lost(c) {
  const { state, t, f, does } = c;
  if (!state.lost) return null;
  const now = Date.now();
  const wait = state.lost.tryAt - now;
  const filled = { age: f.length(now - state.at), wait: f.length(wait) };
  return banner(
    c,
    "lost",
    t("lost"),
    t(wait > 500 ? "lost_text" : "lost_trying", filled),
    null,
    html`<button @click=${does.hurry}>${t("again")}</button>`,
  );
}

function away(c) {
  return c.state.status.served ? null : banner(c, "lost", c.t("away_title"), c.t("away_text"));
}

function stops(c) {
  const { state, t, does, may } = c;
  return Object.entries(state.status.latches).map(([name, reason]) => {
    if (name === "emergency") {
      const end =
        may("resume_budget") &&
        html`<button class="first" @click=${() => does.ask({ kind: "endStop" })}>${t("end_stop")}</button>`;
      return banner(c, "stop", t("stopped_title"), t("stopped_text"), reason, end);
    }
    if (name === "pause") return banner(c, "pause", t("paused_title"), t("paused_now", { more: stillAtWork(c) }), reason);
    if (name.startsWith("pause:")) return null;
    const verb = name.startsWith("key:") ? "resume" : "resume_budget";
    const tier = name.slice(name.indexOf(":") + 1);
    const form =
      verb === "resume" ? () => does.change("resume", { tier }, t("resume_said")) : () => does.ask({ kind: "endStop" });
    return banner(
      c,
      "stop",
      t("frozen_title", { name: tier }),
      "",
      reason,
      may(verb) && html`<button @click=${form}>${t("resume")}</button>`,
    );
  });
}

function draining(c) {
  return c.state.status.draining ? banner(c, "pause", c.t("draining_title"), stillAtWork(c)) : null;
}

/** Who has stopped new work waits for this to say that there is none. */
function stillAtWork({ state, t }) {
  const n = state.status.tasks.in_progress + state.status.tasks.assigned;
  return n ? t("draining_text", { n }) : t("drained_text");
}

/** `reason` is what a person or the workshop wrote. */
function banner({ t }, kind, head, text, reason = null, button = null) {
  return html`<section class="banner ${kind}">
    <div>
      <h2>${head}</h2>
      ${text ? html`<p>${text}</p>` : nothing} ${reason ? html`<p class="dim">${t("reason")} ${reason}</p>` : nothing}
    </div>
    ${button || nothing}
  </section>`;
}
