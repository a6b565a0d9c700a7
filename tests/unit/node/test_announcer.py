"""Rules of the announcer, with a service and a BIRD that a test decides about."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab.node import probes
from lab.node.announcer import Announcer, is_well
from lab.topology.timers import LONGEST_LOOK_S

RISE, FALL = 2, 3
SILENT_MS = 1100
ANYCAST, UNICAST = "anycast", "unicast"


class Service(HTTPServer):
    """Replies with the status that it is given."""

    status = 200

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(self.server, Service)
            self.server.asked.append(self.path)
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), self.Handler)


class Bird(socketserver.UnixStreamServer):
    """Keeps the commands that it is told on its control socket, and obeys."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            assert isinstance(self.server, Bird)
            self.wfile.write(b"0001 BIRD 2.17.1 ready.\n")
            self.wfile.write(self.server.obey(self.rfile.readline().decode().strip()))

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self.enabled: set[str] = set()
        super().__init__(str(path), self.Handler)

    def obey(self, command: str) -> bytes:
        verb, name = command.split()
        if verb == "show":
            assert name == "protocols"
            rows = (
                f" {each} Static master4 {state} 0:00"
                for each in (ANYCAST, UNICAST)
                for state in ("up" if each in self.enabled else "down",)
            )
            return "\n".join(("1002-", *rows, "0000 \n")).encode()
        self.told.append(command)
        (self.enabled.add if verb == "enable" else self.enabled.discard)(name)
        return b"0010-done\n0000 \n"

    def since_last(self) -> list[str]:
        told, self.told = self.told, []
        return told


