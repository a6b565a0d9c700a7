"""How L4 nodes pass connections on: the choices of a region."""

from __future__ import annotations

from enum import StrEnum


class L4Kind(StrEnum):
    """How L4 nodes pass connections on to the L7 nodes."""

    PROXY = "proxy"  # they end them and begin their own
    PACKET = "packet"  # their kernels send each packet on; replies come past them


class L4Hash(StrEnum):
    """What decides at L4 which L7 node a connection goes to."""

    MAGLEV = "maglev"
    RING = "ring"
    MODULO = "modulo"  # of the number of nodes that live: no consistent hash
