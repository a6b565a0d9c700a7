"""What was seen of resolvers, as values, and the page that tells of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from lab.topology.model import Resolver, Topology

#: From one question to the next: the authority well, the authority silent.
EVERY_S, DARK_S = 0.1, 0.25
PATIENCE_S = 12.0
_AT_ONCE_S = 0.3


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


def first_in_the_dark(row: Row) -> Answer:
    """Return the first answer after all that was cached has ended.

    A forwarding resolver may get another's answer once more.
    """
    after = (a for a in row.dark[1:] if a.took_s > _AT_ONCE_S or a.rcode != "NOERROR")
    return next(after, row.dark[1])


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
    when = "at once" if first.took_s < _AT_ONCE_S else f"after {first.took_s:.1f} s"
    if first.rcode != "NOERROR":
        return f"{first.rcode} {when}"
    later = ", later at once" if last.took_s < _AT_ONCE_S <= first.took_s else ""
    return f"stale (TTL {first.ttl}) {when}{later}"
