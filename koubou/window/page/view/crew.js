// The crew: each worker, what it does, and what it takes of the machine.

import { html, nothing } from "../lit/lit-html.js";
import { repeat } from "../lit/directives/repeat.js";
import { knows } from "../words.js";

export function crew(c) {
  const { state, t } = c;
  const workers = state.workers?.workers ?? [];
  return html`<section class="panel crew" aria-labelledby="crew">
    <h2 id="crew">${t("crew")}</h2>
    ${
      workers.length === 0
        ? html`<p class="dim">${t("crew_none")}</p>`
        : html`<div class="wide" tabindex="0" role="group" aria-labelledby="crew">
            <table>
              <thead>
                <tr>
                  <th scope="col">${t("worker")}</th>
                  <th scope="col">${t("state")}</th>
                  <th scope="col" class="number">${t("processor")}</th>
                  <th scope="col" class="number">${t("memory")}</th>
                  <th scope="col" class="number spare">${t("up")}</th>
                </tr>
              </thead>
              <tbody>
                ${repeat(
                  workers,
                  (each) => each.worker,
                  (each) => row(c, each),
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

function row({ t, f, now }, each) {
  // The heartbeat tells of some seconds ago, the count of now.
  const status = each.status === "idle" && each.running ? "busy" : each.status;
  const key = `worker_${status}`;
  const word = knows(key) ? t(key) : status;
  const none = "–";
  return html`<tr>
    <th scope="row">${each.tier} <span class="dim spare">${each.pid}</span></th>
    <td>
      <span class="worker ${status}"
        ><span class="dot" aria-hidden="true"></span
        >${word}${each.running ? html` <span class="dim">× ${f.number(each.running)}</span>` : nothing}</span
      >
    </td>
    <td class="number">${each.cpu_percent === null ? none : f.percent(each.cpu_percent / 100)}</td>
    <td class="number">${each.memory_bytes === null ? none : f.bytes(each.memory_bytes)}</td>
    <td class="number spare">${f.length(now - Date.parse(each.created_at))}</td>
  </tr>`;
}
