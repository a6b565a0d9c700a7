"""`python3 -m lab.node.steering`: which L7 node the kernel sends each flow to.

It asks every L7 node how it is, every interval; after `fall` bad replies in a row a
node gets no more flows, after `rise` good ones it gets its share again. The kernel
does the rest: nftables marks a packet by the hash of its flow, and the route of that
mark leads to the node. Replies go straight to the user (direct server return).

Arguments: one JSON object with `ruleset` (a file for nft), `nodes` ({name: {`address`,
`mark`}}), `hash` (see `lab.node.slots`), `path`, `interval_ms`, `fall` and `rise`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lab.node.probes import get
from lab.node.slots import TABLES
from lab.node.together import together

#: The same in every L4 node: they must hash a flow alike.
_SEED = 0x6C6162
_FLOW = "ip saddr . tcp sport"


class Steering:
    """Health in, slots out."""

    def __init__(
        self,
        args: Mapping[str, Any],
        *,
        look: Callable[[str], bool],
        apply: Callable[[str], None],
    ) -> None:
        """Begin with nobody alive, as the ruleset does.

        Args:
            args: See the module.
            look: Tells whether the node at an address is well.
            apply: Carries out nft commands, all or none.
        """
        self._args = args
        self._look = look
        self._apply = apply
        self._streaks = dict.fromkeys(args["nodes"], 0)
        self._alive: frozenset[str] = frozenset()

    def look(self) -> None:
        """Look at every node once, and steer anew if one died or came back."""
        nodes = self._args["nodes"]
        well = together(lambda name: self._look(nodes[name]["address"]), list(nodes))
        alive = {n for n, good in zip(nodes, well, strict=True) if self._is(n, good)}
        if alive != self._alive:
            marks = {n: self._args["nodes"][n]["mark"] for n in sorted(alive)}
            self._apply("\n".join(commands(marks, self._args["hash"])) + "\n")
            self._alive = frozenset(alive)
            print(f"sends to {len(alive)}: {', '.join(marks) or 'nobody'}", flush=True)

    def _is(self, name: str, good: bool) -> bool:
        """Tell whether a node counts as alive, one look later."""
        alive = name in self._alive
        self._streaks[name] = 0 if good == alive else self._streaks[name] + 1
        if self._streaks[name] < self._args["rise" if good else "fall"]:
            return alive
        self._streaks[name] = 0
        return good


def commands(marks: Mapping[str, int], table: str) -> Iterator[str]:
    """Yield nft commands that share the flows out among these nodes.

    Flows that a living node has stay with it. One transaction for nft(8): no packet
    meets half of it.
    """
    yield "flush chain ip steering choose"
    yield "flush map ip steering slots"
    yield "flush set ip steering alive"
    rule = "add rule ip steering choose"
    if not marks:
        yield f"{rule} drop"
        return
    slots = TABLES[table](tuple(marks))
    yield f"add element ip steering alive {{ {', '.join(map(str, marks.values()))} }}"
    shown = ", ".join(f"{slot} : {marks[name]}" for slot, name in enumerate(slots))
    yield f"add element ip steering slots {{ {shown} }}"
    hashed = f"jhash {_FLOW} mod {len(slots)} seed {_SEED:#x}"
    # What begins with a SYN is a new flow, though an old one had the same ports.
    begins = "tcp flags & (syn | ack) == syn"
    yield f"{rule} {begins} delete @flows {{ {_FLOW} : meta mark }}"
    yield f"{rule} meta mark set {_FLOW} map @flows"
    yield f"{rule} meta mark != @alive meta mark set 0"
    by_slot = "meta mark set meta mark map @slots"
    yield f"{rule} meta mark 0 meta mark set {hashed} {by_slot}"
    yield f"{rule} update @flows {{ {_FLOW} : meta mark }}"


def _nft(text: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def main() -> None:
    """Load the ruleset, then look every interval for as long as the node lives."""
    args = json.loads(sys.argv[1])
    with open(args["ruleset"]) as ruleset:
        # Of an earlier life of this process there may be one.
        _nft("table ip steering\ndelete table ip steering\n" + ruleset.read())

    def is_well(address: str) -> bool:
        try:
            return get(address, 80, args["path"])[0] == 200
        except OSError:
            return False

    steering = Steering(args, look=is_well, apply=_nft)
    due_s = time.monotonic()
    while True:
        steering.look()
        due_s = max(due_s + args["interval_ms"] / 1000, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main()
