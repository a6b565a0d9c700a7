"""Tables from a flow's hash to a node: who gets each slot. Pure.

Every L4 node that knows the same nodes makes the same table, so it does not matter
which of them a packet comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from types import MappingProxyType

#: Slots of a Maglev table: a prime above a hundred times the most nodes, which keeps
#: shares within 1 % (NSDI 2016, section 5.3), and few enough for nft to load at once.
MAGLEV_SLOTS = 8191
#: Slots for `modulo`: a multiple of each number of nodes that a region can have.
MODULO_SLOTS = 8400


def maglev(names: Sequence[str], *, slots: int = MAGLEV_SLOTS) -> list[str]:
    """Return a table that nodes fill in turn, each in its own order of the slots.

    When one leaves, its slots are shared out and few of the others' change hands.

    Args:
        names: Of the nodes, in an order that all who make the table agree on.
        slots: How many, a prime far above their number.

    Source:
        Eisenbud et al., "Maglev", NSDI 2016, section 3.4.
    """
    table = [""] * slots
    walks = [_start_and_step(name, slots) for name in names]
    for turn in range(slots):
        index = turn % len(names)
        at, step = walks[index]
        while table[at]:
            at = (at + step) % slots
        table[at] = names[index]
        walks[index] = at, step
    return table


def modulo(names: Sequence[str]) -> list[str]:
    """Return a table in which the remainder of a slot's number decides.

    When one node leaves, most slots change hands. The table is needed because `mod` of
    nft's hash is no remainder: the kernel scales the hash (`reciprocal_scale`), so that
    neighbours would stay together.
    """
    return [names[slot % len(names)] for slot in range(MODULO_SLOTS)]


def _start_and_step(name: str, slots: int) -> tuple[int, int]:
    digest = blake2b(name.encode(), digest_size=16).digest()
    start, step = (int.from_bytes(half, "big") for half in (digest[:8], digest[8:]))
    return start % slots, step % (slots - 1) + 1


#: By the word that a topology has for it (`l4_hash`).
TABLES: Mapping[str, Callable[[Sequence[str]], list[str]]] = MappingProxyType(
    {"maglev": maglev, "modulo": modulo}
)
