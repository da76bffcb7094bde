"""How the page of a report looks: light, dark, and on paper."""

from __future__ import annotations

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8c8c8c")
"""Told apart also by the colour-blind: Okabe and Ito, Color Universal Design (2008); and a grey."""
STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --faint: #d5d5d5 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --faint: #444 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
h2 { font-size: 1.1rem; margin-top: 2.2rem }
figure, dd { margin: 0 }
dl { display: grid; grid-template-columns: 7rem 1fr }
svg { width: 100%; height: auto; font-size: 12px }
svg text { fill: var(--ink) }
svg line { stroke: var(--ink) }
svg .faint { stroke: var(--faint) }
svg .end { text-anchor: end }
.legend span { margin-right: 1rem }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .87rem }
th, td { padding: .2rem .5rem; border-bottom: 1px solid var(--faint); text-align: right }
th:first-child, td:first-child { text-align: left }
@media print {
  :root { --ink: #000; --paper: #fff; --faint: #bbb }
  body { max-width: none; margin: 0 }
  figure { break-inside: avoid }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
""" + "".join(f".c{number} {{ fill: {colour}; background: {colour} }}\n" for number, colour in enumerate(_COLOURS))
