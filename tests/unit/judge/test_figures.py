from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar, Literal

import pytest

from lab.history import Answer, Attempt, Event, EventKind, History, Outcome, Try
from lab.judge.figures import read
from lab.judge.readings.bursts import chi_square_p
from lab.judge.source import Source
from lab.judge.timeline import NS, NoEvidence, Seen
from lab.scenario import figures as f
from lab.scenario.model import Behaviour, Cause, Cohort

US, EU = "203.0.113.10", "203.0.113.138"
COHORT = Cohort(
    name="users",
    access="access-us",
    resolver="us-honest",
    behaviour=Behaviour.FIRST_ADDRESS,
    qname="even",
    clients=2,
    interval_ms=500,
)
#: A step from 1 s to 11 s.
STEP = (
    Event(at_ns=1 * NS, kind=EventKind.PHASE, detail={"phase": "x", "label": "step"}),
    Event(at_ns=11 * NS, kind=EventKind.PHASE, detail={"phase": "end"}),
)
FAULT = Event(
    at_ns=2 * NS,
    uncertainty_ns=NS // 1000,
    kind=EventKind.FAULT,
    detail={"label": "fault"},
)
EXACT = pytest.approx


def attempt(
    at_s: float,
    *,
    client: str = "users#1",
    outcome: Outcome = Outcome.OK,
    region: str = "us-east",
    address: str = US,
    received_s: float = 0.0,
    ttl_s: int = 4,
    error: str = "",
    tries: tuple[Try, ...] = (),
    took_s: float = 0.01,
    backend: str = "",
) -> Attempt:
    at_ns = int(at_s * NS)
    return Attempt(
        client=client,
        cohort="users",
        due_ns=at_ns,
        start_ns=at_ns,
        end_ns=at_ns + int(took_s * NS),
        outcome=outcome,
        error=error,
        tries=tries or (Try(address=address),),
        answer=Answer(
            source="stub",
            addresses=(address,),
            ttl_s=ttl_s,
            received_ns=int(received_s * NS),
        ),
        region=region if outcome is Outcome.OK else "",
        backend=backend or f"{region}-be-1",
    )


def source(*attempts: Attempt, events: tuple[Event, ...] = ()) -> Source:
    ordered = tuple(sorted((*STEP, *events), key=lambda e: e.at_ns))
    return Source(
        history=History(events=ordered, attempts=attempts), cohorts={"users": COHORT}
    )


def burst(**facts: object) -> Source:
    detail = {
        "label": "burst",
        "asked": 10,
        "answered": 10,
        "first": {US: 9, EU: 1},
        "orders": {US: 9, EU: 1},
        "moves": 2,
        "scopes": {},
        "rtt_ms": {"p50": 1.0, "p95": 80.0},
        "runs": [],
        "start_ns": 1 * NS,
        "end_ns": 11 * NS,
        **facts,
    }
    asked = Event(at_ns=11 * NS, kind=EventKind.ASKED, detail=detail)
    return source(events=(asked, FAULT))


def stay(*addresses: str, first_s: float, last_s: float) -> dict[str, object]:
    return {
        "addresses": list(addresses),
        "first_ns": int(first_s * NS),
        "last_ns": int(last_s * NS),
        "count": 1,
    }


def query(at_s: float, resolver: str, subnet: str = "") -> Event:
    detail = {"resolver": resolver, "name": "even", "subnet": subnet}
    return Event(at_ns=int(at_s * NS), kind=EventKind.UPSTREAM, detail=detail)


CAPTURED = Event(at_ns=12 * NS, kind=EventKind.CARRIED, detail={"dns": 8, "foreign": 0})


class TestChiSquare:
    def test_of_a_perfect_spread_is_one(self) -> None:
        assert chi_square_p({US: 90, EU: 10}, {US: 0.9, EU: 0.1}) == EXACT(1.0)

    def test_is_that_of_the_tables(self) -> None:
        # 3.841 with one degree of freedom leaves 5 %: (60 - x)^2 / 30 = 3.841.
        seen = {US: 60 - 10.7345, EU: 10.7345 + 60}
        p = chi_square_p(seen, {US: 0.5, EU: 0.5})  # type: ignore[arg-type]
        assert p == EXACT(0.05, rel=0.01)

    def test_of_equal_weights_for_unequal_ones_is_nothing(self) -> None:
        assert chi_square_p({US: 5000, EU: 5000}, {US: 0.9, EU: 0.1}) < 1e-12


class TestWays:
    def way(self, rtt_ms: float | None) -> Event:
        detail = {"from": "a", "to": "b", "declared_ms": [80, 80], "rtt_ms": rtt_ms}
        return Event(at_ns=0, kind=EventKind.RTT, detail=detail)

    def test_those_off_what_is_declared_are_counted(self) -> None:
        events = tuple(self.way(ms) for ms in (80.7, 120.0, None))
        assert read(f.WaysOff(), source(events=events)) == Seen(low=2, high=2)

    def test_that_none_was_measured_is_not_that_all_are_right(self) -> None:
        with pytest.raises(NoEvidence, match="round trip"):
            read(f.WaysOff(), source())


