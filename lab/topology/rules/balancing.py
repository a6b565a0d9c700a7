"""Rules on L4 nodes: what each kind can hash by. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lab.topology.draft import Draft, text
from lab.topology.finding import Finding
from lab.topology.l4 import L4Hash, L4Kind
from lab.topology.model import Region
from lab.topology.words import listing

#: What each kind of L4 node can hash by.
HASHES: Mapping[str, frozenset[L4Hash]] = MappingProxyType(
    {
        L4Kind.PROXY: frozenset({L4Hash.MAGLEV, L4Hash.RING}),
        L4Kind.PACKET: frozenset({L4Hash.MAGLEV, L4Hash.MODULO}),
    }
)


def kinds_can_hash_so(draft: Draft) -> Iterator[Finding]:
    """Find L4 nodes told to hash by what their kind cannot."""
    default: L4Kind = Region.model_fields["l4_kind"].default
    for path, wanted in draft.find("regions.*.l4_hash", text):
        region = path[:-1]
        kind = draft.get((*region, "l4_kind"), text) or default
        able = HASHES.get(kind)
        if able and wanted in set(L4Hash) and wanted not in able:
            others = (k for k, can in HASHES.items() if wanted in can)
            yield Finding(
                path=path,
                what=f"{draft.subject(region)}: l4_kind {kind} cannot hash by {wanted}",
                allowed=f"{listing(able)}; or a kind that can: {listing(others)}",
            )
