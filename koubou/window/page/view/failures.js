// The last failures: what went wrong, in the workshop's own words, and what to do about it.

import { html, nothing } from "../lit/lit-html.js";
import { repeat } from "../lit/directives/repeat.js";
import { knows } from "../words.js";
import { titleOf } from "./tasks.js";

export function failures(c) {
  const { state, t } = c;
  const failed = state.failed?.tasks ?? [];
  const { last_day: n, folder } = state.status.rejected;
  return html`<section class="panel failures" aria-labelledby="failures">
    <h2 id="failures">${t("failures")}</h2>
    ${
      failed.length === 0
        ? html`<p class="dim">${t("failures_none")}</p>`
        : html`<ul class="rows">
            ${repeat(
              failed,
              (task) => task.id,
              (task) => row(c, task),
            )}
          </ul>`
    }
    ${n ? html`<p class="dim">${t("rejected", { n, folder })}</p>` : nothing}
  </section>`;
}

export function classOf({ t }, error) {
  const key = `class_${error.class}`;
  return knows(key) ? t(key) : t("class_other", { name: error.class });
}

function row(c, task) {
  const { state, t, f, now, does, may } = c;
  const error = state.errors[`${task.id} ${task.updated_at}`];
  return html`<li class="failure">
    <div class="top">
      <div class="whose">
        <h3>
          <button
            class="link"
            aria-label=${t("details_of", { task: titleOf(c, task) })}
            @click=${() => does.show(task.id)}
          >
            ${titleOf(c, task)}
          </button>
        </h3>
        <span class="dim">${task.tier ?? ""} ${task.finished_at ? f.moment(task.finished_at, now) : ""}</span>
      </div>
      ${may("retry") ? html`<button class="small quiet" aria-label="${t("retry")}: ${titleOf(c, task)}" @click=${() => does.change(`tasks/${encodeURIComponent(task.id)}/retry`, {}, t("retried_said", { task: task.id }))}>${t("retry")}</button>` : nothing}
    </div>
    ${error ? why(c, error) : nothing}
  </li>`;
}

export function why(c, error) {
  const told = (sentence) => html`<span lang="en">${c.f.sentence(sentence, c.now)}</span>`;
  return html`<p>
      <strong>${classOf(c, error)}</strong>${error.message ? html`: ${told(error.message)}` : nothing}
    </p>
    ${error.remedy ? html`<p class="remedy"><span class="dim">${c.t("remedy")}</span> ${told(error.remedy)}</p>` : nothing}`;
}
