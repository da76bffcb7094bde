// Each tier: who waits, who is at work, whether its provider serves, and when the next call may go.

import { html, nothing } from "../lit/lit-html.js";
import { knows } from "../words.js";
import { places } from "./charts.js";

export function tiers(c) {
  const { state, t } = c;
  const all = Object.entries(state.status.tiers);
  return html`<section class="panel tiers" aria-labelledby="tiers">
    <h2 id="tiers">${t("tiers")}</h2>
    ${
      all.length === 0
        ? html`<p class="dim">${t("tiers_none")}</p>`
        : html`<ul class="rows">
            ${all.map(([name, tier]) => row(c, name, tier))}
          </ul>`
    }
  </section>`;
}

function row(c, name, tier) {
  const { state, t, f, now } = c;
  const facts = state.tiers?.tiers[name];
  const breaker = knows(`breaker_${tier.breaker}`) ? t(`breaker_${tier.breaker}`) : String(tier.breaker);
  const wait = tier.opens_at ? Date.parse(tier.opens_at) - now : 0;
  const fit = state.budget?.burn.calls_left[name];
  const told = t("running", { n: f.number(tier.running), places: f.number(tier.places) });
  return html`<li class="tier">
    <div class="top">
      <h3>${name}</h3>
      ${facts ? html`<span class="dim">${facts.model} · ${t(`reach_${facts.reach}`)}</span>` : nothing}
      ${button(c, name)}
    </div>
    ${places(tier.running, tier.places, told)}
    <p class="facts">
      ${`pause:${name}` in state.status.latches ? html`<span class="tag">${t("paused_title")}</span>` : nothing}
      <strong class=${tier.queued ? "" : "dim"}
        >${tier.queued ? t("queued", { n: tier.queued }) : t("queued_none")}</strong
      >
      <span>${told}</span>
      <span class="breaker ${tier.breaker}"
        ><span class="dot" aria-hidden="true"></span>${t("breaker", { state: breaker })}</span
      >
      ${wait > 0 ? html`<span>${t("opens_in", { wait: f.length(wait) })}</span>` : nothing}
      ${fit ? html`<span class="dim">${t("calls_left", { n: fit.calls, many: f.number(fit.calls) })}</span>` : nothing}
    </p>
    ${tier.unfit ? html`<p class="unfit" lang="en">${f.sentence(tier.unfit, now)}</p>` : nothing}
  </li>`;
}

function button({ state, t, does, may }, tier) {
  if (`pause:${tier}` in state.status.latches) {
    const resume = () => does.change("resume", { tier }, t("resume_said"));
    return may("resume")
      ? html`<button class="small" aria-label=${t("resume_tier", { tier })} @click=${resume}>${t("resume")}</button>`
      : nothing;
  }
  const pause = () => does.ask({ kind: "pause", tier });
  return may("pause")
    ? html`<button class="small quiet" aria-label=${t("pause_tier", { tier })} @click=${pause}>${t("pause")}</button>`
    : nothing;
}
