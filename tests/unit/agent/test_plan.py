"""Rules of the watch plan, the first line the agent reads."""

from __future__ import annotations

import json

import pytest

from lab.agent.plan import BadPlan, Behaviour, read_plan

COHORT = {
    "name": "us/failover/us-honest/pinned",
    "access": "access-us",
    "resolver": "us-honest",
    "behaviour": "pinned",
    "qname": "failover",
    "clients": 3,
    "interval_ms": 300,
}
PLAN = {
    "zone": "example.com",
    "sources": ["198.18.40.10"],
    "resolvers": {"us-honest": "198.18.32.53"},
    "cohorts": [COHORT],
    "pin_s": 36,
    "connect_timeout_ms": 800,
    "retry_timeout_ms": 300,
    "race_delay_ms": 250,
    "sdk_try_ms": 250,
    "sdk_backoff_ms": 50,
    "sdk_backoff_cap_ms": 200,
    "sdk_deadline_ms": 900,
    "port": 80,
    "seed": 1,
}


def problems(**changed: object) -> str:
    with pytest.raises(BadPlan) as caught:
        read_plan(json.dumps({**PLAN, **changed}))
    return str(caught.value)


class TestReadPlan:
    def test_a_plan_is_read_as_values(self) -> None:
        plan = read_plan(json.dumps(PLAN))

        assert plan.cohorts[0].behaviour is Behaviour.PINNED
        assert (plan.port, plan.dns_port, plan.seed) == (80, 53, 1)

    def test_ports_and_seed_have_defaults(self) -> None:
        less = {k: v for k, v in PLAN.items() if k not in {"port", "seed"}}

        plan = read_plan(json.dumps(less))

        assert (plan.port, plan.seed) == (80, 1)

    @pytest.mark.parametrize("line", ["", "{", "hello"])
    def test_what_is_not_json_is_refused(self, line: str) -> None:
        with pytest.raises(BadPlan, match="not JSON"):
            read_plan(line)

    def test_what_is_not_an_object_is_refused(self) -> None:
        with pytest.raises(BadPlan, match="must be an object"):
            read_plan("[]")

    def test_all_mistakes_are_told_at_once(self) -> None:
        cohort = {**COHORT, "behaviour": "eager", "resolver": "x", "clients": 0}

        told = problems(sources=["here"], pin_s=-1, cohorts=[cohort], speed=3)

        assert told.splitlines() == [
            'watch plan: unknown key "speed"; allowed: cohorts, connect_timeout_ms, '
            "dns_port, lab, pin_s, port, race_delay_ms, resolvers, retry_timeout_ms, "
            "sdk_backoff_cap_ms, sdk_backoff_ms, sdk_deadline_ms, sdk_try_ms, seed, "
            "sources, tls_port, zone",
            "watch plan: pin_s is -1; must be a number above 0",
            'watch plan: sources[0] is "here"; must be an IP address',
            'watch plan: cohorts[0].behaviour is "eager"; '
            "allowed: first-address, retry-next, pinned, happy-eyeballs, sdk, pool",
            'watch plan: cohorts[0].resolver is "x"; allowed: us-honest',
            "watch plan: cohorts[0].clients is 0; must be a number above 0",
        ]

    def test_a_missing_key_is_named(self) -> None:
        cohort = {k: v for k, v in COHORT.items() if k != "qname"}

        assert problems(cohorts=[cohort]) == "watch plan: cohorts[0]: qname is missing"

    @pytest.mark.parametrize("sources", [[], "198.18.40.10"])
    def test_there_is_one_source_at_least(self, sources: object) -> None:
        assert "sources must be a list" in problems(sources=sources)

    def test_no_address_family_is_refused(self) -> None:
        sources = ["198.18.40.10", "2001:db8::10"]

        plan = read_plan(json.dumps({**PLAN, "sources": sources}))

        assert plan.sources == tuple(sources)

    def test_containers_of_the_wrong_kind_are_refused(self) -> None:
        assert "resolvers must be" in problems(resolvers=["198.18.32.53"])
        assert "cohorts must be" in problems(cohorts={})
        assert "cohorts[0] must be" in problems(cohorts=["all"])
