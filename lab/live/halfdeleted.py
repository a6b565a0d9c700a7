"""Networks whose deletion an engine did not get to finish before it was killed.

libnetwork writes such a network down as being deleted, with its address pools asked
for and none held, and up to Engine 23 dockerd panics at its next start while it counts
them (moby/moby#45057). It removes these networks by itself once it gets past that.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lab.live.naming import LAB

#: One network as libnetwork stores it: keys in the order of the alphabet.
_RECORD = re.compile(rb'\{"addrSpace":[^\0]*?"scope":"[a-z]+"\}')
_POOLS = re.compile(rb'(?<="ipamV4Config":")\[(?:\\.|[^"\\])*\](?=")')


def let_go_of_pools(store: Path) -> tuple[str, ...]:
    """Take the pools from the lab's own half-deleted networks in an engine's store.

    Each list of pools is blanked where it lies, byte for byte, so that nothing else in
    the store moves (bbolt keeps no checksum over its data pages).

    Args:
        store: libnetwork's bbolt file. Nothing happens if there is none, or if a
            process holds it open (bbolt locks it with flock(2)).

    Returns:
        The names of these networks.
    """
    if not store.exists():
        return ()
    with store.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ()
        found = tuple(_half_deleted(file.read()))
        for _, (begin, end) in found:
            file.seek(begin + 1)
            file.write(b" " * (end - begin - 2))
    return tuple(sorted({name for name, _ in found}))


def _half_deleted(content: bytes) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name of each, and where its list of pools begins and ends."""
    for record in _RECORD.finditer(content):
        pools = _POOLS.search(content, *record.span())
        if pools and pools[0].strip(b"[ ]"):
            with suppress(ValueError):
                network = json.loads(record[0])
                ours = LAB in (network.get("labels") or {})
                if ours and network.get("inDelete") and "ipamV4Info" not in network:
                    yield network["name"], pools.span()
