"""Charts of the usage page as SVG made on the server: no script, no inline style; the table beside has the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
_HEIGHT = 100


@register.simple_tag
def bar_chart(label: str, bars: Sequence[dict[str, Any]]) -> SafeString:
    """Stacked bars, one beside the other. Each bar: `title` (said on hover) and `values`, one per series."""
    highest = max((sum(bar["values"]) for bar in bars), default=0)
    drawn = format_html_join(
        "",
        "<g><title>{}</title>{}</g>",
        ((bar["title"], _stack(x, bar["values"], highest)) for x, bar in enumerate(bars)),
    )
    return _svg(label, len(bars), drawn)


@register.simple_tag
def line_chart(label: str, lines: Sequence[Sequence[float | None]]) -> SafeString:
    """Lines over the same places; None leaves a gap."""
    highest = max((value for line in lines for value in line if value is not None), default=0)
    drawn = format_html_join(
        "", "{}", ((_path(line, number, highest),) for number, line in enumerate(lines, 1))
    )
    return _svg(label, max((len(line) for line in lines), default=0), drawn)


@register.simple_tag
def share_bar(value: int, highest: int) -> SafeString:
    """A row's share of the highest one, for tables; the figure stands beside it."""
    share = round(100 * value / highest, 1) if highest else 0
    return format_html(
        '<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="share__bar" width="{}" height="1"/></svg>',
        share,
    )


def _svg(label: str, width: int, drawn: SafeString) -> SafeString:
    return format_html(
        '<svg class="chart__svg" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        max(width, 1), _HEIGHT, label, drawn,
    )  # fmt: skip


def _stack(x: int, values: Sequence[float], highest: float) -> SafeString:
    pieces = []
    below = 0.0
    for number, value in enumerate(values, 1):
        height = _HEIGHT * value / highest if highest else 0
        below += height
        if height:
            pieces.append((number, x + 0.1, round(_HEIGHT - below, 2), round(max(height, 0.6), 2)))
    return format_html_join("", '<rect class="series-{}" x="{}" y="{}" width="0.8" height="{}"/>', pieces)


def _path(line: Sequence[float | None], number: int, highest: float) -> SafeString:
    points: list[str] = []
    pen_is_up = True
    for x, value in enumerate(line):
        if value is not None:
            y = round(_HEIGHT - (_HEIGHT - 2) * value / highest, 2) if highest else _HEIGHT
            # A day alone between gaps is a short stroke, not nothing.
            points.append(f"{'M' if pen_is_up else 'L'}{x + 0.3} {y}L{x + 0.7} {y}")
        pen_is_up = value is None
    return format_html('<path class="line-{}" d="{}"/>', number, "".join(points))
