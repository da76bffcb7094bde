// The pages before the page: who is there, why a token opens nothing, and nobody answers.

import { html, nothing } from "../lit/lit-html.js";

export function gate(c) {
  const { state, t, does } = c;
  if (state.phase === "token") return entrance(c);
  if (state.phase === "barred") {
    return html`<section class="gate">
      <h1>${t("barred_title")}</h1>
      <p>${t("barred_text")}</p>
      ${said(c)}
      <button class="first" @click=${() => does.enter("")}>${t("again")}</button>
    </section>`;
  }
  if (state.lost) {
    return html`<section class="gate">
      <h1>${t("lost")}</h1>
      <p>${t("lost_said")}</p>
      <button class="first" @click=${does.hurry}>
        ${t("again")} <span class="dim">${c.f.length(state.lost.tryAt - Date.now())}</span>
      </button>
    </section>`;
  }
  return html`<section class="gate"><h1 class="dim">${t("starting")}</h1></section>`;
}

function entrance(c) {
  const { state, t, does } = c;
  const kind = { refused: "refused", expired: "expired" }[state.why] ?? "enter";
  const enter = (event) => {
    event.preventDefault();
    const text = new FormData(event.target).get("token");
    if (text) does.enter(text);
  };
  return html`<section class="gate">
    <h1>${t(`${kind}_title`)}</h1>
    <p>${t(`${kind}_text`)}</p>
    ${kind === "enter" ? nothing : said(c)}
    <form @submit=${enter}>
      <label for="token">${t("enter_label")}</label>
      <input
        id="token"
        name="token"
        type="password"
        required
        autocomplete="off"
        spellcheck="false"
        placeholder="kbu_…"
        autofocus
      />
      <button class="first">${t("enter_go")}</button>
    </form>
    <p class="dim">${t("enter_make")}</p>
    <pre class="code" tabindex="0"><code>koubou token add NAME --role viewer</code></pre>
  </section>`;
}

function said({ state, t }) {
  return state.detail ? html`<p class="dim">${t("it_said")} <span lang="en">${state.detail}</span></p>` : nothing;
}
