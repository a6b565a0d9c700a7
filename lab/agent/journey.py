"""`python3 -m lab.agent.journey RESOLVER NAME`: one request of one user, step by step.

Prints a JSON object: `wall_ns` (when the question went out), `asked` (what the resolver
said), and `fetched` (what the first address said; null if there is none). Times are in
milliseconds; where a step failed, it has an `error` in place of what it found.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

PATIENCE_S = 3.0
_NS_PER_MS = 1e6


def ask(resolver: str, name: str, *, port: int = 53) -> dict[str, Any]:
    """Ask a resolver for the addresses of a name."""
    question = dns.message.make_query(name, dns.rdatatype.A)
    began_ns = time.monotonic_ns()
    try:
        answer, _ = dns.query.udp_with_fallback(
            question, resolver, timeout=PATIENCE_S, port=port
        )
    except (OSError, dns.exception.DNSException) as exc:
        return {"error": str(exc) or type(exc).__name__, "took_ms": _since_ms(began_ns)}
    found = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A]
    return {
        "took_ms": _since_ms(began_ns),
        "rcode": dns.rcode.to_text(answer.rcode()),
        "ttl_s": min((rrset.ttl for rrset in found), default=0),
        "addresses": [record.address for rrset in found for record in rrset],
    }


def fetch(address: str, name: str, *, port: int = 80) -> dict[str, Any]:
    """Make a request of an address, on a connection of its own."""
    connection = http.client.HTTPConnection(address, port, timeout=PATIENCE_S)
    told: dict[str, Any] = {"address": address}
    began_ns = time.monotonic_ns()
    try:
        connection.connect()
        told["connect_ms"] = _since_ms(began_ns)
        told["source"], told["port"] = connection.sock.getsockname()
        asked_ns = time.monotonic_ns()
        connection.request("GET", "/", headers={"Host": name})
        reply = connection.getresponse()
        body = reply.read().decode("utf-8", "replace")
        told |= {
            "reply_ms": _since_ms(asked_ns),
            "status": reply.status,
            "l7": reply.headers.get("x-l7", ""),
            "body": body,
        }
    except (OSError, http.client.HTTPException) as exc:
        told |= {"error": str(exc) or type(exc).__name__}
        told["took_ms"] = _since_ms(began_ns)
    finally:
        connection.close()
    return told


def main() -> None:
    """Make the journey and tell of it."""
    resolver, name = sys.argv[1:]
    wall_ns = time.time_ns()
    asked = ask(resolver, name)
    addresses = asked.get("addresses")
    fetched = fetch(addresses[0], name) if addresses else None
    told = {"wall_ns": wall_ns, "asked": asked, "fetched": fetched}
    sys.stdout.write(json.dumps(told) + "\n")


def _since_ms(began_ns: int) -> float:
    return (time.monotonic_ns() - began_ns) / _NS_PER_MS


if __name__ == "__main__":
    main()
