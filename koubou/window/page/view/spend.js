// What each of the last thirty days has cost, by tier: as a picture, and as a table for who cannot see one.

import { html, nothing } from "../lit/lit-html.js";
import { dateIn } from "../format.js";
import { bars } from "./charts.js";

const DAYS = 30;
const DAY = 86_400_000;

export function spend(c) {
  const { state, t, f } = c;
  if (!state.report) return nothing;
  const tiers = tiersOf(state);
  const days = daysOf(c, tiers);
  const all = days.reduce((sum, day) => sum + day.sum, 0);
  return html`<section class="panel spend" aria-labelledby="spend">
    <div class="top">
      <h2 id="spend">${t("spend")}</h2>
      <span class="dim">${t("spend_sum", { usd: f.usd(all) })}</span>
    </div>
    ${all <= 0 ? html`<p class="dim">${t("spend_none")}</p>` : picture(c, days, tiers, all)}
  </section>`;
}

/** The tiers in the order of the settings, and after them those that are no longer there. */
function tiersOf({ report, status }) {
  const spent = report.rows.flatMap((row) => Object.entries(row.tiers ?? {}));
  const paid = new Set(spent.filter(([, usd]) => usd !== 0).map(([name]) => name));
  const known = Object.keys(status.tiers);
  return [...known, ...[...paid].filter((name) => !known.includes(name)).sort()].filter((name) => paid.has(name));
}

/** Thirty days in the time zone of the budget, those without spending too. */
function daysOf({ state, f }) {
  const { rows, until, timezone } = state.report;
  const byDay = new Map(rows.map((row) => [row.day, row]));
  const today = Date.parse(`${dateIn(timezone, Date.parse(until))}T00:00:00Z`);
  return Array.from({ length: DAYS }, (_, place) => {
    const day = new Date(today - (DAYS - 1 - place) * DAY).toISOString().slice(0, 10);
    const row = byDay.get(day);
    return { day, label: f.day(day), sum: row?.cost_usd ?? 0, tiers: row?.tiers ?? {} };
  });
}

function picture({ t, f }, days, tiers, all) {
  const most = days.reduce((one, other) => (other.sum > one.sum ? other : one));
  const label = t("spend_chart", { usd: f.usd(all), day: most.label, most: f.usd(most.sum) });
  const paid = days.filter((day) => day.sum !== 0).reverse();
  return html`${bars({ days, tiers, label, usd: f.usd })}
    <ul class="legend">
      ${tiers.map((name, place) => html`<li><span class="swatch tier-${place % 6}" aria-hidden="true"></span>${name}</li>`)}
    </ul>
    <details>
      <summary>${t("as_table")}</summary>
      <div class="wide" tabindex="0" role="group" aria-label=${t("spend")}>
        <table>
          <thead>
            <tr>
              <th scope="col">${t("day")}</th>
              ${tiers.map((name) => html`<th scope="col" class="number">${name}</th>`)}
              <th scope="col" class="number">${t("sum")}</th>
            </tr>
          </thead>
          <tbody>
            ${paid.map(
              (day) =>
                html`<tr>
                  <th scope="row">${day.label}</th>
                  ${tiers.map((name) => html`<td class="number">${f.usd(day.tiers[name] ?? 0)}</td>`)}
                  <td class="number">${f.usd(day.sum)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>`;
}
