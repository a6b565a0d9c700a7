"""A planned node as the environment that its first process reads (`lab.node.spec`)."""

from __future__ import annotations

import json

from lab.plan.model import Node

_MARK = "#### "
#: After the path of a file that is given in base64.
_BINARY = " base64"


def environment(node: Node) -> dict[str, str]:
    """Return `LAB_NODE` (orders, JSON) and `LAB_FILES` (its files, readable text).

    Raises:
        ValueError: A file has a line that would read as the next file's beginning.
    """
    orders = {
        "loopbacks": [str(a) for a in node.loopbacks],
        "routes": [
            {"prefix": str(r.prefix), "via": str(r.via)}
            | ({"source": str(r.source)} if r.source else {})
            | ({"mark": r.mark} if r.mark else {})
            for r in node.routes
        ],
        "boundary": [str(i.address.ip) for i in node.interfaces if i.boundary],
        "keep_net_admin": node.routes_packets,
        "processes": [
            {"name": p.name, "argv": p.argv, "user": p.user, "env": dict(p.env)}
            for p in node.processes
        ],
        "conditions": [
            {"text": c.text, "kind": c.kind, "args": c.args} for c in node.conditions
        ],
    }
    delays = [
        {
            "link": i.link,
            "address": str(i.address),
            "ms": i.delay_ms,
            "relay": i.relays,
        }
        for i in node.interfaces
        if i.delay_ms
    ]
    orders |= {"delays": delays} if delays else {}
    orders |= {"gate": True} if node.gate else {}
    for file in node.files:
        if ("\n" + file.text).find("\n" + _MARK) >= 0:
            raise ValueError(f"{node.name}: {file.path} has a line with {_MARK!r}")
    files = "\n".join(
        f"{_MARK}{f.path}{_BINARY if f.binary else ''}\n{f.text.rstrip()}"
        for f in node.files
    )
    spec = {"LAB_NODE": json.dumps(orders, indent=1)}
    return spec | ({"LAB_FILES": files + "\n"} if files else {})
