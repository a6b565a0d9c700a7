"""Unbound on a running node."""

from __future__ import annotations

from lab.live.daemons.model import Adapter, Argv
from lab.render.unbound import CONFIG


def flush_argv(zone: str) -> Argv:
    """Return the command that forgets a zone; its servers' response times stay."""
    return ("unbound-control", "-c", CONFIG, "flush_zone", zone)


ADAPTER = Adapter(version_argv=("unbound", "-V"), flush_argv=flush_argv)
