"""How long all scenarios about DNS take, one after the other, on labs kept up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.about_dns import ARGUMENTS

pytestmark = pytest.mark.bench

ROOT = Path(__file__).parents[2]
MOST_S = 480


def test_the_questions_about_dns_are_answered_in_eight_minutes() -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "--durations=0", *ARGUMENTS]
    begun = time.monotonic()
    subprocess.run(argv, check=True, cwd=ROOT)
    took_s = time.monotonic() - begun

    print(f"\nthe catalogue of questions about DNS: {took_s:.0f} s of {MOST_S} s")
    assert took_s <= MOST_S
