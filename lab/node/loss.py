"""Packets lost on purpose: of what arrives at a port, a share or all (nftables).

The hook is the first thing that a received frame meets, so ARP, BGP and BFD are lost
with the rest. Who sent it is told nothing, and what this node sends still arrives.

Source: nft(8) of 1.1, "ADDRESS FAMILIES" (netdev, ingress) and "NUMGEN EXPRESSION".
"""

from __future__ import annotations

import subprocess

_TABLE = "netdev lost"
#: A share is counted in these.
_OF = 1_000_000


def lose(port: str, share: float) -> None:
    """Lose this share of what arrives at a port from now on; 1 is everything."""
    _nft(ruleset(port, share))


def lose_nothing(port: str) -> None:
    """Undo `lose`."""
    _nft(f"delete chain {_TABLE} {port}\n")


def ruleset(port: str, share: float) -> str:
    """Return what `nft` is told, in one transaction, whatever was lost before."""
    chance = "" if share >= 1 else f"numgen random mod {_OF} < {round(share * _OF)} "
    hook = f'type filter hook ingress device "{port}" priority 0;'
    return (
        f"add table {_TABLE}\n"
        f"add chain {_TABLE} {port} {{ {hook} }}\n"
        f"flush chain {_TABLE} {port}\n"
        f"add rule {_TABLE} {port} {chance}drop\n"
    )


def _nft(text: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
