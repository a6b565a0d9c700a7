"""Rules of commanding BIRD."""

from __future__ import annotations

from lab.live.daemons import bird
from lab.node import announcer
from lab.render.bird import ANYCAST_ROUTES, SOCKET


class TestBirdc:
    def test_it_speaks_to_the_socket_that_bird_was_given(self) -> None:
        assert bird.birdc("show", "status") == (
            *("birdc", "-s", SOCKET),
            *("show", "status"),
        )


class TestWithdraw:
    def test_the_announcer_is_kept_from_announcing_again_first(self) -> None:
        shell, flag, script = bird.withdraw_argv()
        first, then = script.split(" && ")

        assert (shell, flag) == ("sh", "-c")
        assert first == f"touch {announcer.DRAINING_FILE}"
        assert then.endswith(f"disable {ANYCAST_ROUTES}")
