from __future__ import annotations

import pytest

from lab.report.groups import Group, groups, resolver_kind, words
from tests.unit.report.stories import Story, power_off, story, unseen


def rows(told: Story, *, every_cohort: bool = False) -> tuple[Group, ...]:
    return groups(
        told.verdict,
        told.history,
        told.scenario,
        told.topology,
        every_cohort=every_cohort,
    )


def who(group: Group) -> tuple[str, str, str, str]:
    return group.qname, group.resolver, group.behaviour, group.side


class TestGroups:
    def test_cohorts_that_fared_alike_are_one_row(self) -> None:
        shown = {who(g) for g in rows(power_off())}

        assert ("anycast", "every", "every", "access-us") in shown
        assert ("anycast", "every", "every", "access-eu") in shown
        assert (
            "failover",
            "clamping",
            "not pinned",
            "access-us, access-eu",
        ) in shown

    def test_every_cohort_is_in_one_row(self) -> None:
        told = power_off()

        members = [name for g in rows(told) for name in g.cohorts]

        assert sorted(members) == sorted(c.name for c in told.scenario.watch)

    def test_those_first_who_recovered_first(self) -> None:
        last = [g.recovery.max for g in rows(power_off()) if g.recovery]

        names = [g.qname for g in rows(power_off())]
        assert names == sorted(names, key=["anycast", "failover", "rr"].index)
        failover = [s for s, n in zip(last, names, strict=True) if n == "failover"]
        assert failover == sorted(failover)

    def test_sums_are_those_of_the_cohorts(self) -> None:
        told = power_off()

        assert sum(g.failed for g in rows(told)) == sum(
            c.failed for c in told.verdict.cohorts
        )
        assert sum(g.clients for g in rows(told)) == sum(
            c.clients for c in told.scenario.watch
        )

    def test_causes_add_up_to_the_mean_outage_of_a_client(self) -> None:
        told = power_off()
        by_name = {c.cohort: c for c in told.verdict.cohorts}

        for group in rows(told):
            members = [by_name[name] for name in group.cohorts]
            outage = sum(sum(c.causes.values()) * c.clients for c in members)
            assert sum(dict(group.causes).values()) * group.clients == (
                pytest.approx(outage)
            )

    def test_causes_are_in_order_of_time(self) -> None:
        clamped = next(g for g in rows(power_off()) if g.resolver == "clamping")

        assert [name for name, _ in clamped.causes][:2] == [
            "detection",
            "resolver-cache",
        ]

    def test_hurt_and_unhurt_are_never_one_row(self) -> None:
        told = power_off()
        failed = {c.cohort: c.failed > 0 for c in told.verdict.cohorts}

        for group in rows(told):
            assert len({failed[name] for name in group.cohorts}) == 1

    def test_those_who_never_recover_come_last_and_have_no_figures(self) -> None:
        told = story("age_s=4")
        cut = max(a.start_ns for a in told.history.attempts) // 2
        half = Story(
            topology=told.topology,
            scenario=told.scenario,
            verdict=told.verdict,
            history=type(told.history)(
                events=told.history.events,
                attempts=tuple(a for a in told.history.attempts if a.start_ns < cut),
            ),
        )

        assert rows(half)[-1].recovery is None

    def test_each_cohort_alone_names_its_resolver(self) -> None:
        told = power_off()

        shown = rows(told, every_cohort=True)

        assert len(shown) == len(told.scenario.watch)
        assert {g.resolver for g in shown} == {c.resolver for c in told.scenario.watch}

    def test_without_evidence_there_are_rows_without_figures(self) -> None:
        assert {g.recovery for g in rows(unseen())} == {None}


class TestResolverKind:
    def test_is_its_behaviour_or_public_or_its_name(self) -> None:
        topology = power_off().topology

        assert resolver_kind(topology, "us-stale") == "serve-stale"
        assert resolver_kind(topology, "public") == "public"
        assert resolver_kind(topology, "gone") == "gone"


class TestWords:
    def test_the_fewest_that_say_which(self) -> None:
        everything = frozenset("abcd")

        assert words(everything, everything) == "every"
        assert words(frozenset("abc"), everything) == "not d"
        assert words(frozenset("ba"), everything) == "a, b"
        assert words(frozenset("a"), frozenset("ab")) == "a"
        assert words(frozenset("a"), frozenset("a")) == "a"