class TestVerdicts:
    FIGURE = f.Verdicts(region="us-east", during="step")

    def declared(self, at_s: float, node: str, state: str = "down") -> Event:
        detail = {"target": "us-east", "state": state}
        return Event(
            at_ns=int(at_s * NS), kind=EventKind.HEALTH, node=node, detail=detail
        )

    def test_each_provider_counts_once(self) -> None:
        events = (
            self.declared(2, "provider-a"),
            self.declared(3, "provider-a"),
            self.declared(4, "provider-b"),
            self.declared(5, "provider-c", "up"),
            self.declared(12, "provider-d"),
        )
        assert read(self.FIGURE, source(events=events)).low == 2

    def test_without_any_news_of_checks_none_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="no provider told"):
            read(self.FIGURE, source())


class TestSessions:
    def stays(self, *attempts: Attempt, by: f.Server, renewed: bool | None) -> Seen:
        figure = f.Stays(cohorts=("users",), during="step", by=by, renewed=renewed)
        return read(figure, source(*attempts))

    def test_each_client_is_compared_with_its_own_last_good_reply(self) -> None:
        seen = self.stays(
            attempt(2, backend="be-1"),
            attempt(3, backend="be-2", client="users#2"),
            attempt(4, outcome=Outcome.FAIL),
            attempt(5, backend="be-1"),
            attempt(6, backend="be-2"),
            attempt(7, backend="be-2", client="users#2"),
            by="backend",
            renewed=None,
        )
        assert seen == Seen(low=EXACT(2 / 3), high=EXACT(2 / 3))

    @pytest.mark.parametrize(("renewed", "share"), [(False, 1.0), (True, 0.0)])
    def test_a_new_answer_is_told_from_one_that_lives(
        self, renewed: bool, share: float
    ) -> None:
        attempts = (
            attempt(2),
            attempt(3),
            attempt(6, received_s=5.9, region="eu-west"),
            attempt(7, received_s=5.9, region="eu-west"),
        )
        seen = self.stays(*attempts, by="region", renewed=renewed)
        assert seen == Seen(low=share, high=share)

    def test_who_never_comes_back_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="came back"):
            self.stays(attempt(2), by="region", renewed=None)

    def test_a_reply_that_does_not_tell_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="its l7"):
            self.stays(attempt(2), attempt(3), by="l7", renewed=None)

    def test_the_client_that_meets_fewest_counts(self) -> None:
        attempts = (
            attempt(2, backend="be-1"),
            attempt(3, backend="be-2"),
            attempt(4, backend="be-1", client="users#2"),
        )
        figure = f.FewestMet(cohorts=("users",), during="step", by="backend")
        assert read(figure, source(*attempts[:2])).low == 2
        assert read(figure, source(*attempts)).low == 1

    def test_flows_are_compared_before_and_after(self) -> None:
        def by(l7: str, at_s: float, client: str) -> Attempt:
            return replace(attempt(at_s, client=client), l7=l7)

        later = (
            Event(
                at_ns=11 * NS,
                kind=EventKind.PHASE,
                detail={"phase": "x", "label": "later"},
            ),
            Event(at_ns=20 * NS, kind=EventKind.PHASE, detail={"phase": "end"}),
        )
        seen = source(
            by("l7-1", 2, "users#1"),
            by("l7-2", 3, "users#2"),
            by("l7-3", 3, "users#3"),
            by("l7-2", 4, "users#4"),
            by("l7-2", 12, "users#1"),
            by("l7-2", 13, "users#2"),
            by("l7-2", 13, "users#3"),
            events=later,
        )
        cohorts = ("users",)
        moved = f.FlowsMoved(cohorts=cohorts, before="step", after="later")

        assert read(moved, seen).low == EXACT(2 / 3)
        assert read(replace(moved, spared="l7-1"), seen).low == EXACT(1 / 2)

    def test_a_kept_connection_that_had_to_be_replaced(self) -> None:
        def by(source: str, at_s: float, client: str) -> Attempt:
            made = attempt(at_s, client=client)
            assert made.answer is not None
            return replace(made, answer=replace(made.answer, source=source))

        attempts = (
            by("connection", 2, "users#1"),
            by("stub", 3, "users#1"),
            by("connection", 4, "users#1"),
            by("connection", 2, "users#2"),
        )
        figure = f.Reconnected(cohorts=("users",), during="step")
        assert read(figure, source(*attempts)) == Seen(low=0.5, high=0.5)

    def last_served(self, *attempts: Attempt) -> tuple[float, float]:
        figure = f.LastServed(cohorts=("users",), during="step", region="us-east")
        seen = read(figure, source(*attempts, events=(FAULT,)))
        return seen.low, seen.high

    def test_the_last_one_that_a_region_served(self) -> None:
        last = self.last_served(
            attempt(3),
            attempt(5),
            attempt(6, outcome=Outcome.FAIL),
            attempt(7, region="eu-west"),
        )
        assert last == (EXACT(3), EXACT(3.001))

    def test_a_region_that_serves_nobody_after_the_fault(self) -> None:
        assert self.last_served(attempt(1.5)) == (0, 0)
        assert self.last_served(attempt(7, region="eu-west")) == (0, EXACT(0.001))

    def test_a_backend_that_serves_again(self) -> None:
        figure = f.ServedAgain(cohorts=("users",), during="step", backend="be-1")
        attempts = (attempt(3, backend="be-2"), attempt(5, backend="be-1"))

        seen = read(figure, source(*attempts, events=(FAULT,)))
        assert (seen.low, seen.high) == (EXACT(3.01), EXACT(3.011))

        with pytest.raises(NoEvidence, match="be-1 served nobody"):
            read(figure, source(attempts[0], events=(FAULT,)))


