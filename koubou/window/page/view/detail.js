// One task whole: how it stands and why, why this tier, what came of it, and everything that happened to it.

import { html, nothing } from "../lit/lit-html.js";
import { knows } from "../words.js";
import { why as failure } from "./failures.js";
import { standing, titleOf } from "./tasks.js";

/** Parks that only a person ends. */
const HELD = ["operator", "interrupted"];
const ENDS = ["completed", "failed", "cancelled"];
export const PRIORITIES = { urgent: 9, high: 7, normal: 5, low: 3, background: 1 };

export function detail(c) {
  const { ui, t } = c;
  const { id, task, gone } = ui.shown;
  return html`<div class="top">
      <h2 id="detail-title">${task ? titleOf(c, task) : id}</h2>
      <button class="quiet" @click=${(event) => event.target.closest("dialog").close()}>${t("close")}</button>
    </div>
    ${task ? whole(c, ui.shown) : html`<p class="dim">${gone ? t("gone") : t("loading")}</p>`}`;
}

function whole(c, { task, why, result }) {
  return html`<p class="facts">${standing(c, task)} <code>${task.id}</code></p>
    ${actions(c, task)} ${facts(c, task)} ${reasons(c, task, why)} ${outcome(c, task, result)} ${route(c, task)}
    ${history(c, task)}`;
}

function actions({ t, does, may }, task) {
  const path = `tasks/${encodeURIComponent(task.id)}`;
  const isOver = ENDS.includes(task.status);
  const now = (verb, body, said) => () => does.change(`${path}/${verb}`, body, t(said, { task: task.id }));
  const ask = (kind) => () => does.ask({ kind, task: task.id });
  // Its text has been looked at, and no worker has it.
  const isWaiting = ["route", "admit"].includes(task.waiting);
  const isSecret = ["confidential", "secret"].includes(task.sensitivity);
  const wants = [
    !isOver && may("cancel") && html`<button @click=${ask("cancel")}>${t("cancel")}</button>`,
    isWaiting && hasBegun(task) && may("finish") && html`<button @click=${ask("finish")}>${t("finish")}</button>`,
    (isOver ? task.status !== "completed" : HELD.includes(task.park?.reason)) &&
      may("retry") &&
      html`<button @click=${now("retry", {}, "retried_said")}>${t("retry")}</button>`,
    isWaiting && isSecret && may("release") && html`<button @click=${ask("release")}>${t("release")}</button>`,
    task.status === "completed" &&
      may("rate") &&
      html`<button aria-pressed=${task.rated === "good"} @click=${now("rate", { rating: "good" }, "rated_said")}>
        ${t("rate_good")}
      </button>`,
    task.status === "completed" &&
      may("rate") &&
      html`<button aria-pressed=${task.rated === "bad"} @click=${now("rate", { rating: "bad" }, "rated_said")}>
        ${t("rate_bad")}
      </button>`,
    ["pending", "routing"].includes(task.status) &&
      may("priority") &&
      html`<label class="inline"
        >${t("priority")}
        <select @change=${(event) => now("priority", { level: event.target.value }, "priority_said")()}>
          ${Object.values(PRIORITIES).includes(task.priority) ? nothing : html`<option selected disabled>${task.priority}</option>`}
          ${Object.entries(PRIORITIES).map(([level, n]) => html`<option value=${level} ?selected=${n === task.priority}>${t(level)}</option>`)}
        </select></label
      >`,
  ].filter(Boolean);
  return wants.length ? html`<div class="controls">${wants}</div>` : nothing;
}

/** Whether something of an answer may have come, in a run that was cut. */
function hasBegun({ runs }) {
  return runs.some((run) => run.ended_at !== null && run.purpose === "answer");
}

function facts({ t, f, now }, task) {
  const moment = (iso) => iso && html`<time datetime=${iso} title=${f.whole(iso)}>${f.moment(iso, now)}</time>`;
  const word = (name) => (name && knows(name) ? t(name) : name);
  const pairs = [
    ["tier", task.tier],
    ["priority", f.number(task.priority)],
    ["cost", f.usd(task.cost_usd)],
    ["tries", f.number(task.attempts)],
    ["session", task.session],
    ["secrecy", word(task.sensitivity)],
    ["difficulty", word(task.difficulty)],
    ["created", moment(task.created_at)],
    ["started", moment(task.started_at)],
    ["finished", moment(task.finished_at)],
  ];
  return html`<dl class="facts-list">
    ${pairs
      .filter(([, value]) => value)
      .map(
        ([name, value]) =>
          html`<div>
            <dt>${t(name)}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`;
}

function reasons(c, task, why) {
  const { t, f } = c;
  if (!why || (why.now.length === 0 && !why.queue && !task.error)) return nothing;
  const wait = why.queue?.estimated_wait_s;
  return html`<section>
    <h3>${t("why_here")}</h3>
    ${
      why.queue
        ? html`<p>
            ${t(wait === null ? "queue_place_only" : "queue_place", { position: f.number(why.queue.position), wait: f.length((wait ?? 0) * 1000) })}
          </p>`
        : nothing
    }
    ${task.error ? failure(c, task.error) : why.now.map((sentence) => html`<p lang="en">${f.sentence(sentence, c.now)}</p>`)}
  </section>`;
}

function outcome(c, task, result) {
  if (!result || (!result.answer && result.refused === undefined && task.error)) return nothing;
  const { t } = c;
  return html`<section>
    <h3>${t("result")}</h3>
    ${
      result.refused === 403
        ? html`<p class="dim">${t("output_secret")}</p>`
        : result.answer
          ? html`<pre class="output" tabindex="0" role="region" aria-label=${t("result")}>${text(result.answer)}</pre>`
          : html`<p class="dim">${t("result_none")}</p>`
    }
  </section>`;
}

function text(answer) {
  return typeof answer === "string" ? answer : JSON.stringify(answer, null, 2);
}

function route({ t }, task) {
  if (task.route.length === 0) return nothing;
  return html`<section>
    <h3>${t("why_tier")}</h3>
    <ul class="plain">
      ${task.route.map(({ rule, reason }) => html`<li><code>${rule}</code> <span lang="en">${reason}</span></li>`)}
    </ul>
  </section>`;
}

function history({ t, f, now }, task) {
  return html`<section>
    <h3>${t("history")}</h3>
    <ol class="history">
      ${task.history.map(
        (line) =>
          html`<li>
            <time datetime=${line.at} title=${f.whole(line.at)}>${f.moment(line.at, now)}</time>
            <span
              ><code>${line.event}</code> ${line.reason ? html`<span lang="en">${f.sentence(line.reason, now)}</span>` : nothing}
              <span class="dim">${line.actor}${line.source ? ` · ${line.source}` : ""}</span></span
            >
          </li>`,
      )}
    </ol>
  </section>`;
}
