"""Rules of the lab's certification authority, as OpenSSL reads what it made."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from lab.node.certificates import CERTIFICATE, KEY, authority, authority_key, make

NAMES = ("failover.example.com", "anycast.example.com")


def shown(certificate: Path) -> str:
    wanted = ("-noout", "-subject", "-ext", "subjectAltName,basicConstraints")
    argv = ["openssl", "x509", "-in", str(certificate), *wanted]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def vouches(lab: str, certificate: Path, folder: Path) -> bool:
    issuer = folder / "trusted.pem"
    issuer.write_text(authority(lab))
    argv = ["openssl", "verify", "-CAfile", str(issuer), str(certificate)]
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0


class TestAuthority:
    def test_is_the_same_wherever_it_is_asked_for(self) -> None:
        assert authority_key("two-region") == authority_key("two-region")
        assert authority_key("two-region") != authority_key("surge")

    def test_vouches_for_what_another_node_made_and_for_no_other_lab(
        self, tmp_path: Path
    ) -> None:
        make("two-region", "us-east-l7-1", NAMES, tmp_path)

        assert vouches("two-region", tmp_path / CERTIFICATE, tmp_path)
        assert not vouches("surge", tmp_path / CERTIFICATE, tmp_path)


class TestMake:
    def test_a_certificate_is_for_the_names_and_names_the_node(
        self, tmp_path: Path
    ) -> None:
        make("two-region", "us-east-l7-1", NAMES, tmp_path)
        said = shown(tmp_path / CERTIFICATE)

        assert "us-east-l7-1" in said
        assert "DNS:failover.example.com, DNS:anycast.example.com" in said
        assert "CA:FALSE" in said

    def test_each_start_makes_another_key(self, tmp_path: Path) -> None:
        keys = []
        for _ in range(2):
            make("two-region", "us-east-l7-1", NAMES, tmp_path)
            keys.append((tmp_path / KEY).read_text())

        assert keys[0] != keys[1]

    def test_a_server_can_use_both(self, tmp_path: Path) -> None:
        make("two-region", "us-east-l7-1", NAMES, tmp_path)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / CERTIFICATE, tmp_path / KEY)

    def test_names_that_are_none_are_told_in_words(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match="openssl: "):
            make("two-region", "us-east-l7-1", ("",), tmp_path / "new")


class TestMain:
    def test_the_certificate_is_printed(self) -> None:
        argv = [sys.executable, "-m", "lab.node.certificates", "authority", "lab"]
        printed = subprocess.run(argv, check=True, capture_output=True, text=True)

        assert printed.stdout.startswith("-----BEGIN CERTIFICATE-----")