class TestRoutes:
    ROUTE: ClassVar = {"router": "transit-a", "prefix": "198.51.100.0/24"}

    def moved(self, at_s: float, node: str = "transit-a") -> Event:
        detail = {"prefix": "198.51.100.0/24", "change": "changed", "via": []}
        return Event(
            at_ns=int(at_s * NS), kind=EventKind.ROUTE, node=node, detail=detail
        )

    SILENT = Event(
        at_ns=int(1.99 * NS),
        kind=EventKind.SILENCE,
        node="edge",
        uncertainty_ns=NS // 100,
        detail={"label": FAULT.detail["label"]},
    )

    def test_the_first_change_after_the_fault_counts(self) -> None:
        events = (
            FAULT,
            self.SILENT,
            self.moved(1.5),
            self.moved(2.1, "transit-b"),
            self.moved(2.5),
            self.moved(3.0),
        )
        seen = read(f.RouteMoved(**self.ROUTE), source(events=events))
        # It is the routers' silence from which their neighbours count.
        assert (seen.low, seen.high) == (EXACT(0.51), EXACT(0.52))

    def test_where_several_next_hops_die_the_last_change_of_theirs_counts(self) -> None:
        undone = replace(FAULT, at_ns=5 * NS, kind=EventKind.RESTORE)
        moved = (self.moved(2.4), self.moved(2.5), self.moved(2.9))
        figure = f.RouteMoved(changes=2, **self.ROUTE)
        before = source(events=(FAULT, self.SILENT, *moved, undone))
        # Two that came as one, and what comes of the undoing.
        at_once = source(
            events=(FAULT, self.SILENT, self.moved(2.5), undone, self.moved(6))
        )
        assert read(figure, before).low == EXACT(0.51)
        assert read(figure, at_once).low == EXACT(0.51)

    def test_when_the_routers_fell_silent_must_be_known(self) -> None:
        with pytest.raises(NoEvidence, match="fell silent"):
            read(f.RouteMoved(**self.ROUTE), source(events=(FAULT, self.moved(2.5))))

    def test_a_fault_that_leaves_routers_well_counts_itself(self) -> None:
        events = (FAULT, self.moved(1.5), self.moved(2.5), self.moved(3.0))
        seen = read(f.RouteLeft(**self.ROUTE), source(events=events))
        assert (seen.low, seen.high) == (EXACT(0.5), EXACT(0.501))

    def test_a_route_that_stays_is_no_evidence(self) -> None:
        kept = (FAULT, self.SILENT, self.moved(1.5))
        with pytest.raises(NoEvidence, match="kept its route"):
            read(f.RouteMoved(**self.ROUTE), source(events=kept))

    def gone(self, *events: Event) -> Seen:
        figure = f.WithoutRoute(during="step", **self.ROUTE)
        return read(figure, source(events=(FAULT, *events)))

    def change(self, at_s: float, change: str, node: str = "transit-a") -> Event:
        event = self.moved(at_s, node)
        return replace(event, detail={**event.detail, "change": change})

    def test_from_its_removal_to_its_return_there_is_no_route(self) -> None:
        other = self.change(2.1, "removed", "transit-b")
        seen = self.gone(self.change(2.1, "removed"), other, self.change(2.25, "added"))
        assert (seen.low, seen.high) == (EXACT(0.15), EXACT(0.15))

    def test_a_route_that_is_replaced_is_never_gone(self) -> None:
        seen = self.gone(self.moved(2.1))
        assert (seen.low, seen.high) == (0, 0)

    def test_a_route_that_does_not_return_is_gone_to_the_end(self) -> None:
        before = self.change(1.0, "removed")
        assert self.gone(before, self.change(2.5, "removed")).low == EXACT(11 - 2.5)

    def test_without_news_of_routes_none_was_missed_by_nobody(self) -> None:
        with pytest.raises(NoEvidence, match="no router told"):
            self.gone()

    def test_changes_within_a_step_are_counted(self) -> None:
        events = (self.moved(0.5), self.moved(2), self.moved(9, "transit-b"))
        figure = f.RouteChanges(during="step", **self.ROUTE)
        assert read(figure, source(events=events)).low == 1
        assert read(figure, source(events=events[:1])).low == 0

    def test_without_any_news_of_routes_none_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="no router told"):
            read(f.RouteChanges(during="step", **self.ROUTE), source())

    def test_who_follows_it_first(self) -> None:
        seen = source(
            attempt(2.2),
            attempt(2.4, outcome=Outcome.FAIL, took_s=0.8),
            attempt(2.6, took_s=0.16),
            events=(FAULT, self.moved(2.5)),
        )
        figure = f.GoodAfterRoute(cohorts=("users",), during="step", **self.ROUTE)
        assert read(figure, seen).low == EXACT(0.26)

    def test_nobody_who_follows_is_no_evidence(self) -> None:
        seen = source(attempt(2.2), events=(FAULT, self.moved(2.5)))
        figure = f.GoodAfterRoute(cohorts=("users",), during="step", **self.ROUTE)
        with pytest.raises(NoEvidence, match="no attempt worked"):
            read(figure, seen)


