"""Rules of the stories about announcements: labs that lie about them are found out.

A small model of what really happens, without the bounds: layers die, whoever looks so
far down withdraws, a guard withdraws what nobody looks after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import pytest

from lab.history import Answer, Attempt, Event, EventKind, History, Outcome, Try
from lab.judge.model import Status, Verdict
from lab.judge.verdict import judge
from lab.live.several import AT_ONCE
from lab.scenario import forecast
from lab.scenario.catalogue import load_catalogue
from lab.scenario.model import (
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Restore,
    Scenario,
)
from lab.topology.distance import transit_of
from lab.topology.loading import load
from lab.topology.profiles import Profile, apply
from lab.topology.timers import CheckerDeath, Depth
from tests.unit.worlds import ROOT

NS = 1_000_000_000
LEAD_S, BACK_S = 0.5, 2.0
ROUTE, CHECKER = "route-alive-service-dead", "health-checker-dead"
TOPOLOGY = apply(load("depths"), Profile.QUICK)
LAYERS = {
    (FaultKind.APP_DEAD, ""): Depth.REGION,
    (FaultKind.BROWN_OUT, ""): Depth.DEEP,
    (FaultKind.CRASH, "l7"): Depth.POP,
    (FaultKind.CRASH, "envoy"): Depth.NODE,
}


@dataclass(frozen=True, kw_only=True)
class Lab:
    """How this lab behaves; the defaults are as the topology says.

    Attributes:
        depths: How far down who looks, where it is not so.
        heeds: Whether what is seen bad withdraws.
        guards: Whether guards act.
        withdrawn_s: From a death that is seen to the route's end.
        guarded_s: The same of who looks.
        early: Whether an announcer's end takes its routes along.
    """

    depths: Mapping[str, Depth] = field(default_factory=dict)
    heeds: bool = True
    guards: bool = True
    withdrawn_s: float = 0.7
    guarded_s: float = 1.2
    early: bool = False


@dataclass(frozen=True, kw_only=True)
class Death:
    """What died in a region, or that nobody looks there any more, and for how long."""

    region: str
    layer: Depth | None
    at_s: float
    end_s: float


class Sim:
    """A run of a story in such a lab."""

    def __init__(self, scenario: Scenario, lab: Lab) -> None:
        self.scenario, self.lab = scenario, lab
        self.events: list[Event] = []
        self.deaths: list[Death] = []
        self.now_s = 1.0
        self._steps()

    def history(self) -> History:
        """Return what routers and clients saw."""
        detail = {"prefix": str(TOPOLOGY.anycast.prefix), "change": "changed"}
        self._tell(EventKind.ROUTE, detail, at_s=0.9, node="hub")  # as it came up
        for region in TOPOLOGY.regions:
            for at_s in self._gone(region.name):
                node = transit_of(TOPOLOGY, region.name)
                self._tell(EventKind.ROUTE, detail, at_s=at_s, node=node)
        return History(
            events=tuple(sorted(self.events, key=lambda e: e.at_ns)),
            attempts=tuple(a for c in self.scenario.watch for a in self._attempts(c)),
        )

    def _steps(self) -> None:
        struck: list[Death] = []
        for step in self.scenario.steps:
            name = type(step).__name__.lower()
            detail = {"phase": name, "label": getattr(step, "label", "")}
            self._tell(EventKind.PHASE, detail)
            match step:
                case Observe():
                    self.now_s += step.for_s
                case Fault():
                    self.now_s += LEAD_S
                    facts = {"kind": step.kind.value, "target": step.target}
                    self._tell(EventKind.FAULT, {**facts, "label": step.label})
                    struck += self._struck(step)
                case Restore():
                    self._tell(EventKind.RESTORE, {"target": "", "label": ""})
                    over = [replace(death, end_s=self.now_s) for death in struck]
                    self.deaths, struck = [*self.deaths, *over], []
                    self.now_s += BACK_S
        self._tell(EventKind.PHASE, {"phase": "over"})

    def _struck(self, fault: Fault) -> Iterator[Death]:
        for target in fault.target.split(AT_ONCE):
            region = next(
                (r.name for r in TOPOLOGY.regions if target.startswith(r.name)), ""
            )
            if fault.kind is FaultKind.PARTITION:
                continue
            kind = next((w for w in ("l7", "envoy", "announcer") if w in target), "")
            layer = LAYERS.get((fault.kind, kind))
            yield Death(region=region, layer=layer, at_s=self.now_s, end_s=0.0)

    def _gone(self, region: str) -> list[float]:
        """Return when the region's route went, each time."""
        announce = TOPOLOGY.announce_of(region)
        depth = self.lab.depths.get(region, announce.depth)
        guarded = announce.on_checker_death is CheckerDeath.WITHDRAW
        gone = []
        for death in (d for d in self.deaths if d.region == region):
            if death.layer is None:
                if self.lab.early:
                    gone.append(death.at_s + 0.05)
                elif guarded and self.lab.guards:
                    gone.append(death.at_s + self.lab.guarded_s)
            elif depth.reaches(death.layer) and self.lab.heeds and self._looks(death):
                gone.append(death.at_s + self.lab.withdrawn_s)
        return gone

    def _looks(self, death: Death) -> bool:
        return not any(
            d.layer is None
            and (d.region, d.end_s) == (death.region, death.end_s)
            and not self.lab.early
            for d in self.deaths
        )

    def _attempts(self, cohort: Cohort) -> Iterator[Attempt]:
        (near,) = forecast.catchment(TOPOLOGY, cohort.access)
        interval_s = cohort.interval_ms / 1000
        for client in range(cohort.clients):
            due_s = 1.0 + interval_s * client / cohort.clients
            while due_s < self.now_s:
                yield self._attempt(cohort, client, near, due_s)
                due_s += interval_s

    def _attempt(self, cohort: Cohort, client: int, near: str, due_s: float) -> Attempt:
        own = [d for d in self.deaths if d.region == near]
        went = [
            at_s
            for at_s in self._gone(near)
            if any(d.at_s <= at_s <= due_s < d.end_s for d in own)
        ]
        dead = any(d.layer and d.at_s <= due_s < d.end_s for d in own)
        ok = bool(went) or not dead
        address = str(TOPOLOGY.anycast.address)
        at_ns = int(due_s * NS)
        return Attempt(
            client=f"{cohort.name}#{client}",
            cohort=cohort.name,
            due_ns=at_ns,
            start_ns=at_ns,
            end_ns=at_ns + NS // 100,
            outcome=Outcome.OK if ok else Outcome.FAIL,
            error="" if ok else "refused",
            tries=(Try(address=address, error="" if ok else "refused"),),
            answer=Answer(
                source="stub", addresses=(address,), ttl_s=9, received_ns=at_ns
            ),
            region=("spare" if went else near) if ok else "",
        )

    def _tell(
        self,
        kind: EventKind,
        detail: Mapping[str, object],
        *,
        at_s: float | None = None,
        node: str = "",
    ) -> None:
        at_ns = int((self.now_s if at_s is None else at_s) * NS)
        told = Event(
            at_ns=at_ns, kind=kind, node=node, uncertainty_ns=0, detail=dict(detail)
        )
        self.events.append(told)


