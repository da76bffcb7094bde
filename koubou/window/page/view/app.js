// The whole page: who may not come in sees a gate, everybody else the instrument.

import { html, nothing } from "../lit/lit-html.js";
import { LANGUAGES } from "../words.js";
import { banners } from "./banners.js";
import { crew } from "./crew.js";
import { failures } from "./failures.js";
import { gate } from "./gate.js";
import { money } from "./money.js";
import { spend } from "./spend.js";
import { tasks } from "./tasks.js";
import { tiers } from "./tiers.js";

export function app(c) {
  const isOpen = c.state.phase === "open" && c.state.status;
  return html` <a class="skip" href="#main">${c.t("skip")}</a>
    ${head(c)}
    <main id="main" tabindex="-1" class=${isOpen && c.state.lost ? "stale" : ""}>
      ${isOpen ? instrument(c) : gate(c)}
    </main>`;
}

function head(c) {
  const { state, t } = c;
  const me = state.me;
  return html`<header>
    <p class="name"><span lang="en">Koubou</span> <span class="kanji" lang="ja" aria-hidden="true">工房</span></p>
    ${me ? html`<p class="live ${state.lost ? "off" : "on"}"><span class="dot" aria-hidden="true"></span>${state.lost ? t("lost") : t("live")}</p>` : nothing}
    <div class="settings">
      ${me ? html`<p class="who">${t("you_are", { actor: me.actor, role: t(`role_${me.role}`) })}</p>` : nothing}
      ${choice(c, "language", t("language"), LANGUAGES)}
      ${choice(c, "theme", t("theme"), { auto: t("theme_auto"), light: t("theme_light"), dark: t("theme_dark") })}
      ${me ? html`<button class="quiet" @click=${c.does.leave}>${t("leave")}</button>` : nothing}
    </div>
  </header>`;
}

function choice({ ui, does }, name, label, options) {
  return html`<select aria-label=${label} @change=${(event) => does.set(name, event.target.value)}>
    ${Object.entries(options).map(
      ([value, words]) =>
        html`<option value=${value} ?selected=${ui[name] === value} lang=${name === "language" ? value : nothing}>
          ${words}
        </option>`,
    )}
  </select>`;
}

function instrument(c) {
  return html` <h1 class="unseen">${c.t("workshop")}</h1>
    ${banners(c)} ${controls(c)}
    <div class="panels">
      ${money(c)} ${tiers(c)} ${tasks(c)} ${c.may("reports") ? spend(c) : nothing} ${crew(c)} ${failures(c)}
    </div>`;
}

/** What this role may do to the workshop as a whole. */
function controls({ state, t, does, may }) {
  const { emergency, latches, draining } = state.status;
  const begin = (form) => () => does.ask(form);
  const isPaused = "pause" in latches;
  const wants = [
    may("submit") && html`<button class="first" @click=${begin({ kind: "submit" })}>${t("new_task")}</button>`,
    may("pause") &&
      !isPaused &&
      html`<button @click=${begin({ kind: "pause", tier: null })}>${t("pause_all")}</button>`,
    may("resume") &&
      isPaused &&
      html`<button @click=${() => does.change("resume", {}, t("resume_said"))}>${t("resume_all")}</button>`,
    may("drain") &&
      !isPaused &&
      !draining &&
      html`<button @click=${begin({ kind: "drain" })}>${t("drain")}</button>`,
    may("latch") &&
      !emergency &&
      html`<button class="danger" @click=${begin({ kind: "emergency" })}>${t("emergency")}</button>`,
  ].filter(Boolean);
  return wants.length ? html`<div class="controls">${wants}</div>` : nothing;
}
