"""Rules of commanding BIRD."""

from __future__ import annotations

from lab.live.daemons import bird
from lab.render.bird import (
    ANYCAST_ROUTES,
    DRAINING_FILE,
    DRAINING_ROUTES,
    SOCKET,
    WITHDRAWN_FILE,
)


class TestBirdc:
    def test_it_speaks_to_the_socket_that_bird_was_given(self) -> None:
        assert bird.birdc("show", "status") == (
            *("birdc", "-s", SOCKET),
            *("show", "status"),
        )


class TestWithhold:
    def test_the_announcer_is_kept_from_announcing_again_first(self) -> None:
        for argv, file in (
            (bird.drain_argv(), DRAINING_FILE),
            (bird.withdraw_argv(), WITHDRAWN_FILE),
        ):
            shell, flag, script = argv

            assert (shell, flag) == ("sh", "-c")
            assert script.split(" && ")[0] == f"touch {file}"

    def test_a_drain_leaves_the_marked_route(self) -> None:
        assert bird.drain_argv()[-1].endswith(f"disable {ANYCAST_ROUTES}")

    def test_a_withdrawal_leaves_none_that_begins_so(self) -> None:
        assert bird.withdraw_argv()[-1].endswith(f"""disable '"{ANYCAST_ROUTES}*"'""")
        assert DRAINING_ROUTES.startswith(ANYCAST_ROUTES)
