"""TLS over bytes in memory: what to send, and what was said. No socket here.

The lab's own authority is the only one that is trusted.
"""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import Any

#: Prints the certificate of a lab's authority (`lab.node.certificates`).
_AUTHORITY = ("-S", "-m", "lab.node.certificates", "authority")


def trusting(lab: str) -> ssl.SSLContext:
    """Return what verifies certificates by the lab's authority, and nobody else's."""
    printed = subprocess.run(
        [sys.executable, *_AUTHORITY, lab], check=True, capture_output=True, text=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and name
    context.load_verify_locations(cadata=printed.stdout)
    return context


class TlsFailed(Exception):
    """The other side is not who it should be, or does not speak TLS; says which."""


class Session:
    """One side of one connection.

    Attributes:
        shaken: Whether the handshake is over.
    """

    __slots__ = ("_came", "_goes", "_tls", "shaken")

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        """Begin nothing yet; `name` is asked for (SNI) and must be certified."""
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname=name)
        self.shaken = False

    def shake(self, data: bytes = b"") -> bytes:
        """Go on with the handshake, given what came; return what to send.

        Raises:
            TlsFailed: It cannot end well.
        """
        self._came.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as exc:
            raise TlsFailed("tls-certificate") from exc
        except ssl.SSLError as exc:
            raise TlsFailed("tls") from exc
        else:
            self.shaken = True
        return self._goes.read()

    def sealed(self, plain: bytes) -> bytes:
        """Return what to send for these bytes."""
        self._tls.write(plain)
        return self._goes.read()

    def opened(self, data: bytes) -> bytes:
        """Return what was said, as far as it has come; b"" at its end too.

        Raises:
            TlsFailed: It makes no sense.
        """
        self._came.write(data)
        said = b""
        try:
            while part := self._tls.read(65_536):
                said += part
        except ssl.SSLWantReadError:
            return said
        except ssl.SSLError as exc:
            raise TlsFailed("tls") from exc
        return said

    @property
    def peer(self) -> str:
        """Whom the certificate names (its common name), "" if nobody."""
        certificate: dict[str, Any] = self._tls.getpeercert() or {}
        names = dict(field for part in certificate.get("subject", ()) for field in part)
        return str(names.get("commonName", ""))
