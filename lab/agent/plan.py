"""The watch plan: who attempts what, at which pace, through which resolver.

The first line on standard input, checked as a whole: all mistakes are told at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from ipaddress import ip_address
from typing import Any


class Behaviour(StrEnum):
    """What a client does with the addresses in an answer."""

    FIRST_ADDRESS = "first-address"
    RETRY_NEXT = "retry-next"
    PINNED = "pinned"
    HAPPY_EYEBALLS = "happy-eyeballs"  # races all addresses (RFC 8305)
    SDK = "sdk"  # tries all again and again, after random pauses, up to a deadline
    POOL = "pool"  # keeps its connection, and asks DNS only for a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Clients with the same access network, resolver, behaviour and name.

    With `jitter`, each keeps an answer for a random share of its TTL longer, up to
    that share; shorter if it is negative. With `cookies`, each sends back the one it
    was given. With `keeps_port`, each connects from one port of its own, so that all
    its connections are the same flow. Each asks for `path`, with the line `header`
    among those of its request, if there is one; in TLS, if `tls`.
    """

    name: str
    access: str
    resolver: str
    behaviour: Behaviour
    qname: str
    clients: int
    interval_ms: int
    jitter: float = 0.0
    cookies: bool = False
    keeps_port: bool = False
    path: str = "/"
    header: str = ""
    tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPlan:
    """Everything the agent needs to know.

    Attributes:
        zone: Zone that every `qname` is in.
        sources: Addresses that queries and connections come from, one per subnet; the
            clients of a cohort have them in turn.
        resolvers: {name: address}.
        pin_s: How long a pinned client keeps an address.
        connect_timeout_ms: Bound of a connect, and again of the reply after it.
        retry_timeout_ms: The same while a `retry-next` client has another address.
        race_delay_ms: From one runner of a race to the next (`happy-eyeballs`).
        sdk_try_ms: Bound of an SDK's connect, and again of the reply after it.
        sdk_backoff_ms: Its longest pause after the first round; then twice as long
            from round to round, up to `sdk_backoff_cap_ms`.
        sdk_deadline_ms: When it gives up.
        port: Where the service listens; `tls_port` in TLS, `dns_port` the resolvers.
        lab: Whose authority certifies the service, as far as it is asked in TLS.
        seed: Of the phases between cohorts.
    """

    zone: str
    sources: tuple[str, ...]
    resolvers: dict[str, str]
    cohorts: tuple[Cohort, ...]
    pin_s: float
    connect_timeout_ms: int
    retry_timeout_ms: int
    race_delay_ms: int
    sdk_try_ms: int
    sdk_backoff_ms: int
    sdk_backoff_cap_ms: int
    sdk_deadline_ms: int
    port: int = 80
    tls_port: int = 443
    dns_port: int = 53
    lab: str = ""
    seed: int = 1


class BadPlan(ValueError):
    """The first line is no watch plan; the message lists every mistake."""


def read_plan(line: str) -> WatchPlan:
    """Return the plan on that line.

    Raises:
        BadPlan: With all mistakes in it.
    """
    try:
        raw = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadPlan(f"the watch plan is not JSON: {error}") from error
    problems = _problems(raw)
    if problems:
        raise BadPlan("\n".join(f"watch plan: {problem}" for problem in problems))
    cohorts = tuple(
        Cohort(**{**cohort, "behaviour": Behaviour(cohort["behaviour"])})
        for cohort in raw["cohorts"]
    )
    sources = tuple(raw["sources"])
    return WatchPlan(**{**raw, "cohorts": cohorts, "sources": sources})


_OPTIONAL = {"port", "tls_port", "dns_port", "lab", "seed"}
_OF_SOME = {"jitter", "cookies", "keeps_port", "path", "header", "tls"}
_POSITIVE = (
    "pin_s",
    "connect_timeout_ms",
    "retry_timeout_ms",
    "race_delay_ms",
    "sdk_try_ms",
    "sdk_backoff_ms",
    "sdk_backoff_cap_ms",
    "sdk_deadline_ms",
    "port",
    "tls_port",
    "dns_port",
)


def _problems(raw: Any) -> list[str]:
    if not isinstance(raw, dict):
        return [f"is a {type(raw).__name__}; must be an object"]
    problems = _key_problems("", raw, {f.name for f in fields(WatchPlan)}, _OPTIONAL)
    problems += [
        _not_positive(key, raw[key])
        for key in _POSITIVE
        if key in raw and not _is_positive(raw[key])
    ]
    if "sources" in raw:
        problems += _source_problems(raw["sources"])
    resolvers = raw.get("resolvers", {})
    if not isinstance(resolvers, dict):
        return [*problems, "resolvers must be an object of name: address"]
    for name, address in resolvers.items():
        problems += _address_problems(f"resolvers.{name}", address)
    cohorts = raw.get("cohorts", [])
    if not isinstance(cohorts, list):
        return [*problems, "cohorts must be a list"]
    for index, cohort in enumerate(cohorts):
        problems += _cohort_problems(f"cohorts[{index}]", cohort, resolvers)
    return problems


def _cohort_problems(place: str, raw: Any, resolvers: dict[str, str]) -> list[str]:
    if not isinstance(raw, dict):
        return [f"{place} must be an object"]
    problems = _key_problems(
        f"{place}: ", raw, {f.name for f in fields(Cohort)}, _OF_SOME
    )
    if problems:
        return problems
    if raw["behaviour"] not in set(Behaviour):
        allowed = ", ".join(Behaviour)
        problems.append(
            f'{place}.behaviour is "{raw["behaviour"]}"; allowed: {allowed}'
        )
    if raw["resolver"] not in resolvers:
        allowed = ", ".join(resolvers)
        problems.append(f'{place}.resolver is "{raw["resolver"]}"; allowed: {allowed}')
    return problems + [
        _not_positive(f"{place}.{key}", raw[key])
        for key in ("clients", "interval_ms")
        if not (_is_positive(raw[key]) and isinstance(raw[key], int))
    ]


def _key_problems(
    place: str, raw: dict[str, Any], known: set[str], optional: set[str]
) -> list[str]:
    missing = sorted(known - optional - raw.keys())
    unknown = sorted(raw.keys() - known)
    return [f"{place}{key} is missing" for key in missing] + [
        f'{place}unknown key "{key}"; allowed: {", ".join(sorted(known))}'
        for key in unknown
    ]


def _source_problems(sources: Any) -> list[str]:
    if not isinstance(sources, list) or not sources:
        return ["sources must be a list of one address or more"]
    return [
        problem
        for index, source in enumerate(sources)
        for problem in _address_problems(f"sources[{index}]", source)
    ]


def _address_problems(place: str, value: Any) -> list[str]:
    return [] if is_address(value) else [f'{place} is "{value}"; must be an IP address']


def is_address(value: object) -> bool:
    """Tell whether a value is an IP address, as text."""
    try:
        ip_address(str(value))
    except ValueError:
        return False
    return True


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _not_positive(place: str, value: Any) -> str:
    return f"{place} is {value!r}; must be a number above 0"
