"""What figures are read off: the history of a run, and who watched. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from lab.history import Attempt, Event, EventKind, History
from lab.judge.timeline import NS, NoEvidence, Seen
from lab.scenario.model import Cause, Cohort


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What figures are read off: the history, and who watched.

    Attributes:
        outage_s: Of each cohort the seconds that a client was without service, by
            cause, mean over its clients; empty where no fault is judged.
    """

    history: History
    cohorts: Mapping[str, Cohort]
    outage_s: Mapping[str, Mapping[Cause, float]] = field(default_factory=dict)

    def during(self, label: str) -> tuple[int, int]:
        """Return beginning and end of the step with that label.

        Raises:
            NoEvidence: It was not reached, or nothing tells when it ended.
        """
        phases = [e for e in self.history.events if e.kind is EventKind.PHASE]
        for phase, following in pairwise(phases):
            if phase.detail.get("label") == label:
                return phase.at_ns, following.at_ns
        raise NoEvidence(f"the run holds no whole step {label}")

    def burst(self, label: str) -> Event:
        """Return what became of a burst.

        Raises:
            NoEvidence: Nothing tells.
        """
        for event in self.of(EventKind.ASKED):
            if event.detail["label"] == label:
                return event
        raise NoEvidence(f"nothing tells what became of the burst {label}")

    def fault_ns(self, label: str) -> tuple[int, int]:
        """Return the latest moment of a fault, and how much earlier it may have been.

        Raises:
            NoEvidence: It is not in the history.
        """
        for event in self.of(EventKind.FAULT):
            if event.detail.get("label") == label:
                return event.at_ns, event.uncertainty_ns
        raise NoEvidence(f"no event tells of the fault {label}")

    def silence_ns(self, label: str) -> tuple[int, int]:
        """Return the latest moment at which a fault's routers spoke last, as above.

        Raises:
            NoEvidence: None of them told.
        """
        spans = [
            (event.at_ns - event.uncertainty_ns, event.at_ns)
            for event in self.of(EventKind.SILENCE)
            if event.detail["label"] == label
        ]
        if not spans:
            raise NoEvidence(f"no router tells when it fell silent by {label}")
        latest_ns = max(latest for _, latest in spans)
        return latest_ns, latest_ns - min(earliest for earliest, _ in spans)

    def of(self, kind: EventKind) -> Iterator[Event]:
        """Yield the events of a kind."""
        return (e for e in self.history.events if e.kind is kind)

    def attempts(
        self, cohorts: Iterable[str], during: str, *, since: str = ""
    ) -> list[Attempt]:
        """Return the attempts of these cohorts that began and ended during a step.

        Or since the beginning of an earlier one.

        Raises:
            NoEvidence: There is none.
        """
        begin_ns, end_ns = self.during(during)
        if since:
            begin_ns, _ = self.during(since)
        wanted = frozenset(cohorts)
        found = [
            a
            for a in self.history.attempts
            if a.cohort in wanted and begin_ns <= a.start_ns and a.end_ns < end_ns
        ]
        if not found:
            raise NoEvidence(f"no attempt of {', '.join(sorted(wanted))} in {during}")
        return found


def exact(value: float) -> Seen:
    """Return a value that nothing makes uncertain."""
    return Seen(low=value, high=value)


def most_in_a_second(seen: list[tuple[int, str]]) -> int:
    """Return how many different things were seen in the second that saw most.

    Args:
        seen: When (ns), in order, and what.
    """
    most, first = 0, 0
    for last, (at_ns, _) in enumerate(seen):
        while at_ns - seen[first][0] >= NS:
            first += 1
        most = max(most, len({what for _, what in seen[first : last + 1]}))
    return most
