"""Rules on resolvers: what each brand can be told, and who asks whom. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lab.topology.draft import Draft, anything, items, text, whole
from lab.topology.finding import Finding, Path
from lab.topology.model import ResolverBehaviour
from lab.topology.timers import Timers
from lab.topology.words import listing, meant, shown

#: What each brand of resolver can be told to do.
BEHAVIOURS: Mapping[str, frozenset[ResolverBehaviour]] = MappingProxyType(
    {
        "bind": frozenset(ResolverBehaviour)
        - {ResolverBehaviour.ECS, ResolverBehaviour.FORWARDING},
        "dnsmasq": frozenset({ResolverBehaviour.FORWARDING}),
        "recursor": frozenset(ResolverBehaviour) - {ResolverBehaviour.FORWARDING},
        "unbound": frozenset(ResolverBehaviour),
    }
)
#: Brands that can wait for a fresh answer before they serve a stale one. BIND 9.20
#: does so at once or after its own 10 s; Recursor only after the authority failed.
PATIENT = frozenset({"unbound"})
#: The most that a brand raises a TTL to (BIND 9.20: `min-cache-ttl`).
LONGEST_CLAMP_S: Mapping[str, int] = MappingProxyType({"bind": 90})
_PATTERNS = ("access.*.resolvers.*", "public_resolvers.*")
_TELLING = (ResolverBehaviour.ECS, ResolverBehaviour.FORWARDING)


def brands_can_do_it(draft: Draft) -> Iterator[Finding]:
    """Find a resolver told to do what its brand cannot."""
    for resolver in _resolvers(draft):
        daemon, behaviour = _daemon(draft, resolver), _behaviour(draft, resolver)
        able = BEHAVIOURS.get(daemon)
        if able and behaviour and behaviour not in able:
            others = (d for d, can in BEHAVIOURS.items() if behaviour in can)
            yield Finding(
                path=(*resolver, "behaviour"),
                what=f"{draft.subject(resolver)}: {daemon} cannot be {behaviour}",
                allowed=f"{listing(able)}; or a daemon that can: {listing(others)}",
            )


def only_the_patient_wait(draft: Draft) -> Iterator[Finding]:
    """Find a wait before stale answers where none are served, or none can be told."""
    for resolver in _resolvers(draft):
        path, daemon = (*resolver, "stale_after_s"), _daemon(draft, resolver)
        wait_s, behaviour = draft.get(path, _seconds), _behaviour(draft, resolver)
        if not wait_s or not behaviour:
            continue
        subject = f"{draft.subject(resolver)}: stale_after_s is {wait_s:g}"
        if behaviour is not ResolverBehaviour.SERVE_STALE:
            what = f"{subject}, and it is {behaviour}"
            yield Finding(path=path, what=what, allowed="0 unless serve-stale")
        elif daemon in BEHAVIOURS and daemon not in PATIENT:
            what = f"{subject}, and {daemon} cannot be told to wait"
            allowed = f"0; or a daemon that can: {listing(PATIENT)}"
            yield Finding(path=path, what=what, allowed=allowed)


def clamps_fit(draft: Draft) -> Iterator[Finding]:
    """Find a clamp longer than a brand that has to enforce it can."""
    default: int = Timers.model_fields["clamp_s"].default
    path: Path = ("timers", "clamp_s")
    clamp_s = draft.get(path, whole) or default
    for resolver in _resolvers(draft):
        daemon = _daemon(draft, resolver)
        longest_s = LONGEST_CLAMP_S.get(daemon, clamp_s)
        clamps = _behaviour(draft, resolver) is ResolverBehaviour.CLAMPING
        if clamps and clamp_s > longest_s:
            others = (
                d
                for d, able in BEHAVIOURS.items()
                if ResolverBehaviour.CLAMPING in able and d not in LONGEST_CLAMP_S
            )
            yield Finding(
                path=path,
                what=f"timers: clamp_s is {clamp_s}, and {daemon} "
                f"({draft.subject(resolver)}) clamps to {longest_s} at most",
                allowed=f"{longest_s} or less; or a daemon that clamps to more: "
                f"{listing(others)}",
            )


def subnets_are_told_to_providers(draft: Draft) -> Iterator[Finding]:
    """Find a resolver that tells subnets to nobody, or to whom it cannot."""
    known = draft.names("zone.providers.*.name")
    for resolver in _resolvers(draft):
        path, behaviour = (*resolver, "ecs_to"), _behaviour(draft, resolver)
        subject = draft.subject(resolver)
        told = draft.get(path, items) or []
        if behaviour is ResolverBehaviour.ECS and not told:
            what = f"{subject}: it is ecs, and ecs_to names no provider"
            yield Finding(path=resolver, what=what, allowed=listing(known))
        if told and behaviour and behaviour not in _TELLING:
            what = f"{subject}: it is {behaviour}, and ecs_to names whom it tells"
            allowed = f"no ecs_to unless {' or '.join(_TELLING)}"
            yield Finding(path=path, what=what, allowed=allowed)
        for i, name in enumerate(told):
            if known and isinstance(name, str) and name not in known:
                yield Finding(
                    path=(*path, i),
                    what=f"{subject}: there is no provider {shown(name)}"
                    f"{meant(name, known)}",
                    allowed=listing(known),
                )


def forwarding_leads_to_a_resolver(draft: Draft) -> Iterator[Finding]:
    """Find a resolver that forwards to nobody, to a stranger, or in a circle."""
    asks = dict(_forwards(draft))
    known = frozenset(_name(draft, r) for r in _resolvers(draft)) - {""}
    for resolver in _resolvers(draft):
        path, behaviour = (*resolver, "forwards_to"), _behaviour(draft, resolver)
        name, subject = _name(draft, resolver), draft.subject(resolver)
        asked, others = draft.get(path, text), known - {name}
        if behaviour is not ResolverBehaviour.FORWARDING:
            if asked and behaviour:
                what = f"{subject}: it is {behaviour}, and forwards_to names whom it "
                allowed = f"no forwards_to unless {ResolverBehaviour.FORWARDING}"
                yield Finding(path=path, what=f"{what}asks", allowed=allowed)
        elif draft.get(path, anything) is None:
            what = f"{subject}: it is forwarding, and forwards_to names no resolver"
            yield Finding(path=resolver, what=what, allowed=listing(others))
        elif asked and asked not in known:
            what = f"{subject}: there is no resolver {shown(asked)}"
            what += meant(asked, others)
            yield Finding(path=path, what=what, allowed=listing(others))
        elif asked and name in (circle := _followed(asks, name)):
            what = f"{subject} forwards in a circle: {' to '.join((name, *circle))}"
            yield Finding(path=path, what=what, allowed=listing(known - {*asks}))


def _followed(asks: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return who is asked one after the other, to the first one that comes again."""
    way: list[str] = []
    while (name := asks.get(name, "")) and name not in way:
        way.append(name)
    return tuple(way)


def _forwards(draft: Draft) -> Iterator[tuple[str, str]]:
    for resolver in _resolvers(draft):
        asked = draft.get((*resolver, "forwards_to"), text)
        if asked and _behaviour(draft, resolver) is ResolverBehaviour.FORWARDING:
            yield _name(draft, resolver), asked


def _resolvers(draft: Draft) -> Iterator[Path]:
    for pattern in _PATTERNS:
        for path, _ in draft.find(pattern, anything):
            yield path


def _name(draft: Draft, resolver: Path) -> str:
    return draft.get((*resolver, "name"), text) or ""


def _daemon(draft: Draft, resolver: Path) -> str:
    return draft.get((*resolver, "daemon"), text) or ""


def _behaviour(draft: Draft, resolver: Path) -> ResolverBehaviour | None:
    return draft.get((*resolver, "behaviour"), lambda v: ResolverBehaviour(text(v)))


def _seconds(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError(value)
    return value
