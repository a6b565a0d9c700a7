"""The report's two pictures: who failed when, and which layer cost which seconds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import plotly.graph_objects as go

from lab.history import Attempt, Event, EventKind, History, Outcome
from lab.report.groups import Group, resolver_kind
from lab.scenario.model import Cause
from lab.topology.model import Topology

_NS = 1e9
_BIN_S = 0.1
_BEFORE_S = 2.0
#: A client that made no attempt for more looks than this is not known to be well.
_LOOKS = 2
_LABEL_PX = 17
#: How many characters of a label fit along the time axis of the narrowest page.
_LABEL_CHARS = 85
#: Expiries this close are one wave.
_WAVE_S = 2.0
_LINE = "#808080"  # visible on white and on black
_WELL, _FEW, _ALL = "#9fd8c4", "#f6c9a0", "#d55e00"
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


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A moment that explains the picture, in seconds since the fault."""

    at_s: float
    words: str
    dash: str = "dot"


def labels(groups: Sequence[Group]) -> list[str]:
    """Return the groups' names on an axis, which takes equal ones for one lane."""
    found: list[str] = []
    for group in groups:
        who = " · ".join((group.qname, group.resolver, group.behaviour))
        name = f"{who} ({group.side.replace('access-', '')})"
        while name in found:
            name += "\u200b"  # a space without width
        found.append(name)
    return found


def timeline(
    groups: Sequence[Group],
    history: History,
    topology: Topology,
    *,
    fault_ns: int,
    end_s: float,
) -> str:
    """Return the share of failing clients per group over time, as HTML.

    From the start of an attempt to that of its next one, a client counts as what the
    attempt came to.
    """
    lanes = shares(groups, history, fault_ns=fault_ns, end_s=end_s)
    figure = go.Figure(
        go.Heatmap(
            z=lanes,
            x=[round(i * _BIN_S - _BEFORE_S, 3) for i in range(len(lanes[0]))],
            y=labels(groups),
            zmin=0,
            zmax=1,
            colorscale=[[0, _WELL], [0.001, _FEW], [1, _ALL]],
            showscale=False,
            hovertemplate="%{y}<br>%{x:.1f} s: %{z:.0%} fail<extra></extra>",
            hoverongaps=False,
            ygap=3,
        )
    )
    seen = marks(history.events, topology, fault_ns=fault_ns, end_s=end_s)
    levels = 0
    for mark, level in _stacked(seen, end_s):
        levels = max(levels, level + 1)
        figure.add_vline(
            x=mark.at_s, line={"color": _LINE, "width": 1, "dash": mark.dash}
        )
        figure.add_annotation(
            x=mark.at_s,
            yref="paper",
            y=1,
            xshift=2,
            yshift=level * _LABEL_PX,
            text=mark.words,
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": 12},
        )
    top = 20 + levels * _LABEL_PX
    return _html(figure, lanes=len(groups), top=top, axis="seconds since the fault")


def shares(
    groups: Sequence[Group], history: History, *, fault_ns: int, end_s: float
) -> list[list[float | None]]:
    """Return, per group and tenth of a second, the share of its clients that fail.

    None where nobody is known to be well or failing.
    """
    bins = math.ceil((end_s + _BEFORE_S) / _BIN_S)
    lane_of = {cohort: i for i, group in enumerate(groups) for cohort in group.cohorts}
    known = [[0] * bins for _ in groups]
    failing = [[0] * bins for _ in groups]
    clients: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for attempt in history.attempts:
        if attempt.cohort in lane_of:
            clients[lane_of[attempt.cohort], attempt.client].append(attempt)

    def bin_of(at_ns: float) -> int:
        at = math.floor(((at_ns - fault_ns) / _NS + _BEFORE_S) / _BIN_S)
        return min(max(at, 0), bins)

    for (lane, _), attempts in clients.items():
        longest_ns = _LOOKS * groups[lane].resolution_s * _NS
        starts = [a.start_ns for a in attempts]
        for attempt, (start_ns, next_ns) in zip(
            attempts, pairwise([*starts, starts[-1] + longest_ns]), strict=True
        ):
            if attempt.outcome is not Outcome.INFO:
                until_ns = min(next_ns, start_ns + longest_ns)
                for at in range(bin_of(start_ns), bin_of(until_ns)):
                    known[lane][at] += 1
                    failing[lane][at] += attempt.outcome is Outcome.FAIL
    return [
        [f / k if k else None for f, k in zip(fs, ks, strict=True)]
        for fs, ks in zip(failing, known, strict=True)
    ]


