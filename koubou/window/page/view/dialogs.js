// What opens over the page: one task, and above it the question that a change asks.

import { html, nothing } from "../lit/lit-html.js";
import { repeat } from "../lit/directives/repeat.js";
import { form } from "./forms.js";
import { detail } from "./detail.js";

export function dialogs(c) {
  const { ui, does } = c;
  return html`${repeat(
    ui.shown ? [ui.shown.id] : [],
    (id) => id,
    () => dialog("detail", does.hide, detail(c)),
  )}
  ${repeat(
    ui.form ? [ui.form.kind] : [],
    (kind) => kind,
    () => dialog("ask", does.unask, form(c)),
  )}`;
}

function dialog(kind, closed, content) {
  return html`<dialog class=${kind} aria-labelledby="${kind}-title" @close=${closed} @click=${onBackdrop}>
    ${content ?? nothing}
  </dialog>`;
}

/** A click beside a dialog closes it; the dialog itself is hit only there. */
function onBackdrop(event) {
  if (event.target === event.currentTarget && event.currentTarget.classList.contains("detail"))
    event.currentTarget.close();
}
