"""Rules of who announces in another region's place, with services that are faked."""

from __future__ import annotations

import pytest

from lab.node import orders, probes, standby
from lab.node.standby import Standby

RISE, FALL = 2, 3
PRIMARY, OWN = "203.0.113.10", "203.0.113.138"
ROUTES = "standby_reactive"


class Services:
    """What each address replies with; nobody is at one that is not there."""

    def __init__(self) -> None:
        self.status = {PRIMARY: 200, OWN: 200}

    def get(self, host: str, port: int, path: str, *, timeout_s: float) -> object:
        assert (port, path, timeout_s) == (80, "/deep", 0.5)
        if host not in self.status:
            raise TimeoutError
        return self.status[host], ""


class Bird:
    """Keeps what it is told, and obeys; refuses while it is not there."""

    def __init__(self) -> None:
        self.there = True
        self.state = "down"
        self.told: list[str] = []

    def bird(self, path: str, command: str) -> str:
        assert path == "/run/lab/bird.ctl"
        if not self.there:
            raise FileNotFoundError(path)
        if command == "show protocols":
            return f"1002-{ROUTES} Static master4 {self.state} 0:00\n0000 \n"
        self.told.append(command)
        self.state = {f"enable {ROUTES}": "up", f"disable {ROUTES}": "down"}[command]
        return "0000"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    services = Services()
    monkeypatch.setattr(standby, "get", services.get)
    return services


@pytest.fixture
def bird(monkeypatch: pytest.MonkeyPatch) -> Bird:
    bird = Bird()
    for module in (orders, probes):
        monkeypatch.setattr(module, "bird", bird.bird)
    return bird


@pytest.fixture
def waiting(services: Services, bird: Bird) -> Standby:
    return Standby(
        {
            "socket": "/run/lab/bird.ctl",
            "routes": ROUTES,
            "primary": PRIMARY,
            "own": OWN,
            "port": 80,
            "path": "/deep",
            "timeout_ms": 500,
            "interval_ms": 100,
            "fall": FALL,
            "rise": RISE,
        }
    )


def look(waiting: Standby, times: int) -> None:
    for _ in range(times):
        waiting.look()


class TestLook:
    def test_nothing_is_announced_while_the_other_is_well(
        self, waiting: Standby, bird: Bird, capsys: pytest.CaptureFixture[str]
    ) -> None:
        look(waiting, RISE - 1)
        assert capsys.readouterr().out == ""

        look(waiting, 5)
        assert "enable" not in " ".join(bird.told)
        assert "takes the other region for well\n" in capsys.readouterr().out

    def test_one_that_starts_takes_back_what_an_earlier_one_left(
        self, waiting: Standby, bird: Bird
    ) -> None:
        bird.state = "up"
        look(waiting, RISE - 1)
        assert bird.told == []

        look(waiting, 3)
        assert bird.told == [f"disable {ROUTES}"]

    @pytest.mark.parametrize("status", [None, 503])
    def test_it_is_dead_after_enough_bad_replies_in_a_row(
        self, waiting: Standby, services: Services, bird: Bird, status: int | None
    ) -> None:
        if status is None:
            del services.status[PRIMARY]
        else:
            services.status[PRIMARY] = status
        look(waiting, FALL - 1)
        assert bird.told == []

        look(waiting, 3)
        assert bird.told == [f"enable {ROUTES}"]

    def test_a_good_reply_in_between_starts_the_count_anew(
        self, waiting: Standby, services: Services, bird: Bird
    ) -> None:
        for status in (503, 503, 200, 503, 503):
            services.status[PRIMARY] = status
            look(waiting, 1)

        assert bird.told == []

    def test_it_stands_back_when_the_other_is_well_again(
        self, waiting: Standby, services: Services, bird: Bird
    ) -> None:
        services.status[PRIMARY] = 503
        look(waiting, FALL)
        services.status[PRIMARY] = 200
        look(waiting, RISE - 1)
        assert bird.told == [f"enable {ROUTES}"]

        look(waiting, 1)
        assert bird.told[1:] == [f"disable {ROUTES}"]

    def test_who_is_not_well_stands_in_for_nobody(
        self, waiting: Standby, services: Services, bird: Bird
    ) -> None:
        services.status = {PRIMARY: 503, OWN: 503}
        look(waiting, FALL + 1)
        assert bird.told == []

        services.status[OWN] = 200
        look(waiting, 1)
        assert bird.told == [f"enable {ROUTES}"]

    def test_without_bird_the_next_look_tries_again(
        self, waiting: Standby, services: Services, bird: Bird
    ) -> None:
        services.status[PRIMARY], bird.there = 503, False
        look(waiting, FALL)

        bird.there = True
        look(waiting, 1)
        assert bird.told == [f"enable {ROUTES}"]


class TestWithdraw:
    def test_what_is_announced_goes(
        self, waiting: Standby, services: Services, bird: Bird
    ) -> None:
        services.status[PRIMARY] = 503
        look(waiting, FALL)
        waiting.withdraw()
        assert bird.told[1:] == [f"disable {ROUTES}"]