class TestUndivided:
    FIGURE = f.Undivided(cohorts=("users", "others"), during="step")

    def test_counts_resolvers_whose_users_used_one_address(self) -> None:
        others = replace(COHORT, name="others", resolver="us-bind")
        seen = source(
            attempt(2),
            attempt(3, client="users#2", outcome=Outcome.FAIL),
            replace(attempt(2), cohort="others"),
            replace(attempt(3, address=EU), cohort="others"),
        )
        cohorts = {"users": COHORT, "others": others}

        assert read(self.FIGURE, replace(seen, cohorts=cohorts)).low == 0.5

    def test_nobody_with_an_answer_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="used an answer"):
            read(self.FIGURE, source(replace(attempt(2), tries=())))


class TestGreatest:
    def test_is_the_greatest_of_all(self) -> None:
        shares = tuple(f.AnswerShare(ask="burst", addresses=(a,)) for a in (EU, US))
        assert read(f.Greatest(of=shares), burst()).low == 0.9


class TestBursts:
    def test_share_of_first_addresses(self) -> None:
        seen = read(f.AnswerShare(ask="burst", addresses=(EU,)), burst())
        assert seen.low == seen.high == EXACT(0.1)

    def test_an_address_that_should_never_come_leaves_no_chance(self) -> None:
        figure = f.AnswerP(ask="burst", shares=((US, 1.0),))
        assert read(figure, burst()) == Seen(low=0.0, high=0.0)

    def test_rotation_counts_moves_between_answers(self) -> None:
        assert read(f.Rotation(ask="burst"), burst()).low == EXACT(2 / 9)

    def test_scopes_that_differ_are_an_interval(self) -> None:
        figure = f.AnswerScope(ask="burst")
        seen = read(figure, burst(scopes={"20": 5, "24": 5}))
        assert seen == Seen(low=20, high=24)

    def test_no_scope_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="scope"):
            read(f.AnswerScope(ask="burst"), burst())

    def test_unanswered_share(self) -> None:
        seen = read(f.Unanswered(ask="burst"), burst(answered=4))
        assert seen.low == EXACT(0.6)

    def test_too_few_answers_are_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="too few"):
            read(f.AnswerShare(ask="burst", addresses=(US,)), burst(answered=1))

    def test_unknown_burst_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="other"):
            read(f.Rotation(ask="other"), burst())

    def test_stays_count_between_the_questions_around_them(self) -> None:
        runs = [
            stay(US, first_s=1, last_s=4),
            stay(EU, first_s=5, last_s=8),
            stay(US, first_s=9, last_s=11),
        ]
        seen = read(f.AnsweredFor(ask="burst", addresses=(EU,)), burst(runs=runs))
        assert seen == Seen(low=3.0, high=5.0)

    def test_leaving_lies_between_the_last_answer_with_it_and_the_next(self) -> None:
        runs = [stay(US, first_s=1, last_s=6), stay(EU, first_s=7, last_s=11)]
        seen = read(f.LeftAfter(ask="burst", address=US), burst(runs=runs))
        assert (seen.low, seen.high) == (4.0, EXACT(5.001))

    def test_an_address_that_never_leaves_does_so_at_no_time(self) -> None:
        runs = [stay(US, first_s=1, last_s=11)]
        seen = read(f.LeftAfter(ask="burst", address=US), burst(runs=runs))
        assert math.isinf(seen.low)

    def test_order_alone_is_no_change(self) -> None:
        runs = [
            stay(US, EU, first_s=1, last_s=2),
            stay(EU, US, first_s=3, last_s=4),
            stay(EU, first_s=5, last_s=6),
        ]
        assert read(f.Changes(ask="burst"), burst(runs=runs)).low == 1


