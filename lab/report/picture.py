"""The picture of a scenario that sweeps something: its figures over one x."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lab.judge.model import ExpectationResult, Verdict
from lab.scenario.model import Measures, Scenario, Unit

_GRID = "#8883"
_BOUND, _MEASURED = "rgba(86,180,233,0.25)", "#D55E00"
_Point = tuple[float, Measures, ExpectationResult]


def picture(verdict: Verdict, scenario: Scenario) -> str:
    """Return a panel per series of the scenario's figures, over their common x.

    The measured points, and the interval that each had to lie in.
    """
    points: dict[str, list[_Point]] = {}
    for expected, result in zip(
        scenario.expectations, verdict.expectations, strict=True
    ):
        if isinstance(expected, Measures) and expected.x is not None:
            line = points.setdefault(expected.series, [])
            line.append((expected.x, expected, result))
    figure = make_subplots(
        rows=len(points),
        shared_xaxes=True,
        subplot_titles=list(points),
        vertical_spacing=0.08,
    )
    for row, line in enumerate(points.values(), start=1):
        for trace in _points(sorted(line, key=lambda point: point[0])):
            figure.add_trace(trace, row=row, col=1)
    figure.update_xaxes(gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(gridcolor=_GRID, rangemode="tozero")
    figure.update_xaxes(title_text=scenario.picture, row=len(points), col=1)
    figure.update_layout(
        height=90 + 190 * len(points),
        showlegend=False,
        margin={"l": 60, "r": 20, "t": 40, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    html: str = figure.to_html(full_html=False, include_plotlyjs=False)
    return html


def _points(line: Sequence[_Point]) -> Iterator[go.Scatter]:
    xs = [x for x, _, _ in line]
    scale = {Unit.PERCENT: 100, Unit.MILLISECONDS: 1000}.get(line[0][1].unit, 1)
    lows = [scale * (result.low or 0.0) for _, _, result in line]
    highs = [scale * _or_nan(result.high) for _, _, result in line]
    measured = [scale * _or_nan(result.measured) for _, _, result in line]
    quiet = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    yield go.Scatter(x=xs, y=lows, **quiet)
    yield go.Scatter(x=xs, y=highs, fill="tonexty", fillcolor=_BOUND, **quiet)
    yield go.Scatter(
        x=xs,
        y=measured,
        mode="lines+markers",
        line={"color": _MEASURED},
        hovertext=[expected.text for _, expected, _ in line],
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
