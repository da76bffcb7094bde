"""Charts as inline SVG: bars that lie, and bars that stand on days. Colours come from the page's own style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from msgspec import Struct

_WIDTH = 640
_BAR, _GAP, _LABEL, _VALUE = 20, 8, 190, 90
_HEIGHT, _LEFT, _TOP, _BOTTOM = 220, 70, 10, 26
_LONGEST_LABEL = 26
SERIES = 7
"""How many colours the page has: .c0 to .c6."""


class Bar(Struct, frozen=True, kw_only=True):
    """One bar: how long it is, what stands at its end, and its colour."""

    label: str
    value: float
    told: str
    colour: int = 0


def lying(name: str, title: str, bars: Sequence[Bar]) -> str:
    """Bars one below another; `name` is unique on the page."""
    most = max((bar.value for bar in bars), default=0) or 1
    height = len(bars) * (_BAR + _GAP)
    parts = []
    for number, bar in enumerate(bars):
        top, length = number * (_BAR + _GAP), max(0.0, bar.value) / most * (_WIDTH - _LABEL - _VALUE)
        middle = top + _BAR * 0.72
        parts.append(f'<text x="{_LABEL - 8}" y="{middle:.0f}" class="end">{escape(_cut(bar.label))}</text>')
        parts.append(
            f'<rect x="{_LABEL}" y="{top}" width="{length:.1f}" height="{_BAR}" class="c{bar.colour % SERIES}"/>'
        )
        parts.append(f'<text x="{_LABEL + length + 6:.1f}" y="{middle:.0f}">{escape(bar.told)}</text>')
    return _svg(name, title, height, parts)


def standing(
    name: str, title: str, columns: Sequence[tuple[str, Mapping[str, float]]], series: Sequence[str], most: str
) -> str:
    """Stacked bars side by side, one for each label; `most` is told at the height of the highest."""
    highest = max((sum(values.values()) for _, values in columns), default=0) or 1
    wide = (_WIDTH - _LEFT) / max(1, len(columns))
    base = _HEIGHT - _BOTTOM
    parts = [
        f'<line x1="{_LEFT}" y1="{base}" x2="{_WIDTH}" y2="{base}"/>',
        f'<line x1="{_LEFT}" y1="{_TOP}" x2="{_WIDTH}" y2="{_TOP}" class="faint"/>',
        f'<text x="{_LEFT - 6}" y="{_TOP + 5}" class="end">{escape(most)}</text>',
    ]
    for number, (_label, values) in enumerate(columns):
        left, bottom = _LEFT + number * wide, float(base)
        for index, each in enumerate(series):
            tall = max(0.0, values.get(each, 0)) / highest * (base - _TOP)
            bottom -= tall
            if tall > 0:
                parts.append(
                    f'<rect x="{left + wide * 0.1:.1f}" y="{bottom:.1f}" width="{wide * 0.8:.1f}" height="{tall:.1f}" '
                    f'class="c{index % SERIES}"/>'
                )
    for number in sorted({0, len(columns) - 1}) if columns else ():
        place, side = (_LEFT, "") if number == 0 else (_WIDTH, ' class="end"')
        parts.append(f'<text x="{place}" y="{_HEIGHT - 8}"{side}>{escape(columns[number][0])}</text>')
    return _svg(name, title, _HEIGHT, parts)


def legend(series: Sequence[str]) -> str:
    """Which colour is what."""
    keys = (f'<span><i class="c{index % SERIES}"></i>{escape(each)}</span>' for index, each in enumerate(series))
    return f'<p class="legend">{"".join(keys)}</p>'


def _svg(name: str, title: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {max(height, _BAR)}" role="img" aria-labelledby="{name}">'
        f'<title id="{name}">{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
