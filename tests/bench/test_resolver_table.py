"""What each resolver does with a TTL, measured: `docs/resolvers.md` is written here.

One of each brand and behaviour is asked the same questions at the same time: while
the authority is well, and while it is frozen, which from outside is silence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import docker
import pytest

from lab.live.daemons import registry
from lab.live.engine import Engine
from lab.live.naming import object_name
from lab.live.world import LiveWorld
from lab.scenario.bounds import ROUNDINGS, lifetime_s
from lab.topology.loading import load
from lab.topology.model import Resolver, ResolverBehaviour, Topology
from lab.topology.profiles import Profile, apply

pytestmark = pytest.mark.bench

NAME = f"bench-resolvers-{os.getpid()}"
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "resolvers.md"
ASKER = Path(__file__).with_name("resolver_asker.py")
EVERY_S = 0.1
#: A question of this pace may come this much late, on a busy machine.
SLACK_S = 0.3
DARK_S = 0.25
PHASES_S = (0.1, 0.35, 0.6, 0.85)
PATIENCE_S = 12.0
AT_ONCE_S = 0.3
#: "198.18.32.57.53211 > 198.18.0.53.53: … A? weighted.… [ECS 198.18.40.0/24/0] (60)"
TOLD = re.compile(
    r"(?P<who>[\d.]+)\.\d+ > [\d.]+\.53: .* A\? weighted\..*"
    r"\[ECS (?P<subnet>[\d./]+)/\d+\]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a resolver; `ttl` None if there was none in it."""

    at_s: float
    took_s: float
    rcode: str
    ttl: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What became of one published TTL: told as, kept for, then perhaps told stale."""

    told: int
    kept_s: tuple[float, ...]
    stale: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All that was seen of a resolver.

    Attributes:
        lives: By name, all questions close together.
        seldom: Lengths of lives that began anywhere in a second; none if clamping.
        dark: Answers since the authority was frozen.
        subnets: What it told whom it asked.
        received: Queries.
        sent: Queries.
    """

    resolver: Resolver
    lives: Mapping[str, Life]
    seldom: tuple[float, ...]
    dark: tuple[Answer, ...]
    subnets: frozenset[str]
    received: int
    sent: int


def answers(told: list[list[Any]]) -> tuple[Answer, ...]:
    return tuple(Answer(at_s=a, took_s=b, rcode=c, ttl=d) for a, b, c, d in told)


def life(seen: tuple[Answer, ...], published: int) -> Life:
    """Return what became of a TTL: each whole life, from a full TTL to what is next.

    A TTL may have fallen by a second when it is first seen.
    """
    told = [(a.at_s, a.ttl) for a in seen if a.ttl is not None]
    ttls = {ttl for _, ttl in told}
    full = published if {published, published - 1} & ttls else max(ttls)
    fresh = [ttl in (full, full - 1) for _, ttl in told]
    whole = zip(told, told[1:], fresh, strict=False)
    stale = {ttl for (_, ttl), good in zip(told, fresh, strict=True) if not good}
    return Life(
        told=full,
        kept_s=tuple(after[0] - at[0] for at, after, good in whole if good),
        stale=max(stale) if stale else None,
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


def first_in_the_dark(row: Row) -> Answer:
    """Return the first answer after all that was cached has ended.

    A forwarding resolver may get another's answer once more.
    """
    after = (a for a in row.dark[1:] if a.took_s > AT_ONCE_S or a.rcode != "NOERROR")
    return next(after, row.dark[1])


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


def page(topology: Topology, rows: tuple[Row, ...], versions: Mapping[str, str]) -> str:
    """Return the page about resolvers."""
    timers, short = topology.timers, topology.ttl_s("short")
    brands = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    heads = (
        "resolver",
        f"TTL {timers.ttl_s}: told, kept",
        f"TTL {short}: told, kept",
        "then, authority well",
        "then, authority silent",
        "passed on",
        "subnets told",
    )
    said = (
        "Measured by `make resolvers` on `topologies/resolver-zoo.yaml`, quick "
        f"profile: {brands}. Clamps are {timers.clamp_s} s; a stale answer has a TTL "
        f"of {timers.stale_answer_ttl_s} s where that can be set. Each resolver was "
        f"asked every {EVERY_S:g} s, in the dark every {DARK_S:g} s, and waited for up "
        f"to {PATIENCE_S:g} s. *Told* is the first TTL; *kept* is the time from that "
        "until a fetch or a stale answer, which depends on where in a second it began; "
        "*passed on* are queries sent for 100 received."
    )
    lines = [
        "# What each resolver does with a TTL",
        "",
        *wrap(said, 88),
        "",
        f"| {' | '.join(heads)} |",
        f"|{' --- |' * len(heads)}",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
        "",
    ]
    return "\n".join(lines)


def _cells(row: Row) -> Iterator[str]:
    yield _who(row.resolver)
    for name, more in (("rr", ()), ("short", row.seldom)):
        told, kept_s = row.lives[name].told, (*row.lives[name].kept_s, *more)
        yield f"{told}, {_span(min(kept_s), max(kept_s))} s"
    stale = row.lives["rr"].stale
    yield (
        "fetches"
        if stale is None
        else f"one stale answer (TTL {stale}), fetches behind"
    )
    yield _in_the_dark(row)
    yield f"{100 * row.sent / row.received:.0f}"
    yield ", ".join(sorted(row.subnets)) or "none"


def _who(resolver: Resolver) -> str:
    if resolver.forwards_to:
        return f"{resolver.name} (asks {resolver.forwards_to})"
    return resolver.name


def _span(low: float, high: float) -> str:
    return f"{low:.1f}" if high - low < EVERY_S else f"{low:.1f} to {high:.1f}"


def _in_the_dark(row: Row) -> str:
    first, last = first_in_the_dark(row), row.dark[-1]
    when = "at once" if first.took_s < AT_ONCE_S else f"after {first.took_s:.1f} s"
    if first.rcode != "NOERROR":
        return f"{first.rcode} {when}"
    later = ", later at once" if last.took_s < AT_ONCE_S <= first.took_s else ""
    return f"stale (TTL {first.ttl}) {when}{later}"