class TestAuthorities:
    def test_queries_count_within_the_step_and_by_resolver(self) -> None:
        events = (
            query(0.5, "us-honest"),
            query(2, "us-honest"),
            query(3, "public"),
            query(4, "us-honest"),
            CAPTURED,
        )
        figure = f.Upstream(qname="even", during="step", resolver="us-honest")
        assert read(figure, source(events=events)).low == 2

    def test_without_a_capture_no_query_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="captured"):
            read(f.Upstream(qname="even", during="step"), source())

    def test_subnets_are_counted_once_each_and_prefixes_compared(self) -> None:
        subnets = ("198.18.40.0/24", "198.18.40.0/24", "198.18.41.0/20", "")
        events = (*(query(2, "public", subnet) for subnet in subnets), CAPTURED)
        seen = source(events=events)
        assert read(f.SubnetsTold(qname="even", during="step"), seen).low == 2
        assert read(f.PrefixTold(qname="even", during="step"), seen).low == 24
        known = ("198.18.40.0/24", "198.18.99.0/24")
        figure = f.SubnetsTold(qname="even", during="step", among=known)
        assert read(figure, seen).low == 1

    @pytest.mark.parametrize(("provider", "count"), [("a", 1), ("b", 0), ("", 1)])
    def test_what_another_authority_was_told_does_not_count(
        self, provider: str, count: int
    ) -> None:
        told = replace(query(2, "public", "198.18.40.0/24"), node="a")
        figure = f.SubnetsTold(qname="even", during="step", provider=provider)
        assert read(figure, source(events=(told, CAPTURED))).low == count

    def test_a_capture_without_dns_proves_nothing(self) -> None:
        empty = Event(at_ns=0, kind=EventKind.CARRIED, detail={"dns": 0, "foreign": 0})
        with pytest.raises(NoEvidence, match="no DNS"):
            read(f.Foreign(), source(events=(CAPTURED, empty)))

    def test_foreign_packets_add_up(self) -> None:
        other = Event(at_ns=0, kind=EventKind.CARRIED, detail={"dns": 1, "foreign": 3})
        assert read(f.Foreign(), source(events=(CAPTURED, other))).low == 3


