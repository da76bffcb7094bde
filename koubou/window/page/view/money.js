// The band on top: what the month has cost, what is promised, what is left, and where it leads.

import { html, nothing } from "../lit/lit-html.js";
import { gauge } from "./charts.js";

export function money(c) {
  const { state, t, may } = c;
  if (!may("budget"))
    return html`<section class="panel money">
      <h2>${t("cost")}</h2>
      <p class="dim">${t("money_closed")}</p>
    </section>`;
  if (!state.budget) return nothing;
  const account = monthOf(state.budget.accounts);
  if (!account)
    return html`<section class="panel money">
      <h2>${t("cost")}</h2>
      <p class="dim">${t("money_none")}</p>
    </section>`;
  return band(c, account);
}

/** The newest month's money; its name ends with the month. */
export function monthOf(accounts) {
  const months = accounts.filter(({ name, dimension }) => /^month:\d{4}-\d{2}$/.test(name) && dimension === "usd");
  return months.sort((one, other) => one.name.localeCompare(other.name)).at(-1) ?? null;
}

function band(c, account) {
  const { state, t, f } = c;
  const { limit_usd: limit, settled_usd: settled, held_usd: held, left_usd: left, over_usd: over } = account;
  const { forecast, burn } = state.budget;
  const leads = forecast ? f.usd(forecast.usd) : "–";
  const label = t("gauge", {
    settled: f.usd(settled),
    held: f.usd(held),
    limit: limit === null ? t("no_limit") : f.usd(limit),
    forecast: leads,
  });
  return html`<section class="panel money" aria-labelledby="money">
    <h2 id="money">${t("money", { month: f.month(account.name.slice(6)) })}</h2>
    <div class="sums">
      <dl>
        ${figure("settled", t("settled"), f.usd(settled), limit ? f.percent(settled / limit) : "")}
        ${figure("held", t("held"), f.usd(held), "")}
        ${figure("left", t("left"), left === null ? t("no_limit") : f.usd(left), over > 0 ? t("over", { usd: f.usd(over) }) : limit === null ? "" : t("of_limit", { limit: f.usd(limit) }))}
        ${figure("likely", t("forecast"), leads, forecast ? t("forecast_range", { low: f.usd(forecast.low_usd), high: f.usd(forecast.high_usd) }) : t("forecast_none"))}
      </dl>
    </div>
    ${gauge({ settled, held, limit, forecast, label, marks: marks(c, limit) })}
    <p class="facts dim">
      <span>${t("last_day", { usd: f.usd(burn.usd_per_day) })}</span>
      ${isReached(burn, account) ? html`<span>${t("limit_reached", { day: f.moment(burn.limit_reached_at) })}</span>` : nothing}
    </p>
  </section>`;
}

/** Whether the limit would be reached before there is another month's money. */
function isReached({ limit_reached_at: at }, { reopens_at: reopens }) {
  return at !== null && (reopens === null || Date.parse(at) < Date.parse(reopens));
}

function figure(kind, name, amount, more) {
  return html`<div class=${kind}>
    <dt><span class="swatch" aria-hidden="true"></span>${name}</dt>
    <dd><span class="amount">${amount}</span>${more ? html` <span class="dim">${more}</span>` : nothing}</dd>
  </div>`;
}

function marks({ state, t, f }, limit) {
  if (limit === null) return [];
  const warn = state.status.warn_at;
  const reject = state.status.reject_at ?? 1;
  const found = [
    { usd: limit * warn, words: t("mark_warn", { usd: f.usd(limit * warn) }), kind: "warn", isBelow: false },
  ];
  if (reject < 1)
    found.push({
      usd: limit * reject,
      words: t("mark_reject", { usd: f.usd(limit * reject) }),
      kind: "reject",
      isBelow: true,
    });
  else found.push({ usd: limit, words: t("mark_limit", { usd: f.usd(limit) }), kind: "reject", isBelow: true });
  return found;
}
