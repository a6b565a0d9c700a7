"""Rules of the backend's paths, without a server in front of it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from lab.backend.app import Application, application, create

ENVIRONMENT = {
    "LAB_REGION": "us-east",
    "LAB_POP": "us-east",
    "LAB_BACKEND": "us-east-be-1",
    "LAB_CAPACITY_RPS": "2",
    "LAB_BEYOND": "refuse",
}


def get(app: Application, path: str) -> tuple[int, Any, dict[bytes, bytes]]:
    """Return status, body and headers."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": path}

    async def ask() -> None:
        await app(scope, receive, send)

    asyncio.run(ask())
    start, body = sent
    return start["status"], json.loads(body["body"]), dict(start["headers"])


def backend(tmp_path: Path, **changed: str) -> Application:
    return application(
        {**ENVIRONMENT, **changed},
        draining=str(tmp_path / "draining"),
        browned_out=str(tmp_path / "browned-out"),
        clock_ns=lambda: 0,
    )


class TestService:
    def test_a_reply_names_region_pop_and_backend(self, tmp_path: Path) -> None:
        status, body, headers = get(backend(tmp_path), "/")

        assert status == 200
        assert body == {
            "region": "us-east",
            "pop": "us-east",
            "backend": "us-east-be-1",
        }
        assert headers[b"content-length"] == str(len(json.dumps(body))).encode()

    def test_beyond_its_capacity_it_refuses_with_the_word_overload(
        self, tmp_path: Path
    ) -> None:
        app = backend(tmp_path)
        get(app, "/")
        get(app, "/")

        status, body, headers = get(app, "/")

        assert (status, body) == (503, {"error": "overload"})
        assert headers[b"x-overload"] == b"1"

    def test_every_path_but_those_of_checks_is_the_service(
        self, tmp_path: Path
    ) -> None:
        _, body, _ = get(backend(tmp_path), "/canary/cart")

        assert body["backend"] == "us-east-be-1"


class TestHealth:
    def test_both_checks_pass_on_a_working_backend(self, tmp_path: Path) -> None:
        app = backend(tmp_path)

        assert get(app, "/shallow")[0] == 200
        assert get(app, "/deep")[0] == 200

    def test_while_draining_only_the_deep_check_fails(self, tmp_path: Path) -> None:
        app = backend(tmp_path)
        (tmp_path / "draining").touch()

        assert get(app, "/deep")[:2] == (503, {"error": "draining"})
        assert get(app, "/shallow")[0] == 200
        assert get(app, "/")[0] == 200

    def test_a_drain_that_is_undone_is_seen_at_once(self, tmp_path: Path) -> None:
        app = backend(tmp_path)
        (tmp_path / "draining").touch()
        (tmp_path / "draining").unlink()

        assert get(app, "/deep")[0] == 200

    def test_browned_out_it_fails_its_users_and_the_deep_check_alone(
        self, tmp_path: Path
    ) -> None:
        app = backend(tmp_path)
        (tmp_path / "browned-out").touch()

        assert get(app, "/")[:2] == (500, {"error": "brown-out"})
        assert get(app, "/deep")[:2] == (503, {"error": "brown-out"})
        assert get(app, "/shallow")[0] == 200

    def test_a_brown_out_that_is_undone_leaves_nothing_behind(
        self, tmp_path: Path
    ) -> None:
        app = backend(tmp_path)
        (tmp_path / "browned-out").touch()
        get(app, "/")
        (tmp_path / "browned-out").unlink()

        assert get(app, "/")[0] == get(app, "/deep")[0] == 200

    def test_health_checks_use_up_no_capacity(self, tmp_path: Path) -> None:
        app = backend(tmp_path, LAB_CAPACITY_RPS="1")
        for path in ("/deep", "/shallow", "/deep"):
            get(app, path)

        assert get(app, "/")[0] == 200


class TestCreate:
    def test_all_missing_variables_are_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ENVIRONMENT:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LAB_POP", "us-east")

        with pytest.raises(SystemExit, match="LAB_REGION, LAB_BACKEND"):
            create()

    def test_the_environment_is_the_configuration(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)

        assert get(create(), "/")[1]["backend"] == "us-east-be-1"


class TestQueue:
    def test_more_than_it_serves_waits_and_is_served(self, tmp_path: Path) -> None:
        app = backend(tmp_path, LAB_BEYOND="queue", LAB_CAPACITY_RPS="20")
        get(app, "/")
        begun_s = time.monotonic()

        status, _, _ = get(app, "/")

        assert status == 200
        assert time.monotonic() - begun_s >= 0.05

    def test_health_checks_wait_in_the_same_line(self, tmp_path: Path) -> None:
        app = backend(tmp_path, LAB_BEYOND="queue", LAB_CAPACITY_RPS="20")
        get(app, "/")
        begun_s = time.monotonic()

        assert get(app, "/deep")[0] == 200
        assert time.monotonic() - begun_s >= 0.05