@cache
def story(name: str) -> Scenario:
    """Return a story with what it expects of routes, and of those who follow them."""
    file = load_catalogue(ROOT / "scenarios")[name]
    told = file.build(TOPOLOGY, file.knobs())
    about_routes = tuple(
        e
        for e in told.expectations
        if isinstance(e, Measures) and e.column and not e.column.startswith("DNS")
    )
    return replace(told, expectations=about_routes)


def verdict(name: str, **how: object) -> Verdict:
    lab = Lab(**how)  # type: ignore[arg-type]  # its own fields
    return judge(TOPOLOGY, story(name), Sim(story(name), lab).history())


def wrong(told: Verdict) -> set[str]:
    return {e.text for e in told.expectations if e.ok is not True}


@pytest.mark.parametrize("name", [ROUTE, CHECKER])
class TestAsDeclared:
    def test_every_expectation_holds(self, name: str) -> None:
        told = verdict(name)

        assert wrong(told) == set()
        assert told.status is Status.OK

    @pytest.mark.parametrize("withdrawn_s", [0.41, 1.1])
    def test_they_hold_for_the_fastest_and_for_the_slowest(
        self, name: str, withdrawn_s: float
    ) -> None:
        guarded_s = {0.41: 0.8, 1.1: 1.8}[withdrawn_s]

        told = verdict(name, withdrawn_s=withdrawn_s, guarded_s=guarded_s)

        assert told.status is Status.OK


class TestWhoLooks:
    def test_that_nobody_heeds_what_is_seen_is_told_by_those_who_fail(self) -> None:
        told = verdict(ROUTE, heeds=False)

        assert told.status is Status.FAILED
        assert "by-node: last failure" in wrong(told)
        assert not any("requests failing" in text for text in wrong(told))

    @pytest.mark.parametrize(
        ("region", "depth"),
        [
            ("by-users", Depth.REGION),
            ("by-region", Depth.DEEP),
            ("by-region", Depth.POP),
            ("by-pop", Depth.NODE),
            ("by-node", Depth.POP),
        ],
    )
    def test_another_depth_than_declared_is_told_by_its_region_alone(
        self, region: str, depth: Depth
    ) -> None:
        told = verdict(ROUTE, depths={region: depth})

        assert told.status is Status.FAILED
        assert {text.partition(":")[0] for text in wrong(told)} == {region}

    @pytest.mark.parametrize("withdrawn_s", [0.02, 1.6])
    def test_a_withdrawal_that_is_too_early_or_too_late_is_told(
        self, withdrawn_s: float
    ) -> None:
        assert verdict(ROUTE, withdrawn_s=withdrawn_s).status is Status.FAILED


class TestWhoLooksAfterThem:
    def test_that_there_is_no_guard_is_told_by_the_region_that_needs_one(
        self,
    ) -> None:
        told = verdict(CHECKER, guards=False)

        assert told.status is Status.FAILED
        assert wrong(told) == {
            "by-users: route leaves",
            "by-users: last request served",
            "by-users: requests failing",
        }

    @pytest.mark.parametrize("guarded_s", [0.3, 2.2])
    def test_a_guard_that_is_hasty_or_sleeps_is_told(self, guarded_s: float) -> None:
        told = verdict(CHECKER, guarded_s=guarded_s)

        assert told.status is Status.FAILED
        assert "by-users: route leaves" in wrong(told)

    def test_a_route_that_ends_with_who_looks_is_told_by_the_one_that_is_kept(
        self,
    ) -> None:
        told = verdict(CHECKER, early=True)

        assert told.status is Status.FAILED
        assert "by-region: route changes" in wrong(told)