class TestUsers:
    FAILED = Outcome.FAIL

    def test_attempts_outside_the_step_do_not_count(self) -> None:
        seen = source(attempt(0.5), attempt(2), attempt(12))
        assert read(f.Requests(cohorts=("users",), during="step"), seen).low == 1

    def test_no_attempt_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="no attempt"):
            read(f.Requests(cohorts=("users",), during="step"), source())

    def test_unknown_outcomes_widen_the_failed_share(self) -> None:
        seen = source(
            attempt(2),
            attempt(3, outcome=self.FAILED),
            attempt(4, outcome=Outcome.INFO),
        )
        figure = f.FailedShare(cohorts=("users",), during="step")
        assert read(figure, seen) == Seen(low=EXACT(1 / 3), high=EXACT(2 / 3))

    def test_failures_count_from_the_step_of_the_fault_on(self) -> None:
        fault = Event(
            at_ns=NS // 2,
            kind=EventKind.PHASE,
            detail={"phase": "x", "label": "fault"},
        )
        failed = (attempt(at_s, outcome=self.FAILED) for at_s in (0.1, 0.6, 0.999, 3))
        seen = source(*failed, attempt(4, outcome=Outcome.INFO), events=(fault,))
        figure = f.Failures(cohorts=("users",), during="step")
        assert read(figure, seen) == Seen(low=3, high=4)

    def test_failed_share_of_one_error(self) -> None:
        seen = source(
            attempt(2, outcome=self.FAILED, error="overload"),
            attempt(3, outcome=self.FAILED, error="read-timeout"),
        )
        figure = f.FailedShare(cohorts=("users",), during="step", error="overload")
        assert read(figure, seen).low == 0.5

    def test_of_attempts_just_after_a_fault_some_failed(self) -> None:
        seen = source(
            attempt(1.9, outcome=self.FAILED),
            attempt(2.1, outcome=self.FAILED, took_s=0.8),
            attempt(2.2),
            attempt(2.3),
            attempt(2.35, outcome=Outcome.INFO),
            attempt(2.4, outcome=self.FAILED),
            events=(FAULT,),
        )
        figure = f.FailedWithin(cohorts=("users",), fault="fault", within_s=0.4)
        assert read(figure, seen) == Seen(low=0.25, high=0.5)

    def test_no_attempt_just_after_a_fault_is_no_evidence(self) -> None:
        figure = f.FailedWithin(cohorts=("users",), fault="fault", within_s=0.4)
        with pytest.raises(NoEvidence, match=r"no attempt began in 0\.4 s of fault"):
            read(figure, source(attempt(3), events=(FAULT,)))

    def test_failures_at_a_node_count_from_the_fault(self) -> None:
        failed = replace(attempt(2.5, outcome=Outcome.FAIL), l7="l7-1")
        attempts = (
            replace(failed, end_ns=failed.end_ns - NS),
            failed,
            replace(failed, l7="l7-2"),
            attempt(3, outcome=Outcome.INFO),
            attempt(4),
            replace(failed, end_ns=12 * NS),
        )
        figure = f.FailuresAt(cohorts=("users",), during="step", l7="l7-1")
        seen = read(figure, source(*attempts, events=(FAULT,)))
        assert seen == Seen(low=1, high=2)

    @pytest.mark.parametrize(("by", "share"), [("dns", 0.25), ("l4", 0.5), ("l7", 1)])
    def test_each_layer_decides_in_its_own_time(
        self, by: Literal["dns", "l4", "l7"], share: float
    ) -> None:
        def led(source: str, at_s: float) -> Attempt:
            made = replace(attempt(at_s), l7="l7-1")
            assert made.answer is not None
            return replace(made, answer=replace(made.answer, source=source))

        words = ("resolver", "stub", "connection", "connection")
        attempts = (led(word, at_s) for at_s, word in enumerate(words, start=2))
        figure = f.Decided(cohorts=("users",), during="step", by=by)
        assert read(figure, source(*attempts)) == Seen(low=share, high=share)

    def test_of_several_addresses_tried_the_last_one_answered(self) -> None:
        rescued = (Try(address=EU, error="refused"), Try(address=US))
        attempts = (
            attempt(2, address=EU, outcome=Outcome.FAIL),
            attempt(3, address=EU),
            attempt(4, tries=rescued),
        )
        figure = f.AnsweredAt(cohorts=("users",), during="step", address=EU)
        assert read(figure, source(*attempts)) == Seen(low=0.5, high=0.5)
        with pytest.raises(NoEvidence, match="nobody tried"):
            read(replace(figure, address="10.0.0.1"), source(*attempts))

    def test_who_ended_tls_is_whom_the_certificate_names(self) -> None:
        figure = f.TlsEnded(cohorts=("users",), during="step", nodes=("l7-1", "l7-2"))
        shown = [replace(attempt(2), certified="l7-2"), attempt(3)]
        assert read(figure, source(*shown)).low == 0.5
        assert read(replace(figure, nodes=("l4-1",)), source(*shown)).high == 0
        with pytest.raises(NoEvidence, match="a certificate"):
            read(figure, source(attempt(2)))

    def test_served_share_of_one_node_passing_it_on(self) -> None:
        attempts = (replace(attempt(2), l7="l7-1"), replace(attempt(3), l7="l7-2"))
        figure = f.ServedShare(cohorts=("users",), during="step", l7="l7-1")
        assert read(figure, source(*attempts)).low == 0.5

    def test_served_share_is_of_the_good_replies(self) -> None:
        seen = source(
            attempt(2), attempt(3, region="eu-west"), attempt(4, outcome=self.FAILED)
        )
        figure = f.ServedShare(cohorts=("users",), during="step", region="us-east")
        assert read(figure, seen).low == 0.5

    def test_of_each_client_the_first_choice_counts(self) -> None:
        again = [attempt(2 + i, client="users#1") for i in range(5)]
        seen = source(*again, attempt(2, client="users#2", region="eu-west"))
        figure = f.ServedP(
            cohorts=("users",),
            during="step",
            shares=(("us-east", 0.5), ("eu-west", 0.5)),
        )
        assert read(figure, seen).low == EXACT(1.0)

    def test_spread_is_between_whole_windows(self) -> None:
        seen = source(
            attempt(2), attempt(6.5, region="eu-west"), attempt(10.9, region="eu-west")
        )
        figure = f.ServedSpread(
            cohorts=("users",), during="step", region="us-east", window_s=4
        )
        assert read(figure, seen).low == 1.0

    def test_unanimity_is_within_one_cached_answer(self) -> None:
        seen = source(
            attempt(2, received_s=1, ttl_s=4),
            attempt(2, received_s=1.5, ttl_s=4, client="users#2"),
            attempt(6, received_s=6, ttl_s=4, address=EU),
        )
        figure = f.Unanimity(cohorts=("users",), during="step")
        assert read(figure, seen).low == 1.0

    def test_unanimity_falls_where_the_same_life_has_two_answers(self) -> None:
        seen = source(attempt(2, received_s=1), attempt(2, received_s=1, address=EU))
        figure = f.Unanimity(cohorts=("users",), during="step")
        assert read(figure, seen).low == 0.5

    def test_the_greatest_part_follows_the_answer_that_most_used(self) -> None:
        seen = source(
            *(attempt(2 + k, received_s=1, ttl_s=4) for k in range(3)),
            attempt(7, received_s=6, ttl_s=4),
        )
        figure = f.GreatestPart(cohorts=("users",), during="step")
        assert read(figure, seen).low == 0.75

    def test_nobody_who_used_an_answer_is_no_evidence(self) -> None:
        unanswered = replace(attempt(2), answer=None)
        for figure in (f.GreatestPart, f.Unanimity):
            with pytest.raises(NoEvidence, match="used an answer"):
                read(figure(cohorts=("users",), during="step"), source(unanswered))

    def test_oldest_answer(self) -> None:
        seen = source(attempt(2, received_s=1), attempt(9, received_s=1))
        assert read(f.OldestAnswer(cohorts=("users",), during="step"), seen).low == 8

    def test_rescued_attempts_alone(self) -> None:
        tried = (Try(address=US, error="connect-timeout"), Try(address=EU))
        seen = source(attempt(2), attempt(3, tries=tried, took_s=0.3))
        figure = f.AttemptTime(
            cohorts=("users",), during="step", percent=50, rescued=True
        )
        assert read(figure, seen).low == EXACT(0.3)

    def test_last_failure_counts_from_the_fault(self) -> None:
        seen = source(
            attempt(3, outcome=self.FAILED),
            attempt(7, outcome=self.FAILED),
            attempt(8),
            events=(FAULT,),
        )
        figure = f.LastFailure(cohorts=("users",), during="step")
        assert read(figure, seen) == Seen(low=5.0, high=EXACT(5.001))

    def test_no_failure_is_a_last_one_at_the_fault(self) -> None:
        figure = f.LastFailure(cohorts=("users",), during="step")
        assert read(figure, source(attempt(3), events=(FAULT,))).low == 0.0

    def test_irrevocable_counts_from_the_last_verdict(self) -> None:
        verdicts = tuple(
            Event(
                at_ns=at_s * NS,
                kind=EventKind.HEALTH,
                node=node,
                detail={"target": "us-east", "state": "down"},
            )
            for node, at_s in (("provider-a", 3), ("provider-b", 5))
        )
        seen = source(attempt(9, outcome=self.FAILED), events=verdicts)
        figure = f.Irrevocable(cohorts=("users",), during="step", region="us-east")
        assert read(figure, seen).low == 4.0

    def test_peak_counts_each_asker_once(self) -> None:
        seen = source(
            attempt(2.0, received_s=2.0),
            attempt(2.5, received_s=2.0),
            attempt(2.9, received_s=2.9, client="users#2"),
            attempt(4.0, received_s=4.0, client="users#3"),
        )
        assert read(f.PeakAskers(cohorts=("users",), during="step"), seen).low == 2

    def test_peak_of_first_questions_leaves_later_ones_out(self) -> None:
        asked = (("users#1", 2.0), ("users#2", 5.0), ("users#1", 5.5), ("users#3", 8.0))
        seen = source(
            *(attempt(at_s, received_s=at_s, client=who) for who, at_s in asked)
        )
        figure = f.PeakAskers(cohorts=("users",), during="step")

        assert read(figure, seen).low == 2
        assert read(replace(figure, first=True), seen).low == 1


