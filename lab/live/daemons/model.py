"""What the harness knows of a daemon on a running node, besides its configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A daemon's commands, and how to read what it says. Optional where it has none.

    Attributes:
        version_argv: Prints its version on standard output or standard error.
        flush_argv: From a zone to the command that forgets all of it (resolvers).
        query_count_argv: Prints its counters (authorities, resolvers).
        query_count: From that output to the queries received since it started.
        upstream_count: From the same output to the queries sent (resolvers).
        cache_entries_argv: Prints all that is cached (resolvers).
        cache_entries: From that output and a name to its cached answers; with client
            subnets (RFC 7871), those for different subnets count one each.
        verdict: From a log line to (address, `up` or `down`), or None (checkers).
    """

    version_argv: Argv
    flush_argv: Callable[[str], Argv] | None = None
    query_count_argv: Argv | None = None
    query_count: Callable[[str], int] | None = None
    upstream_count: Callable[[str], int] | None = None
    cache_entries_argv: Argv | None = None
    cache_entries: Callable[[str, str], int] | None = None
    verdict: Callable[[str], tuple[str, str] | None] | None = None
