"""`python3 -m lab.node.certificates`: the lab's certification authority, and its work.

    authority LAB                       print the authority's certificate
    serve LAB NODE NAMES -- COMMAND...  make the node's own, then become the command

Every node derives the authority's key from the lab's name, so that none has to be kept
or handed out: it vouches for nobody outside the lab, and is no secret. A node's own key
is made anew at each start and stays in its memory.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

FOLDER = "/run/lab/tls"
CERTIFICATE, KEY = "certificate.pem", "key.pem"
#: The order of P-256's group, and the curve's identifier in DER.
#: Source: FIPS 186-5 by way of SP 800-186, section 3.2.1.3; RFC 5480, section 2.1.1.1.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_CURVE = bytes.fromhex("06082a8648ce3d030107")
_DAYS = "3650"


def authority_key(lab: str) -> str:
    """Return the private key of a lab's authority, the same wherever it is asked for.

    Source:
        RFC 5915, section 3; the public half is left out and computed by the reader.
    """
    digest = hashlib.sha256(f"certification authority of {lab}".encode()).digest()
    number = int.from_bytes(digest) % (_ORDER - 1) + 1
    content = b"\x02\x01\x01\x04\x20" + number.to_bytes(32) + b"\xa0\x0a" + _CURVE
    der = b"\x30" + bytes([len(content)]) + content
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def authority(lab: str) -> str:
    """Return the certificate of a lab's authority."""
    return _openssl(
        "-key", "/dev/stdin", "-subj", f"/CN={lab}", given=authority_key(lab)
    )


def make(lab: str, node: str, names: tuple[str, ...], folder: Path) -> None:
    """Write a key, and a certificate of it for these names that names the node too."""
    folder.mkdir(parents=True, exist_ok=True)
    issuer = folder / "authority.pem"
    issuer.write_text(authority(lab))
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    told = ",".join(f"DNS:{name}" for name in names)
    certificate = _openssl(
        *(*key, "-keyout", str(folder / KEY), "-subj", f"/CN={node}"),
        *("-addext", f"subjectAltName={told}", "-addext", "basicConstraints=CA:FALSE"),
        *("-CA", str(issuer), "-CAkey", "/dev/stdin"),
        given=authority_key(lab),
    )
    (folder / CERTIFICATE).write_text(certificate)


def _openssl(*arguments: str, given: str) -> str:
    made = subprocess.run(
        ["openssl", "req", "-x509", "-days", _DAYS, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(f"openssl: {made.stderr.strip()}")
    return made.stdout


def main() -> None:
    """Do as the arguments say."""
    verb, lab, *rest = sys.argv[1:]
    if verb == "authority":
        sys.stdout.write(authority(lab))
        return
    at = rest.index("--")
    node, *names = rest[:at]
    make(lab, node, tuple(names), Path(FOLDER))
    os.execvp(rest[at + 1], rest[at + 1 :])


if __name__ == "__main__":
    main()
