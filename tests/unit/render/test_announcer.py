"""Rules of what L4 nodes look at, and of who tells BIRD what."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from lab.render import announcer, bird, envoy
from lab.topology.l4 import L4Kind
from lab.topology.timers import GUARD_EVERY_S, Announce, CheckerDeath, Depth
from tests.unit.worlds import quick

TIMERS = quick().timers
SERVICE = IPv4Address("203.0.113.10")
L7 = (IPv4Address("10.0.0.4"), IPv4Address("10.0.0.5"))
GUARDED = TIMERS.announce.model_copy(update={"on_checker_death": CheckerDeath.WITHDRAW})


def looks(depth: Depth, kind: L4Kind = L4Kind.PROXY) -> list[dict[str, Any]]:
    return [dict(look) for look in announcer.looks(depth, kind, SERVICE, L7)]


def told(
    announce: Announce = TIMERS.announce, *, heeded: bool = True
) -> dict[str, dict[str, Any]]:
    looking = tuple(looks(Depth.REGION))
    return {
        process.name: json.loads(process.argv[-1])
        for process in announcer.processes(announce, looking, heeded=heeded)
    }


class TestLooks:
    def test_a_node_asks_its_own_proxy_and_nothing_behind_it(self) -> None:
        (look,) = looks(Depth.NODE)

        assert (look["hosts"], look["port"]) == (["127.0.0.1"], envoy.ADMIN_PORT)
        assert look["status"] == 200

    def test_a_kernel_is_well_when_it_has_its_rules(self) -> None:
        (look,) = looks(Depth.NODE, L4Kind.PACKET)

        assert look["argv"][0] == "nft"

    @pytest.mark.parametrize("kind", list(L4Kind))
    def test_a_pop_is_the_balancer_and_any_reply_of_an_l7_node(
        self, kind: L4Kind
    ) -> None:
        own, proxies = looks(Depth.POP, kind)

        assert [own] == looks(Depth.NODE, kind)
        assert proxies["hosts"] == [str(address) for address in L7]
        assert "status" not in proxies

    @pytest.mark.parametrize("kind", list(L4Kind))
    def test_a_region_is_asked_by_the_way_that_users_take(self, kind: L4Kind) -> None:
        (look,) = looks(Depth.REGION, kind)

        assert (look["hosts"], look["port"]) == ([str(SERVICE)], 80)
        assert (look["path"], look["status"]) == ("/shallow", 200)
        assert "instead" not in look

    def test_what_depends_on_others_is_asked_deep_unless_it_is_drained(self) -> None:
        (look,), (shallow,) = looks(Depth.DEEP), looks(Depth.REGION)

        assert look["path"] == "/deep"
        assert look["instead"] == {bird.DRAINING_FILE: shallow["path"]}


class TestAnnouncer:
    def test_it_decides_by_the_timers_of_the_topology(self) -> None:
        for key in ("bound", "interval_ms", "fall", "rise"):
            assert told()["announcer"][key] == getattr(TIMERS.announce, key)

    def test_it_commands_all_routes(self) -> None:
        args = told()["announcer"]

        assert args["socket"] == bird.SOCKET
        assert args["routes"] == [
            bird.ANYCAST_ROUTES,
            bird.DRAINING_ROUTES,
            bird.UNICAST_ROUTES,
        ]

    @pytest.mark.parametrize(
        ("file", "kept_back"),
        [
            (bird.DRAINING_FILE, {bird.ANYCAST_ROUTES}),
            (
                bird.LEAVING_FILE,
                {bird.ANYCAST_ROUTES, bird.DRAINING_ROUTES, bird.UNICAST_ROUTES},
            ),
            (bird.WITHDRAWN_FILE, {bird.ANYCAST_ROUTES, bird.DRAINING_ROUTES}),
        ],
    )
    def test_what_is_to_go_is_kept_back_while_a_file_is_there(
        self, file: str, kept_back: set[str]
    ) -> None:
        withheld = told()["announcer"]["withheld"]

        assert {name for name in withheld if file in withheld[name]} == kept_back

    def test_it_is_alone_and_gives_no_sign_unless_a_region_wants_a_guard(self) -> None:
        assert list(told()) == ["announcer"]
        assert told()["announcer"]["alive"] == ""


class TestGuard:
    def test_it_looks_for_the_signs_that_the_announcer_gives(self) -> None:
        args = told(GUARDED)

        assert list(args) == ["announcer", "guard"]
        for key in ("alive", "silent_ms", "socket"):
            assert args["guard"][key] == args["announcer"][key]
        assert args["guard"]["alive"] == announcer.ALIVE
        assert args["guard"]["every_ms"] == GUARD_EVERY_S * 1000

    def test_it_waits_longer_than_the_longest_look_takes(self) -> None:
        assert told(GUARDED)["guard"]["silent_ms"] == 200 + 2 * 500

    @pytest.mark.parametrize(
        ("heeded", "goes"),
        [
            (True, [bird.ANYCAST_ROUTES]),
            (False, [bird.ANYCAST_ROUTES, bird.DRAINING_ROUTES]),
        ],
    )
    def test_it_leaves_the_marked_route_to_those_who_heed_the_mark(
        self, heeded: bool, goes: list[str]
    ) -> None:
        assert told(GUARDED, heeded=heeded)["guard"]["withdraws"] == goes


class TestStandingBy:
    def test_it_decides_by_the_timers_of_the_topology(self) -> None:
        standby = bird.Standby(
            name="in-reserve",
            prefix=IPv4Network("198.18.68.0/24"),
            primary=IPv4Address("203.0.113.138"),
        )

        process = announcer.standing_by(SERVICE, standby, TIMERS.announce)

        args = json.loads(process.argv[-1])
        assert process.argv[:3] == ("python3", "-m", "lab.node.standby")
        assert {k: args[k] for k in ("interval_ms", "fall", "rise")} == {
            "interval_ms": TIMERS.announce.interval_ms,
            "fall": TIMERS.announce.fall,
            "rise": TIMERS.announce.rise,
        }
