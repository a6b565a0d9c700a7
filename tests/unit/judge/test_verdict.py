"""Rules of the verdict: a healthy lab passes, each way to be broken does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from lab.history import Attempt, Event, EventKind, History, Outcome
from lab.judge import checks
from lab.judge.model import CohortResult, ExpectationResult, Status, Verdict
from lab.judge.verdict import judge, status
from lab.scenario.model import RecoversWithin
from tests.unit import worlds
from tests.unit.judge.synthesise import NS, PRIMED_S, Physics, synthesise

QUICK = worlds.quick()
KINDS = ["power-off", "crash", "drain"]


@cache
def healthy(kind: str) -> History:
    return synthesise(QUICK, worlds.region_kill(QUICK, f"fault={kind}"))


def verdict(history: History, kind: str = "power-off") -> Verdict:
    return judge(QUICK, worlds.region_kill(QUICK, f"fault={kind}"), history)


def broken(kind: str = "power-off", **how: object) -> Verdict:
    physics = Physics(**how)  # type: ignore[arg-type]  # its own fields
    history = synthesise(QUICK, worlds.region_kill(QUICK, f"fault={kind}"), physics)
    return verdict(history, kind)


def failed(of: Verdict) -> set[str]:
    return {e.text for e in of.expectations if e.ok is False}


def unknown(of: Verdict) -> set[str]:
    return {e.text for e in of.expectations if e.ok is None}


def result(of: Verdict, text: str) -> ExpectationResult:
    return next(e for e in of.expectations if e.text.startswith(text))


def cohort(of: Verdict, name: str) -> CohortResult:
    return next(c for c in of.cohorts if c.cohort == name)


def without(
    history: History,
    *,
    events: Callable[[Event], bool] = lambda _: False,
    attempts: Callable[[Attempt], bool] = lambda _: False,
) -> History:
    """Return the history without some of its records."""
    return History(
        events=tuple(e for e in history.events if not events(e)),
        attempts=tuple(a for a in history.attempts if not attempts(a)),
    )


class TestHealthyLab:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("seed", range(2))
    def test_meets_every_expectation(self, kind: str, seed: int) -> None:
        seen = broken(kind, seed=seed)

        assert [e for e in seen.expectations if e.ok is not True] == []
        assert seen.status is Status.OK

    @pytest.mark.parametrize("kind", KINDS)
    def test_meets_them_with_the_real_timers(self, kind: str) -> None:
        real = worlds.real()
        scenario = worlds.region_kill(real, f"fault={kind}")
        decided = {"provider-a": 7.0, "provider-b": 23.0}
        history = synthesise(real, scenario, Physics(decided_s=decided))

        assert judge(real, scenario, history).status is Status.OK

    @pytest.mark.parametrize("age_s", [2, 8, 10])
    @pytest.mark.parametrize("decided_s", [(0.5, 1.8), (2.9, 5.9)])
    def test_meets_them_at_any_age_and_speed_of_detection(
        self, age_s: int, decided_s: tuple[float, float]
    ) -> None:
        scenario = worlds.region_kill(QUICK, f"age_s={age_s}")
        decided = dict(zip(("provider-a", "provider-b"), decided_s, strict=True))
        history = synthesise(QUICK, scenario, Physics(decided_s=decided))

        assert judge(QUICK, scenario, history).status is Status.OK

    def test_sums_causes_to_the_mean_outage(self) -> None:
        for c in verdict(healthy("power-off")).cohorts:
            if c.failed:
                assert c.recovery_s is not None
                assert c.clients <= 2  # so p50 and max give the mean
                mean_s = (c.recovery_s.p50 + c.recovery_s.max) / 2
                assert sum(c.causes.values()) == pytest.approx(mean_s, abs=0.001)
                assert sum(c.failed_by_cause.values()) == c.failed

    def test_tells_each_layer_of_the_outage(self) -> None:
        seen = verdict(healthy("power-off"))

        anycast = cohort(seen, "access-us/anycast/us-honest/first-address")
        clamped = cohort(seen, "access-eu/failover/eu-clamping/retry-next")
        pinned = cohort(seen, "access-us/failover/us-honest/pinned")
        assert set(anycast.causes) == {"withdrawal"}
        assert list(clamped.causes) == ["detection", "resolver-cache", "resolver-clamp"]
        assert list(pinned.causes) == ["detection", "resolver-cache", "client-pin"]

    def test_drained_region_costs_only_the_time_after_its_stop(self) -> None:
        seen = verdict(healthy("drain"), "drain")
        clamped = cohort(seen, "access-us/failover/us-clamping/first-address")

        assert clamped.first_fail_s is not None
        assert clamped.first_fail_s > 17.5
        assert sum(clamped.causes.values()) < 4


class TestBrokenLab:
    def test_resolver_that_asks_each_time_is_caught(self) -> None:
        assert {t for t in failed(broken(resolvers_cache=False)) if "cache" in t} >= {
            "us-honest answers failover from its cache before the fault",
            "public answers failover from its cache before the fault",
        }

    def test_clients_that_skip_all_caches_recover_too_early(self) -> None:
        seen = broken(resolvers_cache=False, stubs_cache=False)
        early = result(seen, "access-us/failover/us-honest/first-address")

        assert early.ok is False
        assert early.measured is not None
        assert early.low is not None
        assert early.measured < early.low

    def test_missing_clamp_is_caught(self) -> None:
        seen = failed(broken(clamps=False))

        assert any("us-clamping/first-address" in text for text in seen)

    def test_missing_clamp_is_caught_by_a_drain_too(self) -> None:
        seen = failed(broken("drain", clamps=False))

        assert any("us-clamping/retry-next: outlives" in text for text in seen)

    def test_missing_stale_answer_is_caught(self) -> None:
        assert failed(broken(serves_stale=False)) == {
            "us-stale: whoever asks first after the end is told stale",
            "eu-stale: whoever asks first after the end is told stale",
        }

    def test_missing_pin_is_caught(self) -> None:
        seen = failed(broken(pins=False))

        assert any("us-honest/pinned" in text for text in seen)

    @pytest.mark.parametrize("moves_s", [0.1, 3.0])
    def test_route_that_moves_too_early_or_late_is_caught(self, moves_s: float) -> None:
        seen = failed(broken(route_moves_s=moves_s))

        assert (
            "access-us/anycast/us-honest/pinned: the route moves to the next site"
            in (seen)
        )

    def test_drain_that_loses_anycast_clients_is_caught(self) -> None:
        seen = failed(broken("drain", anycast_drains_well=False))

        assert "access-us/anycast/us-honest/first-address: loses no attempt" in seen

    def test_slow_checker_is_caught(self) -> None:
        slow = {"provider-a": 1.0, "provider-b": 9.0}

        assert "provider-b (gdnsd) declares us-east down" in failed(
            broken(decided_s=slow)
        )

    def test_checker_that_skips_its_threshold_is_caught(self) -> None:
        hasty = {"provider-a": 1.0, "provider-b": 0.5}

        assert "provider-b (gdnsd) declares us-east down" in failed(
            broken(decided_s=hasty)
        )

    def test_retry_that_is_never_needed_is_caught(self) -> None:
        assert failed(broken(rotates=False)) == {
            "retry-next clients meet the dead address and work at the next one"
        }

    def test_server_short_of_time_is_caught(self) -> None:
        assert failed(broken(busy=0.3)) == {
            "busiest authority or resolver, share of a core"
        }

    def test_links_that_are_longer_than_declared_are_caught(self) -> None:
        assert failed(broken(links_are_as_declared=False)) == {
            "round trips that are not as links declare"
        }

    def test_failures_without_a_known_cause_are_caught(self) -> None:
        blind = without(
            healthy("power-off"), events=lambda e: e.kind is EventKind.ROUTE
        )

        assert any("without a known cause" in text for text in failed(verdict(blind)))


class TestMissingEvidence:
    def test_no_fault_event_makes_everything_unknown(self) -> None:
        seen = verdict(
            without(healthy("power-off"), events=lambda e: e.kind is EventKind.FAULT)
        )

        assert seen.status is Status.UNKNOWN
        assert {e.ok for e in seen.expectations} == {None}
        assert seen.fault_at_ns is None
        assert "no fault event" in seen.notes[0]

    def test_no_history_at_all_is_unknown(self) -> None:
        assert verdict(History(events=(), attempts=())).status is Status.UNKNOWN

    def test_cohort_without_attempts_is_unknown(self) -> None:
        name = "access-us/rr/us-honest/retry-next"
        seen = verdict(
            without(healthy("power-off"), attempts=lambda a: a.cohort == name)
        )

        assert f"{name}: loses no attempt" in unknown(seen)
        assert seen.status is Status.UNKNOWN

    def test_absent_client_is_unknown(self) -> None:
        name = "access-us/failover/us-honest/first-address"
        seen = verdict(
            without(healthy("power-off"), attempts=lambda a: a.client == f"{name}#1")
        )

        assert result(seen, name).ok is None
        assert "1 clients made no attempt" in result(seen, name).why

    def test_history_that_ends_early_is_unknown_for_what_was_to_come(self) -> None:
        cut_ns = int((PRIMED_S + 4 + 12) * NS)
        seen = verdict(
            without(healthy("power-off"), attempts=lambda a: a.start_ns > cut_ns)
        )

        assert result(seen, "access-us/failover/us-honest/first-address").ok is None
        assert result(seen, "access-us/failover/us-honest/pinned").ok is None

    def test_unknown_outcome_is_never_green(self) -> None:
        name = "access-eu/anycast/eu-honest/first-address"
        history = healthy("power-off")
        blurred = replace(
            history,
            attempts=tuple(
                replace(a, outcome=Outcome.INFO)
                if a.cohort == name and a.start_ns > (PRIMED_S + 20) * NS
                else a
                for a in history.attempts
            ),
        )

        assert result(verdict(blurred), name).ok is None

    def test_cohort_that_did_not_work_before_the_fault_is_unknown(self) -> None:
        name = "access-us/failover/us-honest/first-address"
        history = healthy("power-off")
        ill = replace(
            history,
            attempts=tuple(
                replace(a, outcome=Outcome.FAIL)
                if a.cohort == name and a.end_ns < (PRIMED_S + 4) * NS
                else a
                for a in history.attempts
            ),
        )

        assert "was not working" in result(verdict(ill), name).why

    def test_provider_without_a_health_event_is_unknown(self) -> None:
        deaf = without(
            healthy("power-off"), events=lambda e: e.kind is EventKind.HEALTH
        )

        assert "provider-a (pdns) declares us-east down" in unknown(verdict(deaf))

    def test_unproven_cache_is_unknown(self) -> None:
        unproven = without(
            healthy("power-off"), events=lambda e: e.kind is EventKind.CACHE_PROOF
        )

        assert (
            len([t for t in unknown(verdict(unproven)) if "from its cache" in t]) == 7
        )

    def test_caches_of_another_age_make_dns_bounds_unknown(self) -> None:
        unaged = without(
            healthy("power-off"), events=lambda e: e.kind is EventKind.PHASE
        )
        told = result(verdict(unaged), "access-us/failover/us-honest/first-address")

        assert (told.ok, told.measured, told.low) == (None, None, 6)
        assert "primed" in told.why

    def test_fault_at_a_vague_moment_cannot_meet_a_tight_bound(self) -> None:
        history = healthy("power-off")
        vague = replace(
            history,
            events=tuple(
                replace(e, uncertainty_ns=NS) if e.kind is EventKind.FAULT else e
                for e in history.events
            ),
        )
        told = result(verdict(vague), "access-us/anycast/us-honest/first-address")

        assert told.ok is None
        assert "is allowed" in told.why


class TestCrashes:
    def test_check_that_breaks_is_unknown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def breaks(expected: object, seen: object) -> None:
            raise ZeroDivisionError("oops")

        monkeypatch.setattr("lab.judge.verdict.check", breaks)
        seen = verdict(healthy("power-off"))

        assert seen.status is Status.UNKNOWN
        assert "ZeroDivisionError('oops')" in seen.expectations[0].why

    def test_judge_that_breaks_is_unknown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def breaks(*_: object) -> None:
            raise ZeroDivisionError("oops")

        monkeypatch.setattr("lab.judge.verdict.attribution", breaks)
        seen = verdict(healthy("power-off"))

        assert seen.status is Status.UNKNOWN
        assert "ZeroDivisionError('oops')" in seen.notes[0]

    def test_unheard_of_expectation_is_an_error_of_the_check(self) -> None:
        with pytest.raises(TypeError, match="no way to check"):
            checks.check("hope", None)  # type: ignore[arg-type]  # on purpose


class TestStatus:
    def results(self, *oks: bool | None) -> list[ExpectationResult]:
        return [
            ExpectationResult(
                text="", low=None, measured=None, high=None, ok=ok, why=""
            )
            for ok in oks
        ]

    @pytest.mark.parametrize(
        ("oks", "expected"),
        [
            ((True, True), Status.OK),
            ((True, None), Status.UNKNOWN),
            ((True, None, False), Status.FAILED),
            ((), Status.UNKNOWN),
        ],
    )
    def test_is_the_worst(self, oks: tuple[bool | None, ...], expected: Status) -> None:
        assert status(self.results(*oks)) is expected


class TestNotes:
    def test_tell_of_what_died_by_itself(self) -> None:
        history = healthy("power-off")
        died = Event(
            at_ns=1,
            kind=EventKind.DIED,
            node="us-honest",
            detail={"process": "unbound"},
        )
        seen = verdict(replace(history, events=(*history.events, died)))

        assert "unbound on us-honest died by itself" in seen.notes

    def test_tell_how_punctual_the_clients_were(self) -> None:
        assert (
            "99 of 100 attempts began less than 0.1 ms late"
            in verdict(healthy("power-off")).notes
        )


class TestBoundsAreTight:
    def test_honest_bound_is_narrower_than_four_seconds(self) -> None:
        for e in worlds.region_kill(QUICK).expectations:
            if isinstance(e, RecoversWithin) and "us-honest/first" in e.cohort:
                assert e.bound.high_s - e.bound.low_s <= 4
