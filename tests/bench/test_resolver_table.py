"""What each resolver does with a TTL, measured: `docs/resolvers.md` is written here.

One of each brand and behaviour is asked the same questions at the same time: while
the authority is well, and while it is frozen, which from outside is silence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from lab.live.daemons import registry
from lab.live.engine import Engine
from lab.live.naming import object_name
from lab.live.world import LiveWorld
from lab.scenario.bounds import (
    ROUNDINGS,
    lifetime_s,
    stale_answer_ttl_s,
    tells_stale_first,
)
from lab.scenario.caching import RETRIES_S
from lab.topology.loading import load
from lab.topology.model import ResolverBehaviour, Topology
from lab.topology.profiles import Profile, apply
from tests.bench.resolver_page import (
    DARK_S,
    EVERY_S,
    PATIENCE_S,
    Answer,
    Row,
    answers,
    first_in_the_dark,
    life,
    page,
)

pytestmark = pytest.mark.bench

NAME = f"bench-resolvers-{os.getpid()}"
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "resolvers.md"
ASKER = Path(__file__).with_name("resolver_asker.py")
#: A question of this pace may come this much late, on a busy machine.
SLACK_S = 0.3
PHASES_S = (0.1, 0.35, 0.6, 0.85)
#: "198.18.32.57.53211 > 198.18.0.53.53: … A? weighted.… [ECS 198.18.40.0/24/0] (60)"
TOLD = re.compile(
    r"(?P<who>[\d.]+)\.\d+ > [\d.]+\.53: .* A\? weighted\..*"
    r"\[ECS (?P<subnet>[\d./]+)/\d+\]"
)


class Zoo:
    """The lab with all resolvers."""

    def __init__(self, world: LiveWorld, topology: Topology) -> None:
        self.world = world
        self.topology = topology
        self.source = str(topology.access[0].clients.address)

    def flush(self) -> None:
        """Let all resolvers forget, those that are asked by others first."""
        for resolver in sorted(
            self.topology.resolvers, key=lambda r: bool(r.forwards_to)
        ):
            argv = registry.flush_argv(resolver.daemon, self.topology.zone.name)
            assert self.world.execute(resolver.name, *argv)["status"] == 0

    def ask(self, name: str, **plan: object) -> dict[str, tuple[Answer, ...]]:
        """Ask all resolvers; return their answers by their names."""
        names = {str(r.address): r.name for r in self.topology.resolvers}
        asked = {
            "servers": list(names),
            "name": f"{name}.{self.topology.zone.name}",
            "source": self.source,
            "patience_s": PATIENCE_S,
            **plan,
        }
        argv = ("python3", "-c", ASKER.read_text("utf-8"), json.dumps(asked))
        users = self.topology.access[0].clients.name
        reply = self.world.execute(users, *argv, timeout_s=120)
        assert reply["status"] == 0, reply["stderr"]
        told = json.loads(reply["stdout"])
        return {names[server]: answers(seen) for server, seen in told.items()}

    def counters(self) -> dict[str, tuple[int, int]]:
        """Return (queries received, queries sent) of each resolver."""
        printed = {
            r: self.world.execute(r.name, *registry.query_count_argv(r.daemon))[
                "stdout"
            ]
            for r in self.topology.resolvers
        }
        return {
            r.name: (
                registry.query_count(r.daemon, text),
                registry.upstream_count(r.daemon, text),
            )
            for r, text in printed.items()
        }

    def subnets(self, for_s: float) -> dict[str, frozenset[str]]:
        """Return the subnets that each resolver tells whom it asks, for a while."""
        users = self.topology.access[0].clients.addresses
        wanted = "udp dst port 53 and " + " and ".join(f"not src {u}" for u in users)
        tcpdump = ("tcpdump", "-Z", "root", "-i", "any", "-Q", "in", "-n", "-l", "-vv")
        router = self.topology.access[0].name
        seen = self.world.execute(
            router, "timeout", f"{for_s:g}", *tcpdump, wanted, timeout_s=for_s + 10
        )["stdout"]
        told = [(m["who"], m["subnet"]) for m in TOLD.finditer(seen)]
        assert told, seen[-2000:]
        return {
            r.name: frozenset(subnet for who, subnet in told if who == str(r.address))
            for r in self.topology.resolvers
        }

    def versions(self) -> dict[str, str]:
        """Return the version of each daemon."""
        one = {r.daemon: r.name for r in self.topology.resolvers}
        found: dict[str, str] = {}
        for daemon, node in one.items():
            (argv,) = registry.version_argv(daemon)
            reply = self.world.execute(node, *argv)
            (version, *_) = re.findall(
                r"\d+\.\d+[.\d]*", reply["stdout"] + reply["stderr"]
            )
            found[daemon] = version
        return found


@pytest.fixture(scope="module")
def zoo() -> Iterator[Zoo]:
    topology = apply(load("resolver-zoo"), Profile.QUICK)
    with Engine.connect() as engine, LiveWorld(engine, NAME) as world:
        try:
            for _ in world.up(world.plan(topology, profile=Profile.QUICK)):
                pass
            yield Zoo(world, topology)
        finally:
            world.down()


@pytest.fixture(scope="module")
def rows(zoo: Zoo) -> tuple[Row, ...]:
    """Measure: first with the authority well, then with the authority frozen."""
    topology, timers = zoo.topology, zoo.topology.timers
    calm_s = 2.0 * (max(timers.ttl_s, timers.clamp_s) + 1) + 2
    zoo.flush()
    before = zoo.counters()
    with ThreadPoolExecutor(max_workers=8) as pool:
        subnets = pool.submit(zoo.subnets, calm_s / 2)
        seldom = pool.submit(_seldom, zoo)
        watched = {
            name: pool.submit(zoo.ask, name, every_s=EVERY_S, for_s=calm_s)
            for name in ("rr", "short")
        }
        for user in topology.access[0].clients.addresses:
            plan = {"every_s": 1.0, "for_s": calm_s, "source": str(user)}
            pool.submit(zoo.ask, "weighted", **plan)
    after = zoo.counters()
    dark = _dark(zoo, timers.clamp_s + 1 + PATIENCE_S)
    return tuple(
        Row(
            resolver=r,
            lives={
                name: life(seen.result()[r.name][1:], topology.ttl_s(name))
                for name, seen in watched.items()  # the first answer may be of any age
            },
            seldom=seldom.result()[r.name],
            dark=dark[r.name],
            subnets=subnets.result()[r.name],
            received=after[r.name][0] - before[r.name][0],
            sent=after[r.name][1] - before[r.name][1],
        )
        for r in topology.resolvers
    )


def _seldom(zoo: Zoo) -> dict[str, tuple[float, ...]]:
    """Return how long each resolver keeps what it fetches in the middle of a second."""
    ttl_s = zoo.topology.ttl_s("seldom")
    rounds = [
        zoo.ask(
            "seldom",
            every_s=EVERY_S,
            for_s=ttl_s + 2.0,
            rest_s=ttl_s + 1.5,
            phase_s=phase_s,
        )
        for phase_s in PHASES_S
    ]
    clamping = ResolverBehaviour.CLAMPING
    return {
        r.name: tuple(
            life(seen[r.name], ttl_s).kept_s[0]
            for seen in rounds
            if r.behaviour is not clamping
        )
        for r in zoo.topology.resolvers
    }


def _dark(zoo: Zoo, for_s: float) -> dict[str, tuple[Answer, ...]]:
    zoo.flush()
    zoo.ask("rr", every_s=0.5, for_s=1.0)
    (provider,) = zoo.topology.zone.providers
    client = docker.from_env()
    container = client.containers.get(object_name(NAME, provider.name))
    container.pause()
    try:
        return zoo.ask("rr", every_s=DARK_S, for_s=for_s)
    finally:
        container.unpause()
        client.close()


def asks_authorities(row: Row) -> bool:
    return row.resolver.behaviour is not ResolverBehaviour.FORWARDING


class TestResolvers:
    def test_an_answer_is_kept_as_long_as_bounds_assume(
        self, zoo: Zoo, rows: tuple[Row, ...]
    ) -> None:
        for row in filter(asks_authorities, rows):
            rounding = ROUNDINGS[row.resolver.daemon]
            for name, seen in row.lives.items():
                keeps_s = lifetime_s(zoo.topology.timers_of(name), row.resolver)
                kept_s = (*seen.kept_s, *(row.seldom if name == "short" else ()))
                assert seen.told == keeps_s, row
                assert min(kept_s) >= keeps_s - rounding.early_s - SLACK_S, row
                assert max(kept_s) <= keeps_s + rounding.late_s + SLACK_S, row

    def test_a_forwarder_keeps_it_that_long_after_whom_it_asks(
        self, zoo: Zoo, rows: tuple[Row, ...]
    ) -> None:
        asked = {r.name: r for r in zoo.topology.resolvers}
        for row in rows:
            if not row.resolver.forwards_to:
                continue
            both = [
                ROUNDINGS[r.daemon]
                for r in (row.resolver, asked[row.resolver.forwards_to])
            ]
            early_s = sum(r.early_s for r in both) + SLACK_S
            late_s = sum(r.late_s for r in both) + SLACK_S
            for name, seen in row.lives.items():
                ttl_s = zoo.topology.ttl_s(name)
                kept_s = (*seen.kept_s, *(row.seldom if name == "short" else ()))
                assert seen.told == ttl_s, row
                assert min(kept_s) >= ttl_s - early_s, row
                assert max(kept_s) <= ttl_s + late_s, row

    def test_a_stale_answer_comes_when_and_for_as_long_as_bounds_assume(
        self, zoo: Zoo, rows: tuple[Row, ...]
    ) -> None:
        for row in rows:
            at_once = tells_stale_first(row.resolver)
            if row.resolver.behaviour is not ResolverBehaviour.SERVE_STALE:
                assert not at_once
                continue
            first = first_in_the_dark(row)
            tries_s = row.resolver.stale_after_s or RETRIES_S[row.resolver.daemon]
            waits_s = 0.0 if at_once else tries_s
            told_s = stale_answer_ttl_s(zoo.topology.timers, row.resolver)

            assert first.took_s == pytest.approx(waits_s, abs=SLACK_S), row
            assert first.ttl == told_s, row

    def test_only_who_is_stale_at_once_is_so_while_the_authority_is_well(
        self, rows: tuple[Row, ...]
    ) -> None:
        for row in rows:
            told = row.lives["rr"].stale is not None
            assert told is tells_stale_first(row.resolver), row

    def test_only_who_serves_stale_has_an_answer_when_the_authority_is_silent(
        self, rows: tuple[Row, ...]
    ) -> None:
        for row in rows:
            stale = row.resolver.behaviour is ResolverBehaviour.SERVE_STALE
            assert (first_in_the_dark(row).rcode == "NOERROR") is stale, row

    def test_subnets_are_told_by_those_that_were_told_to(
        self, zoo: Zoo, rows: tuple[Row, ...]
    ) -> None:
        users = zoo.topology.access[0].clients.addresses
        every = {f"{user - int(user) % 256}/24" for user in users}

        for row in rows:
            assert row.subnets <= every, row
            assert bool(row.subnets) is bool(row.resolver.ecs_to), row
            if row.resolver.behaviour is ResolverBehaviour.ECS:
                assert row.subnets == every, row

    def test_who_caches_passes_few_questions_on(self, rows: tuple[Row, ...]) -> None:
        sent = {r.resolver.name: r.sent / r.received for r in rows}

        assert sent.pop("dnsmasq-telling") > 0.9
        assert max(sent.values()) < 0.1

    def test_the_page_is_written(self, zoo: Zoo, rows: tuple[Row, ...]) -> None:
        PAGE.write_text(page(zoo.topology, rows, zoo.versions()), "utf-8")

        assert all(row.resolver.name in PAGE.read_text("utf-8") for row in rows)
