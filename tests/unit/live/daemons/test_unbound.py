"""Rules of commanding Unbound."""

from __future__ import annotations

from lab.live.daemons.unbound import flush_argv
from lab.render.unbound import CONFIG


class TestFlush:
    def test_a_zone_is_forgotten_with_all_below_it(self) -> None:
        assert flush_argv("example.com") == (
            "unbound-control",
            "-c",
            CONFIG,
            "flush_zone",
            "example.com",
        )
