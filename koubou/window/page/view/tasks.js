// Tasks at work, waiting and ended; beside them the answer of the one that is watched.

import { html, nothing } from "../lit/lit-html.js";
import { repeat } from "../lit/directives/repeat.js";
import { knows } from "../words.js";

const TABS = { atWork: "at_work", waiting: "waiting", ended: "ended" };
const NONE = { atWork: "tasks_none", waiting: "waiting_none", ended: "ended_none" };

export function tasks(c) {
  const { state, t, ui, does } = c;
  const told = state[ui.tab];
  const isWatching = ui.tab === "atWork" && (c.output.task !== null || told?.tasks.length > 0);
  return html`<section class="panel tasks" aria-labelledby="tasks">
    <div class="top">
      <h2 id="tasks">${t("tasks")}</h2>
      <div class="tabs" role="group" aria-label=${t("tasks")}>
        ${Object.entries(TABS).map(
          ([tab, word]) =>
            html`<button aria-pressed=${ui.tab === tab} @click=${() => does.set("tab", tab)}>
              ${t(word)} <span class="count">${count(c, tab)}</span>
            </button>`,
        )}
      </div>
    </div>
    <div class=${isWatching ? "two" : ""}>
      <div>${told ? list(c, told) : html`<p class="dim">${t("loading")}</p>`}</div>
      ${isWatching ? pane(c) : nothing}
    </div>
  </section>`;
}

function count({ state, f }, tab) {
  const { tasks } = state.status;
  const sums = {
    atWork: tasks.in_progress + tasks.assigned,
    waiting: tasks.pending + tasks.routing,
    ended: tasks.completed + tasks.failed + tasks.cancelled,
  };
  return f.number(sums[tab]);
}

function list(c, told) {
  const { t, ui } = c;
  if (told.tasks.length === 0) return nobody(c);
  return html`<ul class="rows list">
      ${repeat(
        told.tasks,
        (task) => task.id,
        (task) => row(c, task),
      )}
    </ul>
    ${told.next !== null && told.next !== undefined ? html`<p class="dim">${t("more", { n: told.tasks.length })}</p>` : nothing}`;
}

function nobody({ t, ui, may, state }) {
  const isEmpty = Object.values(state.status.tasks).every((n) => n === 0);
  return html`<p class="dim">${t(NONE[ui.tab])}</p>
    ${
      isEmpty && may("submit")
        ? html`<p>${t("teach_drop")}</p>
            <pre class="code" tabindex="0"><code>echo "prompt: What does this do?" > tasks/first.yaml</code></pre>
            <p>${t("teach_submit")}</p>`
        : nothing
    }`;
}

/** A name for people: the title, or what stands for it where it is hidden or was not given. */
export function titleOf({ t }, task) {
  if (task.title) return task.title;
  return task.sensitivity === "confidential" || task.sensitivity === "secret"
    ? `${task.id} ${t("hidden_title")}`
    : task.id;
}

function row(c, task) {
  const { t, now, ui, does, output } = c;
  const isAtWork = ui.tab === "atWork";
  const isWatched = isAtWork && output.task === task.id;
  return html`<li class="task ${isWatched ? "watched" : ""}">
    <div class="about">
      <button
        class="whole title"
        title=${t(isAtWork ? "output_of" : "details_of", { task: titleOf(c, task) })}
        aria-pressed=${isAtWork ? isWatched : nothing}
        @click=${() => (isAtWork ? does.watch(task.id) : does.show(task.id))}
      >
        ${titleOf(c, task)}
      </button>
      <p class="facts dim">${facts(c, task, now)}</p>
    </div>
    ${isAtWork ? html`<button class="small quiet" aria-label=${t("details_of", { task: titleOf(c, task) })} @click=${() => does.show(task.id)}>${t("details")}</button>` : nothing}
  </li>`;
}

function facts(c, task, now) {
  const { t, f, ui } = c;
  const spans = [task.tier];
  if (ui.tab === "atWork")
    spans.push(task.started_at ? f.length(now - Date.parse(task.started_at)) : standing(c, task));
  if (ui.tab === "waiting")
    spans.push(standing(c, task), t("priority_n", { n: task.priority }), f.length(now - Date.parse(task.created_at)));
  if (ui.tab === "ended") spans.push(standing(c, task), task.finished_at && f.moment(task.finished_at, now));
  if (task.cost_usd > 0) spans.push(f.usd(task.cost_usd));
  return spans.filter(Boolean).map((words) => html`<span>${words}</span>`);
}

/** How a task stands, in a word or two; the colour says no more than the word. */
export function standing({ t, f, now }, task) {
  const key = task.park ? `park_${task.park.reason}` : `status_${task.status}`;
  const word = knows(key) ? t(key) : task.status;
  const until = task.park?.until ? ` ${t("until", { time: f.moment(task.park.until, now) })}` : "";
  return html`<span class="standing ${task.status}">${word}${until}</span>`;
}

function pane(c) {
  const { t, output, does, may } = c;
  const watched = c.state.atWork?.tasks.find((task) => task.id === output.task);
  const name = watched ? titleOf(c, watched) : output.task;
  return html`<div class="pane">
    <div class="top">
      <h3>${t("output")}</h3>
      ${output.task === null ? nothing : html`<span class="dim">${name}</span>`}
      ${watched && may("cancel") ? html`<button class="small" @click=${() => does.ask({ kind: "cancel", task: output.task })}>${t("cancel")}</button>` : nothing}
    </div>
    ${words(c)}
  </div>`;
}

function words({ t, output, ui }) {
  if (output.task === null) return html`<p class="dim">${t("output_none")}</p>`;
  if (output.isSecret) return html`<p class="dim">${t("output_secret")}</p>`;
  requestAnimationFrame(toTheEnd);
  return html`${output.isCut ? html`<p class="dim">${t("output_cut")}</p>` : nothing}
    <pre class="output" tabindex="0" role="region" aria-label=${t("output")} @scroll=${notice}>
${output.text || t("output_waiting")}</pre>
    ${output.ended ? html`<p class="facts"><span class="standing ${output.ended}">${t(`status_${output.ended}`)}</span></p>` : nothing}`;
}

/** The end is followed until a person scrolls away from it. */
function toTheEnd() {
  const place = document.querySelector("pre.output");
  if (place && !place.dataset.isHeld) place.scrollTop = place.scrollHeight;
}

function notice({ target }) {
  const isAtEnd = target.scrollHeight - target.scrollTop - target.clientHeight < 24;
  if (isAtEnd) delete target.dataset.isHeld;
  else target.dataset.isHeld = "yes";
}
