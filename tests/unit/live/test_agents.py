"""Rules of `lab.live.agents` that need no agent."""

from __future__ import annotations

import json

import pytest

from lab.agent.plan import read_plan
from lab.errors import NotReady
from lab.history import Attempt, Outcome
from lab.live.agents import FirstReplies, watch_plan
from lab.scenario.model import Behaviour, Cohort
from tests.unit.worlds import quick

COHORT = Cohort(
    name="us/failover",
    access="access-us",
    resolver="us-honest",
    behaviour=Behaviour.PINNED,
    qname="failover",
    clients=2,
    interval_ms=100,
)


def attempt(client: str, outcome: Outcome, error: str = "") -> Attempt:
    return Attempt(
        client=client,
        cohort=COHORT.name,
        due_ns=0,
        start_ns=0,
        end_ns=1,
        outcome=outcome,
        error=error,
    )


class TestWatchPlan:
    def test_an_agent_can_read_it(self) -> None:
        topology = quick()

        told = watch_plan(topology, topology.access[0], (COHORT,))
        plan = read_plan(json.dumps(told))

        assert plan.sources == (str(topology.access[0].clients.address),)
        assert plan.resolvers == {"us-honest": "198.18.32.53"}
        assert plan.cohorts[0].name == COHORT.name

    def test_no_attempt_outlives_the_first_retransmission_of_its_syn(self) -> None:
        topology = quick()

        assert (
            watch_plan(topology, topology.access[0], (COHORT,))["connect_timeout_ms"]
            < 1000
        )


class TestFirstReplies:
    def test_every_client_must_have_had_one(self) -> None:
        first = FirstReplies((COHORT,))
        first.see(attempt("us/failover#1", Outcome.OK))
        first.see(attempt("us/failover#2", Outcome.OK))

        first.wait(0)

    def test_who_misses_is_named_with_the_last_error(self) -> None:
        first = FirstReplies((COHORT,))
        first.see(attempt("us/failover#1", Outcome.OK))
        first.see(attempt("us/failover#1", Outcome.OK))
        first.see(attempt("us/failover#2", Outcome.FAIL, "refused"))

        with pytest.raises(NotReady, match="us/failover: 1, last: refused"):
            first.wait(0)