class Clock:
    """Stands still unless a test lets time pass."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    with served(server := Service()):
        yield server


@pytest.fixture
def control(tmp_path: Path) -> Path:
    return tmp_path / "bird.ctl"


@pytest.fixture
def bird(control: Path) -> Iterator[Bird]:
    with served(server := Bird(control)):
        yield server


@pytest.fixture
def draining(tmp_path: Path) -> Path:
    return tmp_path / "draining"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watching(
    service: Service, control: Path, draining: Path, clock: Clock
) -> Announcer:
    host, port = service.server_address[:2]
    look = {"hosts": [host], "port": port, "path": "/shallow", "status": 200}
    return Announcer(
        {
            "socket": str(control),
            "looks": [look],
            "alive": "",
            "silent_ms": SILENT_MS,
            "interval_ms": 100,
            "rise": RISE,
            "fall": FALL,
            "bound": True,
            "routes": [ANYCAST, UNICAST],
            "withheld": {ANYCAST: [str(draining)]},
        },
        clock_s=clock,
    )


def look(watching: Announcer, times: int) -> None:
    for _ in range(times):
        watching.look()


@pytest.fixture
def announcing(watching: Announcer, bird: Bird) -> Announcer:
    look(watching, RISE)
    bird.since_last()
    return watching


class TestRise:
    def test_nothing_is_announced_before_enough_good_replies_in_a_row(
        self, watching: Announcer, bird: Bird
    ) -> None:
        look(watching, RISE - 1)

        assert bird.since_last() == []

        look(watching, 1)

        assert bird.since_last() == [f"enable {ANYCAST}", f"enable {UNICAST}"]

    def test_a_bad_reply_in_between_starts_the_count_anew(
        self, watching: Announcer, bird: Bird, service: Service
    ) -> None:
        for status in (200, 503, 200):
            service.status = status
            look(watching, 1)

        assert bird.since_last() == []

    def test_what_is_announced_is_not_announced_again(
        self, announcing: Announcer, bird: Bird
    ) -> None:
        look(announcing, RISE)

        assert bird.since_last() == []


class TestFall:
    def test_it_withdraws_after_enough_bad_replies_in_a_row(
        self, announcing: Announcer, bird: Bird, service: Service
    ) -> None:
        service.status = 503
        look(announcing, FALL - 1)

        assert bird.since_last() == []

        look(announcing, 1)

        assert bird.since_last() == [f"disable {ANYCAST}", f"disable {UNICAST}"]

    def test_a_good_reply_in_between_starts_the_count_anew(
        self, announcing: Announcer, bird: Bird, service: Service
    ) -> None:
        for status in (503, 503, 200, 503, 503):
            service.status = status
            look(announcing, 1)

        assert bird.since_last() == []

    def test_no_reply_is_a_bad_one(
        self, announcing: Announcer, bird: Bird, service: Service
    ) -> None:
        announcing._args["looks"][0]["port"] = 1
        look(announcing, FALL)

        assert bird.since_last() == [f"disable {ANYCAST}", f"disable {UNICAST}"]


class TestForgetting:
    ALL = (f"disable {ANYCAST}", f"disable {UNICAST}")

    def test_one_that_starts_takes_back_what_an_earlier_one_left(
        self, watching: Announcer, bird: Bird, service: Service
    ) -> None:
        bird.enabled = {ANYCAST, UNICAST}
        service.status = 503
        look(watching, FALL - 1)

        assert bird.since_last() == []

        look(watching, 1)

        assert bird.since_last() == [*self.ALL]

    def test_one_that_was_silent_announces_once_it_has_looked(
        self, announcing: Announcer, bird: Bird, clock: Clock
    ) -> None:
        bird.enabled.clear()  # so did its guard
        clock.now_s += SILENT_MS / 1000
        look(announcing, RISE - 1)

        assert bird.since_last() == []

        look(announcing, 1)

        assert bird.since_last() == [f"enable {ANYCAST}", f"enable {UNICAST}"]

    def test_a_service_that_died_meanwhile_is_withdrawn_and_not_announced_first(
        self, announcing: Announcer, bird: Bird, service: Service, clock: Clock
    ) -> None:
        clock.now_s += SILENT_MS / 1000
        service.status = 503
        look(announcing, FALL)

        assert bird.since_last() == [*self.ALL]

    def test_one_that_is_only_slow_forgets_nothing(
        self, announcing: Announcer, bird: Bird, clock: Clock
    ) -> None:
        for _ in range(FALL):
            clock.now_s += SILENT_MS / 1000 - 0.1
            look(announcing, 1)

        assert bird.since_last() == []


class TestSignOfLife:
    def test_it_is_given_at_each_look_where_somebody_watches(
        self, watching: Announcer, bird: Bird, tmp_path: Path
    ) -> None:
        alive = tmp_path / "alive"
        watching._args["alive"] = str(alive)

        look(watching, 1)
        first_ns = alive.stat().st_mtime_ns
        os.utime(alive, ns=(0, 0))
        look(watching, 1)

        assert alive.stat().st_mtime_ns >= first_ns


class TestIsWell:
    @pytest.fixture
    def there(self, service: Service, draining: Path) -> dict[str, Any]:
        host, port = service.server_address[:2]
        return {"hosts": [host], "port": port, "path": "/deep"}

    @pytest.mark.parametrize(
        ("wanted", "status", "well"),
        [({}, 503, True), ({"status": 200}, 503, False), ({"status": 200}, 200, True)],
    )
    def test_any_reply_will_do_unless_one_is_asked_for(
        self,
        there: dict[str, Any],
        service: Service,
        wanted: dict[str, int],
        status: int,
        well: bool,
    ) -> None:
        service.status = status

        assert is_well({**there, **wanted}) is well

    def test_one_of_several_is_enough(self, there: dict[str, Any]) -> None:
        assert is_well({**there, "hosts": ["127.0.0.2", *there["hosts"]]})
        assert not is_well({**there, "hosts": ["127.0.0.2"]})

    def test_who_is_drained_is_asked_for_something_else(
        self, there: dict[str, Any], service: Service, draining: Path
    ) -> None:
        look = {**there, "instead": {str(draining): "/shallow"}}
        is_well(look)
        draining.touch()
        is_well(look)
        is_well(there)

        assert service.asked == ["/deep", "/shallow", "/deep"]

    @pytest.mark.parametrize(
        ("argv", "well"), [(["true"], True), (["false"], False), (["no-such"], False)]
    )
    def test_a_program_must_succeed(self, argv: list[str], well: bool) -> None:
        assert is_well({"argv": argv}) is well

    def test_a_look_ends_when_the_topology_says(self) -> None:
        assert probes.PROBE_TIMEOUT_S == LONGEST_LOOK_S


class TestUnbound:
    def test_it_announces_when_it_is_well_and_forever(
        self, announcing: Announcer, bird: Bird, service: Service
    ) -> None:
        announcing._args["bound"] = False
        service.status = 503
        look(announcing, FALL + 1)

        assert bird.since_last() == []


class TestDrain:
    def test_the_drained_route_goes_and_the_other_follows_health(
        self, announcing: Announcer, bird: Bird, draining: Path
    ) -> None:
        draining.touch()
        look(announcing, 1)

        assert bird.since_last() == [f"disable {ANYCAST}"]

    def test_it_comes_back_with_the_end_of_the_drain(
        self, announcing: Announcer, bird: Bird, draining: Path
    ) -> None:
        draining.touch()
        look(announcing, 1)
        draining.unlink()
        bird.since_last()

        look(announcing, 1)

        assert bird.since_last() == [f"enable {ANYCAST}"]

    def test_one_that_ended_between_two_looks_leaves_nothing_withdrawn(
        self, announcing: Announcer, bird: Bird
    ) -> None:
        bird.enabled.discard(ANYCAST)  # whoever drains tells BIRD itself

        look(announcing, 1)

        assert bird.since_last() == [f"enable {ANYCAST}"]


class TestWithdraw:
    def test_all_that_is_announced_goes(
        self, announcing: Announcer, bird: Bird
    ) -> None:
        announcing.withdraw()

        assert bird.since_last() == [f"disable {ANYCAST}", f"disable {UNICAST}"]


class TestAnotherBird:
    def test_it_is_told_what_the_last_one_was(
        self, watching: Announcer, control: Path
    ) -> None:
        with served(first := Bird(control)):
            look(watching, RISE)
        control.unlink()
        with served(second := Bird(control)):
            look(watching, 2)

        assert first.told == [f"enable {ANYCAST}", f"enable {UNICAST}"]
        assert second.told == first.told


class TestWithoutBird:
    def test_the_next_look_tries_again(
        self, watching: Announcer, control: Path
    ) -> None:
        look(watching, RISE)
        with served(late := Bird(control)):
            look(watching, 1)

        assert late.since_last() == [f"enable {ANYCAST}", f"enable {UNICAST}"]
