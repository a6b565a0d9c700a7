"""Rules of why an attempt failed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from lab.history import Answer, Attempt, Event, EventKind, History, Outcome, Try
from lab.judge.causes import Attribution, attribution, cause, failed_by_cause, outage_s
from lab.judge.timeline import NS, Window, records
from lab.scenario import in_front
from lab.scenario.model import Behaviour, Cause, Cohort, Fault, FaultKind
from lab.topology.front import GlobalL4
from lab.topology.loading import load
from lab.topology.profiles import Profile, apply
from tests.unit import worlds

TOPOLOGY = worlds.quick()  # ttl 12, clamp 24, stale answers for 6 s
DEAD, LIVE, VIP = "203.0.113.10", "203.0.113.138", "198.51.100.1"
FAULT_S = 10.0
PRIMED_S = 6.0
FAULT = Fault(kind=FaultKind.POWER_OFF, target="us-east", at_age_s=4)
WINDOW = Window(fault_ns=10 * NS, uncertainty_ns=0, death_ns=10 * NS, end_ns=60 * NS)


def cohort(resolver: str = "us-honest", qname: str = "failover") -> Cohort:
    return Cohort(
        name=f"{qname}/{resolver}",
        access="access-us",
        resolver=resolver,
        behaviour=Behaviour.FIRST_ADDRESS,
        qname=qname,
        clients=1,
        interval_ms=500,
    )


def answer(
    received_s: float, ttl_s: int, *, source: str = "stub", address: str = DEAD
) -> Answer:
    return Answer(
        source=source,
        addresses=(address,),
        ttl_s=ttl_s,
        received_ns=int(received_s * NS),
    )


def failed(
    of: Cohort,
    after_s: float,
    told: Answer | None,
    *,
    error: str = "unreachable",
    tries: tuple[str, ...] = (DEAD,),
) -> Attempt:
    """Return an attempt that failed `after_s` after the fault."""
    start_ns = int((FAULT_S + after_s) * NS)
    return Attempt(
        client=f"{of.name}#0",
        cohort=of.name,
        due_ns=start_ns,
        start_ns=start_ns,
        end_ns=start_ns + NS // 10,
        outcome=Outcome.FAIL,
        error=error,
        tries=tuple(Try(address=a, error=error) for a in tries),
        answer=told,
    )


def event(after_s: float, kind: EventKind, node: str, **detail: Any) -> Event:
    return Event(
        at_ns=int((FAULT_S + after_s) * NS), kind=kind, node=node, detail=detail
    )


def down(provider: str, after_s: float) -> Event:
    facts = {"target": "us-east", "state": "down"}
    return event(after_s, EventKind.HEALTH, provider, **facts)


def route(after_s: float, change: str, node: str = "transit-a") -> Event:
    facts = {"prefix": "198.51.100.0/24", "change": change}
    return event(after_s, EventKind.ROUTE, node, **facts)


DECIDED = (down("provider-a", 1.0), down("provider-b", 4.0))


def known(
    *attempts: Attempt, of: Cohort, events: tuple[Event, ...] = DECIDED
) -> Attribution:
    """Return what is known in a run in which all caches were primed at 6 s."""
    primed = replace(
        failed(of, PRIMED_S - FAULT_S, answer(PRIMED_S, life(of), source="resolver")),
        outcome=Outcome.OK,
    )
    history = History(events=events, attempts=(primed, *attempts))
    return attribution(TOPOLOGY, FAULT, history, WINDOW, [of])


def life(of: Cohort) -> int:
    return 24 if of.resolver == "us-clamping" else 12


def why(of: Cohort, attempt: Attempt, events: tuple[Event, ...] = DECIDED) -> Cause:
    return cause(known(attempt, of=of, events=events), of, attempt)


class TestSeveralAddresses:
    def test_the_one_that_is_mended_first_is_the_one_to_blame(self) -> None:
        of, told = cohort(), answer(PRIMED_S, 12)
        routes = (*DECIDED, route(0.5, "removed"), route(0.6, "added"))
        attempt = failed(of, 0.2, told, tries=(VIP, DEAD))

        assert why(of, attempt, routes) is Cause.WITHDRAWAL


class TestBalancerInFront:
    FRONT = GlobalL4.model_validate(
        {
            "name": "front",
            "transit": "transit-a",
            "address": "198.18.0.80",
            "regions": ["us-east", "eu-west"],
        }
    )

    def why(self, after_s: float) -> Cause:
        of = cohort()
        attempt = failed(of, after_s, answer(PRIMED_S, 12), tries=("198.18.0.80",))
        of_all = known(attempt, of=of)
        topology = TOPOLOGY.model_copy(update={"global_l4": self.FRONT})
        return cause(replace(of_all, topology=topology), of, attempt)

    def test_it_detects_for_as_long_as_its_looks_may_need(self) -> None:
        decides = in_front.detection(TOPOLOGY.timers, round_trip_s=0.08)

        assert self.why(0.2) is Cause.DETECTION
        assert self.why(decides.high_s - 0.01) is Cause.DETECTION
        assert self.why(decides.high_s + 0.01) is Cause.OTHER


class TestUnicast:
    def test_detection_until_the_last_provider_decided(self) -> None:
        of = cohort()
        told = answer(PRIMED_S, 12)

        assert why(of, failed(of, 0.2, told)) is Cause.DETECTION
        assert why(of, failed(of, 3.9, told)) is Cause.DETECTION
        assert why(of, failed(of, 4.1, told)) is Cause.RESOLVER_CACHE

    def test_answer_of_the_slower_provider_is_detection_until_it_decides(self) -> None:
        of = cohort()
        from_b = answer(FAULT_S + 2, 12, source="resolver")

        assert why(of, failed(of, 3.0, from_b)) is Cause.DETECTION
        assert why(of, failed(of, 9.0, from_b)) is Cause.RESOLVER_CACHE

    def test_detection_for_ever_if_a_provider_never_decides(self) -> None:
        of = cohort()
        late = failed(of, 30, answer(FAULT_S + 29, 12))

        assert why(of, late, DECIDED[:1]) is Cause.DETECTION

    def test_attempt_under_way_at_the_fault_is_detection(self) -> None:
        of = cohort()

        assert why(of, failed(of, -0.3, answer(PRIMED_S, 12))) is Cause.DETECTION

    def test_failure_while_the_region_was_well_is_other(self) -> None:
        of = cohort()

        assert why(of, failed(of, -2, answer(PRIMED_S, 12))) is Cause.OTHER

    def test_clamp_holds_beyond_the_published_ttl(self) -> None:
        of = cohort("us-clamping")
        told = answer(PRIMED_S, 24)

        assert why(of, failed(of, 8.0, told)) is Cause.RESOLVER_CACHE
        assert why(of, failed(of, 9.5, told)) is Cause.RESOLVER_CLAMP

    def test_answer_told_after_its_end_is_stale(self) -> None:
        of = cohort("us-stale")
        stale = answer(PRIMED_S + 12.5, 6, source="resolver")

        assert why(of, failed(of, 8.5, stale)) is Cause.SERVE_STALE

    def test_low_ttl_before_its_end_is_not_stale(self) -> None:
        of = cohort("us-stale")
        rest = answer(PRIMED_S + 8, 4, source="resolver")

        assert why(of, failed(of, 5.0, rest)) is Cause.RESOLVER_CACHE

    def test_answer_with_ttl_0_is_still_in_the_cache(self) -> None:
        of = cohort()
        last_second = answer(PRIMED_S + 12.4, 0, source="resolver")

        assert why(of, failed(of, 8.4, last_second)) is Cause.RESOLVER_CACHE

    def test_pinned_client_holds_on_beyond_its_own_ttl(self) -> None:
        of = cohort()

        assert why(of, failed(of, 6, answer(PRIMED_S, 12))) is Cause.RESOLVER_CACHE
        assert (
            why(of, failed(of, 20, answer(PRIMED_S, 12, source="pin")))
            is Cause.CLIENT_PIN
        )

    def test_connection_kept_beyond_the_ttl_is_a_pin(self) -> None:
        of = cohort()
        kept = answer(PRIMED_S, 12, source="connection")
        end_s = PRIMED_S + 12 - FAULT_S

        assert why(of, failed(of, end_s - 0.1, kept)) is Cause.RESOLVER_CACHE
        assert why(of, failed(of, end_s, kept)) is Cause.CLIENT_PIN
        assert why(of, failed(of, 2, kept)) is Cause.DETECTION

    def test_honest_resolver_beyond_the_ttl_is_other(self) -> None:
        of = cohort()
        overlong = answer(PRIMED_S, 24)

        assert why(of, failed(of, 15, overlong)) is Cause.OTHER


class TestAnycast:
    OF = cohort(qname="anycast")

    def hit(self, after_s: float) -> Attempt:
        return failed(self.OF, after_s, answer(PRIMED_S, 12, address=VIP), tries=(VIP,))

    @pytest.mark.parametrize("after_s", [-0.1, 0.1, 0.44])
    def test_withdrawal_until_the_route_has_moved(self, after_s: float) -> None:
        moved = (route(0.45, "changed"),)

        assert why(self.OF, self.hit(after_s), moved) is Cause.WITHDRAWAL

    def test_withdrawal_while_other_routers_still_move(self) -> None:
        moves = (route(0.45, "changed"), route(0.6, "changed", "transit-b"))

        assert why(self.OF, self.hit(0.5), moves) is Cause.WITHDRAWAL
        assert why(self.OF, self.hit(0.7), moves) is Cause.OTHER

    def test_no_path_while_the_route_is_gone(self) -> None:
        gap = (route(0.45, "removed"), route(0.6, "added"))

        assert why(self.OF, self.hit(0.4), gap) is Cause.WITHDRAWAL
        assert why(self.OF, self.hit(0.5), gap) is Cause.NO_PATH

    def test_without_any_route_event_nobody_can_tell(self) -> None:
        assert why(self.OF, self.hit(0.1), ()) is Cause.OTHER


class TestAnyAddress:
    def test_refusal_for_load_is_overload(self) -> None:
        of = cohort()
        refused = failed(of, 9, answer(PRIMED_S, 12), error="overload", tries=(LIVE,))

        assert why(of, refused) is Cause.OVERLOAD

    def test_live_address_that_fails_too_is_the_culprit(self) -> None:
        of = cohort(qname="rr")
        told = answer(PRIMED_S, 12)
        both = failed(of, 1, told, error="connect-timeout", tries=(DEAD, LIVE))
        cut_off = failed(of, 1, told, tries=(DEAD, LIVE))

        assert why(of, both) is Cause.OTHER
        assert why(of, cut_off) is Cause.NO_PATH

    def test_try_that_was_called_off_is_nobodys_fault(self) -> None:
        of = cohort()
        lost = failed(of, 6, answer(PRIMED_S, 12), error="read-timeout")
        called_off = Try(address=LIVE, error="cancelled")
        raced = replace(lost, tries=(called_off, *lost.tries))

        assert why(of, raced) is Cause.RESOLVER_CACHE

    def test_name_that_did_not_resolve_is_other(self) -> None:
        of = cohort()

        assert (
            why(of, failed(of, 1, None, error="dns-timeout", tries=())) is Cause.OTHER
        )


class TestOutage:
    def outage(self, window: Window = WINDOW) -> dict[Cause, float]:
        of = cohort()
        told = answer(PRIMED_S, 12)
        lost = [failed(of, s / 2 + 0.25, told) for s in range(12)]  # to 5.75 s
        good = [
            replace(failed(of, s / 2 + 6.25, None), outcome=Outcome.OK)
            for s in range(90)
        ]
        history = History(events=DECIDED, attempts=(*lost, *good))
        record = records([of], history, window)[of.name]
        explained = attribution(TOPOLOGY, FAULT, history, window, [of])

        assert failed_by_cause(explained, record).total() == 12
        return outage_s(explained, record)

    def test_causes_sum_to_the_recovery(self) -> None:
        causes = self.outage()

        assert causes == {
            Cause.DETECTION: pytest.approx(4.25),
            Cause.RESOLVER_CACHE: pytest.approx(2.0),
        }
        assert math.isclose(sum(causes.values()), 6.25)

    def test_time_before_the_stop_of_a_drain_is_no_outage(self) -> None:
        drained = replace(WINDOW, fault_ns=0)  # the drain began 10 s before

        assert sum(self.outage(drained).values()) == pytest.approx(6.25)


class TestHybrid:
    ADDRESS, PREFIX = "198.18.68.1", "198.18.68.0/24"

    def why(self, after_s: float) -> Cause:
        """Return why an attempt failed; the route is gone from 0.4 to 1.5 s."""
        topology = apply(load(worlds.ROOT / "topologies/hybrids.yaml"), Profile.QUICK)
        of = cohort(qname="reactive")
        told = answer(PRIMED_S, 12, address=self.ADDRESS)
        attempt = failed(of, after_s, told, tries=(self.ADDRESS,))
        gone, back = (
            event(
                at_s,
                EventKind.ROUTE,
                "transit-us",
                prefix=self.PREFIX,
                change=change,
            )
            for at_s, change in ((0.4, "removed"), (1.5, "added"))
        )
        history = History(events=(gone, route(0.3, "changed"), back), attempts=())
        return cause(attribution(topology, FAULT, history, WINDOW, [of]), of, attempt)

    def test_its_own_route_decides_and_not_that_of_plain_anycast(self) -> None:
        assert self.why(0.35) is Cause.WITHDRAWAL
        assert self.why(0.5) is Cause.NO_PATH
        assert self.why(1.6) is Cause.OTHER
