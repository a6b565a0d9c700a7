"""Rules of `lab.live.agents` that need no agent."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from lab.agent.burst import Asked, Said, burst_facts
from lab.agent.commands import Ask, read_command
from lab.agent.plan import read_plan
from lab.errors import NotReady
from lab.history import Attempt, Outcome
from lab.live.agents import Agents, FirstReplies, watch_plan
from lab.live.channel import Channel
from lab.live.streams import STDOUT, Connection, OnData, OnEnd
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
    def test_there_is_a_source_in_each_subnet(self) -> None:
        topology = quick()
        access = topology.access[0]
        users = access.clients.model_copy(update={"subnets": 2})

        told = watch_plan(topology, access.model_copy(update={"clients": users}), ())

        first = access.clients.address
        assert told["sources"] == [str(first), str(first + 256)]

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


class Node:
    """A client node whose agent replies to each request with the same facts."""

    def __init__(self, **facts: object) -> None:
        self.asked: list[dict[str, Any]] = []
        self._facts = facts
        self.channel = Channel(
            "users-us",
            cast("Connection", self),
            listener=lambda _name, _message: None,
            kind_key="type",
        )
        self.channel.open(self._read)

    def _read(self, _: Connection, on_data: OnData, __: OnEnd) -> None:
        self._say = on_data

    def send(self, line: bytes) -> None:
        self.asked.append(json.loads(line))
        reply = {"type": "reply", "ok": True, "id": self.asked[-1]["id"], **self._facts}
        self._say(STDOUT, json.dumps(reply).encode() + b"\n")


class TestBurst:
    def test_an_agent_understands_it_and_is_understood(self) -> None:
        said = Said("", ("203.0.113.10",), 12)
        node = Node(**burst_facts([Asked(5, "", 1_000_005, said)]))
        agents = Agents((), {"access-us": node.channel})

        burst = agents.burst(
            "access-us",
            server="198.18.0.53",
            qname="rr",
            count=1,
            interval_us=500,
            subnets=("198.18.32.0/24",),
            users=2,
            recursion=False,
        )

        assert (burst.asked, burst.answered) == (1, 1)
        assert burst.first == {"203.0.113.10": 1}
        assert burst.rtt_ms["p50"] == 1.0
        (asked,) = node.asked
        command = read_command(json.dumps(asked), resolvers=(), sources=2)
        assert command == Ask(
            id=asked["id"],
            server="198.18.0.53",
            qname="rr",
            count=1,
            interval_us=500,
            subnets=("198.18.32.0/24",),
            users=2,
            recursion=False,
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
