"""The report's two pictures: who failed when, and which layer cost which seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from lab.history import Event, EventKind, History, Outcome
from lab.report.groups import Group
from lab.scenario.model import Cause

_NS = 1e9
_BIN_S = 0.25
_BEFORE_S = 2.0
_LABEL_PX = 16
#: How many characters of a label fit along the whole time axis.
_LABEL_CHARS = 110
_INK = "#808080"  # readable on white and on black
#: Okabe and Ito's palette, made for colour-blind readers.
CAUSE_COLOURS = {
    Cause.DETECTION: "#56B4E9",
    Cause.WITHDRAWAL: "#009E73",
    Cause.RESOLVER_CACHE: "#E69F00",
    Cause.RESOLVER_CLAMP: "#D55E00",
    Cause.SERVE_STALE: "#F0E442",
    Cause.CLIENT_PIN: "#CC79A7",
    Cause.OVERLOAD: "#0072B2",
    Cause.NO_PATH: "#999999",
    Cause.OTHER: "#555555",
}


#: Seconds since the fault, words, dash of the line.
Mark = tuple[float, str, str]


def label(group: Group) -> str:
    """Return a group's name on an axis."""
    who = " · ".join((group.qname, group.resolver, group.behaviour))
    return f"{who} ({group.side.replace('access-', '')})"


def timeline(
    groups: Sequence[Group], history: History, fault_ns: int, end_s: float
) -> str:
    """Return the share of failed attempts per group and quarter second, as HTML."""
    bins = math.ceil((end_s + _BEFORE_S) / _BIN_S)
    lane_of = {c: i for i, group in enumerate(groups) for c in group.cohorts}
    total = [[0] * bins for _ in groups]
    failed = [[0] * bins for _ in groups]
    for attempt in history.attempts:
        at = math.floor(((attempt.start_ns - fault_ns) / _NS + _BEFORE_S) / _BIN_S)
        lane = lane_of.get(attempt.cohort)
        if lane is not None and 0 <= at < bins:
            total[lane][at] += 1
            failed[lane][at] += attempt.outcome is not Outcome.OK
    shares = [
        [f / t if t else None for f, t in zip(fs, ts, strict=True)]
        for fs, ts in zip(failed, total, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[i * _BIN_S - _BEFORE_S for i in range(bins)],
            y=[label(g) for g in groups],
            zmin=0,
            zmax=1,
            colorscale=[[0, "#9fd8c4"], [0.01, "#f6c9a0"], [1, "#d55e00"]],
            colorbar={"title": "failed", "tickformat": ".0%", "thickness": 12},
            hovertemplate="%{y}<br>%{x:.2f} s: %{z:.0%} failed<extra></extra>",
            ygap=2,
        )
    )
    for (at_s, text, dash), level in _stacked(
        sorted(_marks(history.events, fault_ns, end_s)), end_s
    ):
        figure.add_vline(x=at_s, line={"color": _INK, "width": 1, "dash": dash})
        figure.add_annotation(
            x=at_s,
            yref="paper",
            y=1,
            yshift=level * _LABEL_PX,
            text=text,
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": 11},
        )
    return _html(figure, lanes=len(groups), top=110, axis="seconds since the fault")


def budget(groups: Sequence[Group]) -> str:
    """Return the mean outage per client by cause, one stacked bar per group."""
    hurt = [g for g in groups if g.causes]
    figure = go.Figure()
    for cause, colour in CAUSE_COLOURS.items():
        seconds = [dict(g.causes).get(cause.value, 0.0) for g in hurt]
        if any(seconds):
            figure.add_bar(
                x=seconds,
                y=[label(g) for g in hurt],
                name=cause.value,
                orientation="h",
                marker={"color": colour},
                hovertemplate="%{y}<br>" + cause.value + " %{x:.2f} s<extra></extra>",
            )
    figure.update_layout(
        barmode="stack",
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
        },
    )
    return _html(figure, lanes=len(hurt), top=60, axis="seconds of outage")


def _marks(events: Sequence[Event], fault_ns: int, end_s: float) -> Iterator[Mark]:
    """Yield (seconds, words, dash) of the moments that explain the picture."""
    withdrawn = False
    for event in events:
        at_s = (event.at_ns - fault_ns) / _NS
        if not -_BEFORE_S <= at_s <= end_s:
            continue
        match event.kind:
            case EventKind.FAULT:
                yield at_s, f"<b>{event.detail['kind']}</b>", "solid"
            case EventKind.FAULT_STAGE:
                yield at_s, f"<b>{event.detail['stage']}</b>", "solid"
            case EventKind.HEALTH:
                yield at_s, f"{event.node}: {event.detail['state']}", "dash"
            case EventKind.ROUTE if at_s >= 0 and not withdrawn:
                withdrawn = True
                yield at_s, "route gone", "dot"
    yield from _expiries(events, fault_ns, end_s)


def _stacked(marks: list[Mark], end_s: float) -> Iterator[tuple[Mark, int]]:
    """Yield each mark with the lowest level at which its words fit."""
    free_from_s: list[float] = []
    for mark in marks:
        width_s = (len(mark[1].replace("<b>", "").replace("</b>", "")) + 2) * (
            (end_s + _BEFORE_S) / _LABEL_CHARS
        )
        level = next(
            (i for i, s in enumerate(free_from_s) if s <= mark[0]), len(free_from_s)
        )
        free_from_s[level : level + 1] = [mark[0] + width_s]
        yield mark, level


def _expiries(events: Sequence[Event], fault_ns: int, end_s: float) -> Iterator[Mark]:
    """Yield the first expiry after the fault in each second: a wave, not each drop."""
    told: set[int] = set()
    for event in events:
        at_s = (event.at_ns - fault_ns) / _NS
        if event.kind is not EventKind.EXPIRY or not 0 <= at_s <= end_s:
            continue
        wave = round(at_s / 4)
        if wave not in told:
            told.add(wave)
            yield at_s, "caches expire", "dot"


def _html(figure: go.Figure, *, lanes: int, top: int, axis: str) -> str:
    figure.update_layout(
        height=top + 70 + 26 * max(lanes, 2),
        margin={"l": 10, "r": 10, "t": top, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": _INK, "size": 13},
        xaxis={"title": axis, "gridcolor": "#8883", "zeroline": False},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displayModeBar": False}
    )
    return html
