"""Rules of measuring round trips, against this host's own kernel."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lab.node.rtt import Prober

HERE = "127.0.0.1"
SOON_S = 5.0


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as holder:
        holder.bind((HERE, 0))
        yield holder.getsockname()[1]


class TestProber:
    def test_a_refusal_is_a_round_trip(self, closed_port: int) -> None:
        prober = Prober(closed_port)
        prober.begin(HERE)
        prober.wait(SOON_S)

        (took_ms,) = prober.took_ms[HERE]
        assert 0 < took_ms < 1000 * SOON_S

    def test_so_is_an_acceptance(self) -> None:
        with socket.create_server((HERE, 0)) as server:
            prober = Prober(server.getsockname()[1])
            prober.begin(HERE)
            prober.wait(SOON_S)

        assert len(prober.took_ms[HERE]) == 1

    def test_what_cannot_be_reached_took_no_time(self) -> None:
        prober = Prober()
        prober.begin("255.255.255.255")
        prober.wait(SOON_S)

        assert prober.took_ms == {}
