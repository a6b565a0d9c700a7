"""Rules of commanding PowerDNS Recursor."""

from __future__ import annotations

from lab.live.daemons.recursor import flush_argv


class TestFlush:
    def test_a_zone_is_forgotten_with_all_below_it(self) -> None:
        assert flush_argv("example.com")[-2:] == ("wipe-cache", "example.com$")
