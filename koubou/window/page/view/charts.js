// Two small pictures: the gauge of the month's money, and a bar for each day. Sizes are per cent, so text keeps its size.

import { html, nothing, svg } from "../lit/lit-html.js";

const share = (part, whole) => (whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0);

/** Money along one line: settled, held, where it leads, and the marks that it must not pass. */
export function gauge({ settled, held, limit, forecast, marks, label }) {
  const most =
    Math.max(
      limit ?? 0,
      settled + held,
      Math.min(forecast?.high_usd ?? 0, (limit ?? Infinity) * 1.25),
      forecast?.usd ?? 0,
    ) * 1.02 || 1;
  const at = (amount) => share(amount, most);
  return html`<svg class="gauge" role="img" aria-label=${label} width="100%" height="76">
    ${svg`
      <rect class="track" x="0" y="28" width="100%" height="18" rx="3"></rect>
      <rect class="held" x="0" y="28" width="${at(settled + held)}%" height="18" rx="3"></rect>
      <rect class="settled" x="0" y="28" width="${at(settled)}%" height="18" rx="3"></rect>
      ${forecast ? whisker(at(forecast.low_usd), at(forecast.usd), at(forecast.high_usd)) : nothing}
      ${marks.map(({ usd, words, kind, isBelow }) => mark(at(usd), words, kind, isBelow))}
    `}
  </svg>`;
}

function whisker(low, likely, high) {
  return svg`
    <line class="range" x1="${low}%" x2="${high}%" y1="37" y2="37"></line>
    <line class="range" x1="${low}%" x2="${low}%" y1="32" y2="42"></line>
    <line class="range" x1="${high}%" x2="${high}%" y1="32" y2="42"></line>
    <circle class="likely" cx="${likely}%" cy="37" r="6"></circle>`;
}

function mark(at, words, kind, isBelow) {
  const anchor = at > 50 ? "end" : "start";
  return svg`
    <line class="mark ${kind}" x1="${at}%" x2="${at}%" y1="${isBelow ? 24 : 18}" y2="${isBelow ? 56 : 50}"></line>
    <text class="mark ${kind}" x="${at}%" dx="${anchor === "end" ? 2 : -2}" y="${isBelow ? 71 : 13}" text-anchor=${anchor}>${words}</text>`;
}

/** A bar for each day, stacked by tier; `days` are [{day, label, sum, tiers: {name: usd}}], colours by the tier's place. */
export function bars({ days, tiers, label, usd }) {
  const most = Math.max(...days.map((day) => day.sum), 0);
  const top = nice(most);
  const slot = 100 / days.length;
  return html`<svg class="bars" role="img" aria-label=${label} width="100%" height="190">
    ${svg`
      ${[1, 0.5, 0].map((part) => svg`<line class="grid" x1="0" x2="100%" y1="${14 + (1 - part) * 150}" y2="${14 + (1 - part) * 150}"></line>`)}
      ${days.map((day, place) => column(day, place * slot, slot, top, tiers, usd))}
      ${days.map((day, place) => ((days.length - 1 - place) % 7 === 0 ? tick(day.label, (place + 0.5) * slot, days.length - 1 - place) : nothing))}
      <text class="scale" x="0" y="10">${usd(top)}</text>
      <text class="scale" x="0" y="85">${usd(top / 2)}</text>
    `}
  </svg>`;
}

function column(day, x, slot, top, tiers, usd) {
  let above = 0;
  const parts = tiers.map((name, place) => {
    const height = ((day.tiers[name] ?? 0) / top) * 150;
    above += height;
    return height > 0
      ? svg`<rect class="tier-${place % 6}" x="${x + slot * 0.14}%" width="${slot * 0.72}%" y="${164 - above}" height="${Math.max(height - 1, 1)}"></rect>`
      : nothing;
  });
  return svg`<g><title>${day.label}: ${usd(day.sum)}</title><rect class="whole" x="${x}%" width="${slot}%" y="14" height="150"></rect>${parts}</g>`;
}

function tick(words, at, before) {
  return svg`<text class="scale ${before % 14 ? "spare" : ""}" x="${before ? at : 100}%" y="184" text-anchor=${before ? "middle" : "end"}>${words}</text>`;
}

/** The next round number above: 1, 2 or 5 and noughts. */
function nice(amount) {
  if (amount <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(amount));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= amount);
}

/** Places of a tier as small squares: those at work are filled; many of them are told by a line. */
export function places(running, all, label) {
  if (all > 24) {
    return html`<svg class="places" role="img" aria-label=${label} width="100%" height="12">
      ${svg`<rect class="free" x="0" y="1" width="100%" height="10" rx="2"></rect><rect class="taken" x="0" y="1" width="${share(running, all)}%" height="10" rx="2"></rect>`}
    </svg>`;
  }
  return html`<svg class="places" role="img" aria-label=${label} width=${Math.max(1, all) * 14} height="12">
    ${Array.from({ length: all }, (_, place) => svg`<rect class=${place < running ? "taken" : "free"} x=${place * 14 + 0.5} y="0.5" width="11" height="11" rx="2"></rect>`)}
  </svg>`;
}