class TestPeakArrivals:
    FIGURE = f.PeakArrivals(cohorts=("users",), address=EU)

    def test_each_client_comes_once_and_only_after_the_fault(self) -> None:
        seen = source(
            attempt(1.9, address=EU, client="users#0"),  # before
            attempt(3.0, address=EU),
            attempt(3.4, address=EU),  # again
            attempt(3.9, address=EU, client="users#2"),
            attempt(4.2, address=EU, client="users#3"),
            attempt(3.5, address=US, client="users#4"),  # elsewhere
            events=(FAULT,),
        )
        assert read(self.FIGURE, seen) == Seen(low=2, high=2)

    def test_who_was_refused_there_has_come(self) -> None:
        refused = attempt(3.0, address=EU, outcome=Outcome.FAIL, error="overload")
        assert read(self.FIGURE, source(refused, events=(FAULT,))).low == 1

    def test_that_nobody_came_is_no_peak(self) -> None:
        with pytest.raises(NoEvidence, match="nobody came"):
            read(self.FIGURE, source(attempt(3.0), events=(FAULT,)))


class TestPeakResolvers:
    FIGURE = f.PeakResolvers(qname="even", during="step")

    def test_is_of_the_fullest_second(self) -> None:
        asked = [
            query(at_s, resolver)
            for at_s, resolver in ((2.0, "a"), (3.5, "a"), (3.6, "b"), (4.4, "c"))
        ]
        assert read(self.FIGURE, source(events=(*asked, CAPTURED))).low == 3

    def test_who_asks_again_for_want_of_a_reply_counts_once(self) -> None:
        asked = (query(2.0, "a"), query(2.4, "a"))
        assert read(self.FIGURE, source(events=(*asked, CAPTURED))).low == 1


class TestLastSent:
    FIGURE = f.LastSent(cohorts=("users",), during="step", address=US)

    def test_counts_whoever_tried_the_address_whatever_came_of_it(self) -> None:
        rescued = attempt(
            5.0,
            address=EU,
            tries=(Try(address=US, error="connect-timeout"), Try(address=EU)),
        )
        seen = source(attempt(3.0), rescued, attempt(6.0, address=EU), events=(FAULT,))
        assert read(self.FIGURE, seen).low == EXACT(3.0)
        assert read(self.FIGURE, seen).high == EXACT(3.001)

    def test_nobody_is_nothing(self) -> None:
        seen = source(attempt(3.0, address=EU), events=(FAULT,))
        assert read(self.FIGURE, seen).low == 0.0


