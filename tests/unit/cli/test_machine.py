from __future__ import annotations

import pytest

from lab.cli.main import status_of
from lab.live import bootstrap, doctor
from lab.live.bootstrap import EngineInfo
from lab.live.checks import Check, CheckState

Output = pytest.CaptureFixture[str]

GOOD = Check(name="python", state=CheckState.OK, seen="3.13.5")
FAIR = Check(name="disk", state=CheckState.WARN, seen="5 GiB", advice="make room")
BAD = Check(name="engine", state=CheckState.FAIL, seen="none", advice="start one")


class TestDoctor:
    @pytest.mark.parametrize(
        ("checks", "status"), [((GOOD,), 0), ((GOOD, FAIR), 0), ((GOOD, BAD), 3)]
    )
    def test_only_what_fails_makes_the_machine_unfit(
        self, checks: tuple[Check, ...], status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doctor, "examine", lambda _: checks)

        assert status_of(["doctor"]) == status

    def test_what_is_not_well_comes_with_advice(
        self, monkeypatch: pytest.MonkeyPatch, capsys: Output
    ) -> None:
        monkeypatch.setattr(doctor, "examine", lambda _: (GOOD, FAIR, BAD))

        status_of(["doctor"])

        seen = capsys.readouterr()
        assert "make room" in seen.out
        assert "start one" in seen.out
        assert "this machine is not ready: engine" in seen.err

    def test_fix_says_which_engine_there_is_now(
        self, monkeypatch: pytest.MonkeyPatch, capsys: Output
    ) -> None:
        info = EngineInfo(
            version="20.10", api_version="1.41", machine="x86_64", started=True
        )
        monkeypatch.setattr(bootstrap, "ensure_engine", lambda *_: info)

        assert status_of(["doctor", "--fix"]) == 0
        assert capsys.readouterr().out == (
            "engine: 20.10 on x86_64, started just now\n"
        )
