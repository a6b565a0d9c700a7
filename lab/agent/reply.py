"""Reading an HTTP/1.1 reply out of the bytes that have arrived so far. Pure.

Only what a service of the lab sends: one reply per request, its body ended by
Content-Length, by the last chunk or by the end of the stream (RFC 9112, section 6.3).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

#: By which fields a backend or our L7 nodes, and Envoy by itself, refuse for load.
_OVERLOAD = frozenset({b"x-overload", b"x-envoy-overloaded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A complete reply.

    Attributes:
        status: 0 if there was no status line.
        region: Who sent it, as the body says; likewise `pop` and `backend`.
        l7: The L7 node that passed it on, as it says itself.
        cookie: `name=value` that it sets, "" if none (RFC 6265, section 5.2).
        overload: It is a refusal for load.
        readable: It is HTTP, and its body names the sender if the status is 200.
        persists: Its connection can carry another request (RFC 9112, section 9.3).
    """

    status: int
    region: str = ""
    pop: str = ""
    backend: str = ""
    l7: str = ""
    cookie: str = ""
    overload: bool = False
    readable: bool = True
    persists: bool = False

    @property
    def error(self) -> str:
        """The word for it in an attempt; "" for a good reply."""
        if self.overload:
            return "overload"
        if not self.readable:
            return "bad-reply"
        return "" if self.status == 200 else f"http-{self.status}"


def read_reply(data: bytes, *, ended: bool) -> Reply | None:
    """Return the reply in `data`; None while it is incomplete.

    Args:
        data: All bytes received on the connection.
        ended: Whether the peer has closed its side.
    """
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    status_line, *lines = head.split(b"\r\n")
    headers = dict(_header(line) for line in lines)
    whole = _whole_body(headers, body, ended=ended)
    if whole is None:
        return None
    persists = not ended and _persists(headers, body)
    status = _status(status_line)
    reply = Reply(
        status=status,
        l7=headers.get(b"x-l7", b"").decode(errors="replace"),
        cookie=_cookie(headers.get(b"set-cookie", b"")),
        overload=status == 503 and not _OVERLOAD.isdisjoint(headers),
        readable=status > 0,
        persists=persists,
    )
    return _told(reply, whole) if status == 200 else reply


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()


def _cookie(value: bytes) -> str:
    return value.partition(b";")[0].strip().decode("ascii", errors="ignore")


def _status(line: bytes) -> int:
    words = line.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _persists(headers: dict[bytes, bytes], body: bytes) -> bool:
    if b"close" in headers.get(b"connection", b"").lower():
        return False
    if b"transfer-encoding" in headers:
        return body.endswith(b"0\r\n\r\n")
    return headers.get(b"content-length") == b"%d" % len(body)


def _whole_body(
    headers: dict[bytes, bytes], body: bytes, *, ended: bool
) -> bytes | None:
    if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
        return _unchunked(body)
    length = headers.get(b"content-length", b"")
    if length.isdigit():
        return body[: int(length)] if len(body) >= int(length) else None
    return body if ended else None


def _unchunked(body: bytes) -> bytes | None:
    whole = b""
    while b"\r\n" in body:
        size, _, rest = body.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            return b""  # no JSON either, so no good reply
        if length == 0:
            return whole
        whole, body = whole + rest[:length], rest[length + 2 :]
    return None


def _told(reply: Reply, body: bytes) -> Reply:
    """Return a reply with what its body says of its sender."""
    try:
        said = json.loads(body)
        sender = {key: said[key] for key in ("region", "pop", "backend")}
    except (ValueError, KeyError, TypeError):
        return replace(reply, readable=False)
    return replace(reply, **sender)
