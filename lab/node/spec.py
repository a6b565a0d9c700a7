"""What a node is told through its environment: `LAB_NODE` and `LAB_FILES`.

`LAB_NODE` is a JSON object; `LAB_FILES` is readable text, each file after a line
`#### <path>`, so that a person can read it in compose.yaml. A binary file comes in
base64, after a line `#### <path> base64`.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARK = "#### "


@dataclass(frozen=True)
class Spec:
    """A node's orders.

    Attributes:
        loopbacks: Addresses to add to `lo`.
        routes: Static routes: {"prefix", "via", "source"?, "mark"?}.
        boundary: Link addresses of the ports that a power-off cuts.
        keep_net_admin: Whether the node routes packets.
        processes: {"name", "argv", "user", "env"} in starting order.
        conditions: {"text", "kind", "args"}.
        delays: {"link", "address", "ms", "relay"} (`lab.node.delay`).
        gate: Whether it builds one (`lab.node.gate`); a host with one port.
    """

    loopbacks: list[str]
    routes: list[dict[str, Any]]
    boundary: list[str]
    keep_net_admin: bool
    processes: list[dict[str, Any]]
    conditions: list[dict[str, Any]]
    delays: list[dict[str, Any]] = field(default_factory=list)
    gate: bool = False


def read_spec(environment: dict[str, str]) -> Spec:
    """Return the orders in `LAB_NODE`."""
    return Spec(**json.loads(environment["LAB_NODE"]))


def write_files(bundle: str) -> None:
    """Write every file of a `LAB_FILES` text, making its folders."""
    for part in ("\n" + bundle).split("\n" + MARK)[1:]:
        head, _, text = part.partition("\n")
        path, _, encoding = head.partition(" ")
        content = binascii.a2b_base64(text) if encoding else f"{text}\n".encode()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
