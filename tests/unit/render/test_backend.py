"""Rules of a backend: who it says it is, where it listens, what it can take."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from lab.backend import app
from lab.render import backend
from lab.render.model import Rendered
from lab.topology.model import Backend

ADDRESS = IPv4Address("10.0.0.9")


def rendered() -> Rendered:
    declared = Backend(capacity_rps=400)
    return backend.render("us-east-be-1", "us-east", ADDRESS, declared)


def option(name: str) -> str:
    argv = rendered().processes[0].argv
    return argv[argv.index(name) + 1]


class TestProcess:
    def test_it_listens_on_its_own_address_alone(self) -> None:
        assert (option("--host"), option("--port")) == (str(ADDRESS), "80")

    def test_it_runs_the_application_of_the_lab(self) -> None:
        module, _, factory = option("--factory").partition(":")

        assert module == app.__name__
        assert callable(getattr(app, factory))

    def test_it_outlasts_every_idle_connection_of_a_balancer(self) -> None:
        assert int(option("--timeout-keep-alive")) >= 3600

    def test_it_is_told_who_it_is_and_what_it_can_take(self) -> None:
        assert dict(rendered().processes[0].env) == {
            "LAB_BACKEND": "us-east-be-1",
            "LAB_BEYOND": "refuse",
            "LAB_CAPACITY_RPS": "400",
            "LAB_POP": "us-east",
            "LAB_REGION": "us-east",
        }

    def test_the_application_reads_what_it_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in rendered().processes[0].env:
            monkeypatch.setenv(name, value)

        assert callable(app.create())


class TestReadiness:
    def test_its_deep_check_must_pass(self) -> None:
        (condition,) = rendered().conditions

        assert condition.kind == "http"
        assert condition.args == {"host": str(ADDRESS), "port": 80, "path": "/deep"}