def budget(groups: Sequence[Group]) -> str:
    """Return the mean outage per client by cause, one stacked bar per group."""
    hurt = [g for g in groups if g.causes]
    figure = go.Figure()
    for cause, colour in CAUSE_COLOURS.items():
        seconds = [dict(g.causes).get(cause.value, 0.0) for g in hurt]
        if any(seconds):
            figure.add_bar(
                x=seconds,
                y=labels(hurt),
                name=cause.value,
                orientation="h",
                marker={"color": colour},
                hovertemplate="%{y}<br>" + cause.value + " %{x:.2f} s<extra></extra>",
            )
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
        },
    )
    return _html(figure, lanes=len(hurt), top=50, axis="seconds of outage")


def marks(
    events: Sequence[Event], topology: Topology, *, fault_ns: int, end_s: float
) -> list[Mark]:
    """Return the moments that explain the picture, by time.

    The fault and its stages, the first route that moves because of it, each verdict
    of a health check, and the first end of a cached answer behind each kind of
    resolver. The fault is marked at the latest moment at which it can have happened;
    a route that moved earlier, but within the uncertainty, is marked there too.
    """
    found: list[Mark] = []
    moved = False
    possible_ns = min(
        (e.at_ns - e.uncertainty_ns for e in events if e.kind is EventKind.FAULT),
        default=fault_ns,
    )
    for event in events:
        at_s = (event.at_ns - fault_ns) / _NS
        detail = event.detail
        if not -_BEFORE_S <= at_s <= end_s:
            continue
        match event.kind:
            case EventKind.FAULT:
                found.append(Mark(at_s, f"<b>{detail['kind']}</b>", "solid"))
            case EventKind.FAULT_STAGE:
                found.append(Mark(at_s, f"<b>{detail['stage']}</b>", "solid"))
            case EventKind.HEALTH:
                words = f"{event.node}: {detail['state']}"
                found.append(Mark(at_s, words, "dash"))
            case EventKind.ROUTE if event.at_ns >= possible_ns and not moved:
                moved = True
                found.append(Mark(max(at_s, 0.0), "the first route moves"))
    return sorted([*found, *_expiries(events, topology, fault_ns, end_s)])


def _expiries(
    events: Sequence[Event], topology: Topology, fault_ns: int, end_s: float
) -> Iterator[Mark]:
    first: dict[str, float] = {}
    for event in events:
        at_s = (event.at_ns - fault_ns) / _NS
        if event.kind is EventKind.EXPIRY and 0 <= at_s <= end_s:
            first.setdefault(resolver_kind(topology, event.detail["resolver"]), at_s)
    waves: list[tuple[float, list[str]]] = []
    for kind, at_s in sorted(first.items(), key=lambda item: item[1]):
        if waves and at_s - waves[-1][0] <= _WAVE_S:
            waves[-1][1].append(kind)
        else:
            waves.append((at_s, [kind]))
    for at_s, kinds in waves:
        yield Mark(at_s, f"cache expires: {', '.join(kinds)}")


def _stacked(seen: Sequence[Mark], end_s: float) -> Iterator[tuple[Mark, int]]:
    """Yield each mark with the lowest level at which its words fit."""
    free_from_s: list[float] = []
    for mark in seen:
        chars = len(mark.words.replace("<b>", "").replace("</b>", "")) + 2
        width_s = chars * (end_s + _BEFORE_S) / _LABEL_CHARS
        level = next(
            (i for i, s in enumerate(free_from_s) if s <= mark.at_s), len(free_from_s)
        )
        free_from_s[level : level + 1] = [mark.at_s + width_s]
        yield mark, level


def _html(figure: go.Figure, *, lanes: int, top: int, axis: str) -> str:
    figure.update_layout(
        height=top + 60 + 26 * max(lanes, 2),
        margin={"l": 10, "r": 10, "t": top, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "inherit", "size": 13},  # the page's style sheet sets colours
        xaxis={
            "title": {"text": axis, "font": {"size": 13}},
            "gridcolor": "#8883",
            "zeroline": False,
        },
        yaxis={"autorange": "reversed", "automargin": True},
    )
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displayModeBar": False, "responsive": True},
    )
    return html
