"""PowerDNS Recursor on a running node."""

from __future__ import annotations

from lab.live.daemons.model import Adapter, Argv
from lab.render.recursor import FOLDER


def flush_argv(zone: str) -> Argv:
    """Return the command that forgets a zone and all below it (`$`)."""
    return ("rec_control", f"--config-dir={FOLDER}", "wipe-cache", f"{zone}$")


ADAPTER = Adapter(version_argv=("pdns_recursor", "--version"), flush_argv=flush_argv)