class TestOutage:
    LOST: ClassVar = {
        "users": {Cause.DETECTION: 2.0, Cause.SERVE_STALE: 1.0},
        "others": {Cause.DETECTION: 4.0},
    }

    def lost(self, *cohorts: str, cause: str = "") -> float:
        seen = replace(source(), outage_s=self.LOST)
        return read(f.Outage(cohorts=cohorts, cause=cause), seen).low

    def test_is_the_sum_of_its_causes(self) -> None:
        assert self.lost("users") == 3.0
        assert self.lost("users", cause="serve-stale") == 1.0

    def test_each_cohort_counts_alike(self) -> None:
        assert self.lost("users", "others", cause="detection") == 3.0
        assert self.lost("users", "others", cause="serve-stale") == 0.5

    def test_where_nothing_died_nobody_can_tell(self) -> None:
        with pytest.raises(NoEvidence, match="nothing died"):
            read(f.Outage(cohorts=("users",)), source())


class TestNodes:
    def busiest(self, *looks: tuple[float, str, dict[str, float]]) -> float:
        events = tuple(
            Event(
                at_ns=int(at_s * NS),
                kind=EventKind.LOAD,
                detail={"phase": phase, "cpu_s": used},
            )
            for at_s, phase, used in looks
        )
        return read(f.Processor(nodes=("a", "b")), source(events=events)).low

    def test_processor_share_is_of_the_busiest_node_and_stretch(self) -> None:
        busiest = self.busiest(
            (1, "prime", {"a": 1.0, "b": 5.0}),
            (11, "ask", {"a": 2.0, "b": 5.5}),
            (16, "over", {"a": 2.1, "b": 8.0}),
        )
        assert busiest == EXACT(0.5)

    def test_a_stretch_of_less_than_five_seconds_is_joined_to_the_next(self) -> None:
        busiest = self.busiest(
            (1, "prime", {"a": 0.0, "b": 0.0}),
            (4, "observe", {"a": 1.5, "b": 0.0}),
            (11, "over", {"a": 2.5, "b": 0.0}),
        )
        assert busiest == EXACT(0.25)

    def test_if_all_are_shorter_the_longest_counts(self) -> None:
        busiest = self.busiest(
            (1, "observe", {"a": 0.0, "b": 0.0}),
            (4, "undo", {"a": 0.3, "b": 0.0}),
            (5, "observe", {"a": 0.3, "b": 0.0}),
            (6, "over", {"a": 0.9, "b": 0.0}),
        )
        assert busiest == EXACT(0.1)

    @pytest.mark.parametrize("phase", ["undo", "restore"])
    def test_that_daemons_start_anew_is_not_the_story(self, phase: str) -> None:
        busiest = self.busiest(
            (1, "observe", {"a": 0.0, "b": 0.0}),
            (6, phase, {"a": 0.5, "b": 0.0}),
            (12, "restored", {"a": 4.0, "b": 0.0}),
            (18, "over", {"a": 4.3, "b": 0.0}),
        )
        assert busiest == EXACT(0.1)

    def test_one_look_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="looked twice"):
            self.busiest((1, "prime", {"a": 1.0, "b": 5.0}))


class TestPassed:
    FIGURE = f.PassedBytes(nodes=("l4-1", "l4-2"))

    def look(self, at_s: float, **received: int) -> Event:
        nodes = {name.replace("_", "-"): count for name, count in received.items()}
        detail = {"received_bytes": nodes}
        return Event(at_ns=int(at_s * NS), kind=EventKind.LOAD, detail=detail)

    def test_bytes_are_shared_out_among_the_attempts_between_two_looks(self) -> None:
        looks = (
            self.look(1, l4_1=1000, l4_2=0, l7_1=0),
            self.look(9, l4_1=1300, l4_2=100, l7_1=9),
        )
        seen = source(attempt(2), attempt(3), attempt(9.5), events=looks)
        assert read(self.FIGURE, seen) == Seen(low=200, high=200)

        with pytest.raises(NoEvidence, match="an attempt"):
            read(self.FIGURE, source(events=looks))

    def test_that_nobody_looked_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="nobody looked"):
            read(self.FIGURE, source(attempt(2)))


class TestRatios:
    def test_of_two_figures(self) -> None:
        seen = source(attempt(2), attempt(3), events=(query(2, "us-honest"), CAPTURED))
        figure = f.Over(
            top=f.Requests(cohorts=("users",), during="step"),
            bottom=f.Upstream(qname="even", during="step"),
        )
        assert read(figure, seen).low == 2.0

    def test_by_nothing_is_no_evidence(self) -> None:
        figure = f.Over(
            top=f.Requests(cohorts=("users",), during="step"),
            bottom=f.Upstream(qname="even", during="step"),
        )
        with pytest.raises(NoEvidence):
            read(figure, source(attempt(2), events=(CAPTURED,)))
