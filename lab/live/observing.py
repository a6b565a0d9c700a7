"""What nodes and agents say, as events and attempts of a run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.history import Attempt, Event, EventKind, attempt_from_raw
from lab.live.channel import ENDED, Message

#: Reads a daemon's log line: (address, `up` or `down`) where it tells of a verdict.
ParseLog = Callable[[str], tuple[str, str] | None]


class Observer:
    """Translates messages into records whose times count from the run's start."""

    def __init__(
        self,
        *,
        origin_ns: int,
        parsers: Mapping[str, ParseLog],
        regions: Mapping[str, str],
    ) -> None:
        """Know the start, the log parser of each node, the region of each address."""
        self.origin_ns = origin_ns
        self._parsers = parsers
        self._regions = regions

    def event(
        self,
        kind: EventKind,
        t_ns: int,
        detail: Mapping[str, Any],
        *,
        node: str = "",
        uncertainty_ns: int = 0,
    ) -> Event:
        """Return an event that happened at `t_ns` of the host's clock."""
        return Event(
            at_ns=t_ns - self.origin_ns,
            kind=kind,
            node=node,
            uncertainty_ns=uncertainty_ns,
            detail=dict(detail),
        )

    def from_node(self, node: str, message: Message) -> Event | None:
        """Return the event that a node's message tells of, if any."""
        match message:
            case {"kind": "ready", "t": t, "condition": text}:
                return self.event(EventKind.READY, t, {"condition": text}, node=node)
            case {"kind": "route", "t": t, "change": change, "prefix": prefix}:
                detail = {"change": change, "prefix": prefix, "via": message["via"]}
                return self.event(EventKind.ROUTE, t, detail, node=node)
            case {"kind": "log", "t": t, "line": line}:
                return self._health(node, t, line)
            case {"kind": "exited", "expected": False, "t": t, "process": process}:
                detail = {"process": process, "status": message["status"]}
                return self.event(EventKind.DIED, t, detail, node=node)
            case {"kind": kind, "t": t} if kind == ENDED:
                return self.event(EventKind.DIED, t, {"process": "all"}, node=node)
        return None

    def _health(self, node: str, t: int, line: str) -> Event | None:
        parse = self._parsers.get(node)
        verdict = parse(line) if parse else None
        if verdict is None:
            return None
        address, state = verdict
        detail = {"target": self._regions.get(address, address), "state": state}
        return self.event(EventKind.HEALTH, t, detail, node=node)

    def from_agent(self, node: str, message: Message) -> Event | Attempt | None:
        """Return the record that an agent's message holds, if any."""
        match message:
            case {"type": "attempt", **raw}:
                return self._attempt(raw)
            case {"type": "event", "at_ns": t, "kind": kind, **facts}:
                return self.event(
                    EventKind(kind),
                    t,
                    facts.get("detail", {}),
                    node=node,
                    uncertainty_ns=facts.get("uncertainty_ns", 0),
                )
        return None

    def _attempt(self, raw: dict[str, Any]) -> Attempt:
        shifted = {k: raw[k] - self.origin_ns for k in ("due_ns", "start_ns", "end_ns")}
        moved = {**raw, **shifted}
        if answer := raw.get("answer"):
            received_ns = answer["received_ns"] - self.origin_ns
            moved["answer"] = {**answer, "received_ns": received_ns}
        return attempt_from_raw(moved)
