"""Which adapter goes with which stem: a new brand is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.live.daemons import (
    bind,
    bird,
    dnsmasq,
    gdnsd,
    pdns,
    recursor,
    unbound,
)
from lab.live.daemons.model import Adapter, Argv

_PYTHON = Adapter(version_argv=("python3", "--version"))
_ENVOY = Adapter(version_argv=("envoy", "--version"))

#: The daemons in each image stage.
ADAPTERS: Mapping[str, tuple[Adapter, ...]] = {
    "backend": (_PYTHON,),
    "bind": (bind.ADAPTER,),
    "bird": (bird.ADAPTER,),
    "clients": (_PYTHON,),
    "dnsmasq": (dnsmasq.ADAPTER,),
    "envoy": (_ENVOY,),
    "gdnsd": (gdnsd.ADAPTER,),
    "l4": (bird.ADAPTER, _ENVOY),
    "nftables": (bird.ADAPTER, Adapter(version_argv=("nft", "--version"))),
    "nsd": (Adapter(version_argv=("nsd", "-v")),),
    "pdns": (pdns.ADAPTER,),
    "recursor": (recursor.ADAPTER,),
    "unbound": (unbound.ADAPTER,),
}


def version_argv(stem: str) -> tuple[Argv, ...]:
    """Return the commands that print the versions of a stage's daemons."""
    return tuple(adapter.version_argv for adapter in ADAPTERS[stem])


def has_bird(stem: str) -> bool:
    """Tell whether a stage's nodes are told of routes, and tell of theirs."""
    return bird.ADAPTER in ADAPTERS[stem]


def flush_argv(stem: str, zone: str) -> Argv:
    """Return a resolver's command that forgets a zone.

    Raises:
        KeyError: The stem is no resolver.
    """
    for adapter in ADAPTERS[stem]:
        if adapter.flush_argv:
            return adapter.flush_argv(zone)
    raise KeyError(f"{stem} has no cache to flush")


def query_count_argv(stem: str) -> Argv:
    """Return the command of an authority or a resolver that prints its counters.

    Raises:
        KeyError: The stem is neither.
    """
    for adapter in ADAPTERS[stem]:
        if adapter.query_count_argv:
            return adapter.query_count_argv
    raise KeyError(f"{stem} counts no queries")


def query_count(stem: str, output: str) -> int:
    """Return the queries received, from what the counter command printed.

    Raises:
        KeyError: The stem is neither an authority nor a resolver.
    """
    for adapter in ADAPTERS[stem]:
        if adapter.query_count:
            return adapter.query_count(output)
    raise KeyError(f"{stem} counts no queries")


def upstream_count(stem: str, output: str) -> int:
    """Return the queries sent, from what `query_count_argv`'s command printed.

    Raises:
        KeyError: The stem is no resolver.
    """
    for adapter in ADAPTERS[stem]:
        if adapter.upstream_count:
            return adapter.upstream_count(output)
    raise KeyError(f"{stem} asks nobody")


def cache_entries_argv(stem: str) -> Argv:
    """Return a resolver's command that prints all that it has cached.

    Raises:
        KeyError: The stem cannot.
    """
    for adapter in ADAPTERS[stem]:
        if adapter.cache_entries_argv:
            return adapter.cache_entries_argv
    raise KeyError(f"{stem} does not tell what it has cached")


def cache_entries(stem: str, output: str, qname: str) -> int:
    """Return a name's cached answers, from what that command printed.

    Raises:
        KeyError: The stem cannot.
    """
    for adapter in ADAPTERS[stem]:
        if adapter.cache_entries:
            return adapter.cache_entries(output, qname)
    raise KeyError(f"{stem} does not tell what it has cached")


def parse_log(stem: str) -> Callable[[str], tuple[str, str] | None]:
    """Return the reader of a stage's log lines; most never tell of a verdict."""
    for adapter in ADAPTERS[stem]:
        if adapter.verdict:
            return adapter.verdict
    return lambda _line: None
