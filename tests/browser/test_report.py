"""The report as a browser draws it, without a network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.report.html import page
from tests.unit.report.stories import facts, power_off

pytestmark = pytest.mark.browser

_DEADLINE_S = 120
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--virtual-time-budget=10000"),
)


def drawn(folder: Path) -> str:
    """Return the page's elements once its scripts have run."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    told = power_off()
    file = folder / "report.html"
    whole = page(told.verdict, told.history, told.scenario, told.topology, facts())
    file.write_text(whole, encoding="utf-8")
    done = subprocess.run(
        [browser, *_QUIET, f"--user-data-dir={folder}/profile", "--dump-dom", file],
        capture_output=True,
        text=True,
        check=True,
        timeout=_DEADLINE_S,
    )
    return done.stdout


def test_pictures_are_drawn_with_their_lanes_marks_and_causes(tmp_path: Path) -> None:
    dom = drawn(tmp_path)

    assert dom.count('class="main-svg"') >= 3
    assert "failover · clamping · not pinned (us, eu)" in dom
    assert "provider-b: down" in dom
    assert ">resolver-clamp</text>" in dom
