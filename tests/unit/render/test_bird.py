"""Rules of BIRD's configuration: who announces what to whom, and who says when."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType

import pytest

from lab.plan.model import Process
from lab.render import announcer, bird
from lab.render.model import Rendered
from lab.topology.timers import Bfd, Timers
from tests.unit.worlds import real

OWN = IPv4Network("203.0.113.0/25")
ANYCAST = IPv4Network("198.51.100.0/24")
SERVICE = IPv4Address("203.0.113.10")
TIMERS = real().timers


def peer(name: str, asn: int, exports: str, *, imports: bool = True) -> bird.Peer:
    return bird.Peer(
        name=name,
        asn=asn,
        local=IPv4Address("10.0.0.2"),
        remote=IPv4Address("10.0.0.3"),
        exports=exports,
        imports=imports,
    )


def router(
    *,
    hosts: tuple[tuple[IPv4Address, IPv4Address], ...] = (),
    timers: Timers = TIMERS,
    learning: bool = False,
    prepends: Mapping[IPv4Network, int] = MappingProxyType({}),
) -> Rendered:
    inside = "learned" if learning else "none"
    return bird.router(
        "us-east-edge",
        asn=64496,
        router_id=OWN[1],
        aggregate=OWN,
        hosts=hosts,
        peers=(peer("transit-a", 64500, "all"), peer("us-east-l4-1", 64496, inside)),
        learns=((ANYCAST, 2), (IPv4Network("198.18.0.0/24"), 1)),
        timers=timers,
        prepends=prepends,
    )


def announcing(*standbys: bird.Standby) -> Rendered:
    return bird.announcing(
        "us-east-l4-1",
        asn=64496,
        router_id=IPv4Address("10.0.0.3"),
        anycast=(ANYCAST,),
        unicast=SERVICE,
        peers=(peer("us-east-edge", 64496, "static", imports=False),),
        learns=(),
        timers=TIMERS,
        announcers=announcers(*standbys),
        standbys=standbys,
    )


def announcers(*standbys: bird.Standby) -> tuple[Process, ...]:
    return (
        *announcer.processes(TIMERS.announce, (), heeded=True),
        *(announcer.standing_by(SERVICE, s, TIMERS.announce) for s in standbys),
    )


def protocols(rendered: Rendered) -> dict[str, str]:
    """Return {"bgp to_x": body} and so on, comments left out."""
    (file,) = rendered.files
    text = re.sub(r"#.*", "", file.text)
    blocks = re.findall(r"^protocol ([^{]+?) \{(.*?)^\}$", text, re.M | re.S)
    return {re.sub(r" from session$", "", name): body for name, body in blocks}


def settings(body: str) -> list[str]:
    return [" ".join(s.split()) for s in re.split(r"[;{}]", body) if s.strip()]


class TestPeer:
    def test_a_session_is_a_name_that_bird_can_read(self) -> None:
        assert peer("us-east-l4-1", 1, "all").session == "to_us_east_l4_1"


class TestRouter:
    def test_it_originates_its_aggregate_whatever_is_behind_it(self) -> None:
        assert f"route {OWN} unreachable" in settings(
            protocols(router())["static aggregate"]
        )

    def test_servers_behind_it_have_host_routes(self) -> None:
        server = (IPv4Address("203.0.113.53"), IPv4Address("10.0.0.9"))

        servers = settings(protocols(router(hosts=(server,)))["static servers"])

        assert "route 203.0.113.53/32 via 10.0.0.9" in servers
        assert "static servers" not in protocols(router())

    def test_equal_paths_share_the_traffic(self) -> None:
        assert "merge paths on" in protocols(router())["kernel"]

    def test_a_neighbour_is_told_the_aggregate_and_no_host_route(self) -> None:
        (export,) = (
            s
            for s in settings(protocols(router())["bgp to_transit_a"])
            if s.startswith("export")
        )

        assert "source = RTS_BGP && net.len < 32" in export
        assert f"[ {OWN} ]" in protocols(router())["bgp to_transit_a"]

    def test_what_other_networks_mark_as_going_is_a_last_choice(self) -> None:
        sessions = protocols(router())
        heeding = "if (65535, 0) ~ bgp_community then bgp_local_pref = 0;"

        assert heeding in router().files[0].text
        assert "heed_what_is_going()" in settings(sessions["bgp to_transit_a"])
        assert "import all" in settings(sessions["bgp to_us_east_l4_1"])

    def test_a_router_that_heeds_no_mark_takes_all_routes_alike(self) -> None:
        deaf = TIMERS.bgp.model_copy(update={"heeds_graceful_shutdown": False})
        rendered = router(timers=TIMERS.model_copy(update={"bgp": deaf}))

        assert "heed" not in rendered.files[0].text
        assert "import all" in settings(protocols(rendered)["bgp to_transit_a"])

    def test_a_path_is_made_longer_for_others_and_for_one_prefix(self) -> None:
        sessions = protocols(router(prepends={ANYCAST: 2}))
        outwards = sessions["bgp to_transit_a"]

        assert f"if net = {ANYCAST} then" in " ".join(outwards.split())
        assert outwards.count("bgp_path.prepend(64496);") == 2
        assert f"[ {OWN} ]) then reject;" in outwards
        assert "prepend" not in sessions["bgp to_us_east_l4_1"]

    def test_those_who_only_announce_are_told_nothing(self) -> None:
        assert "export none" in settings(protocols(router())["bgp to_us_east_l4_1"])

    def test_only_sessions_inside_the_as_are_declared_direct(self) -> None:
        sessions = protocols(router())

        assert "direct" in settings(sessions["bgp to_us_east_l4_1"])
        assert "direct" not in settings(sessions["bgp to_transit_a"])

    def test_it_is_ready_with_all_its_sessions_and_routes(self) -> None:
        sessions, routes = router().conditions

        assert sessions.text == "BGP and BFD up with transit-a, us-east-l4-1"
        assert sessions.args["sessions"] == ["to_transit_a", "to_us_east_l4_1"]
        assert routes.args == {"prefixes": {"198.51.100.0/24": 2, "198.18.0.0/24": 1}}

    def test_who_learns_ways_out_is_told_what_other_networks_told(self) -> None:
        told = router(learning=True)

        assert "export where source = RTS_BGP" in settings(
            protocols(told)["bgp to_us_east_l4_1"]
        )


class TestListening:
    def test_it_announces_nothing_and_its_kernel_learns(self) -> None:
        hears = protocols(
            bird.listening(
                "us-east-l7-1",
                asn=64496,
                router_id=IPv4Address("10.0.0.3"),
                peers=(peer("us-east-edge-1", 64496, "none"),),
                learns=((IPv4Network("198.18.0.0/24"), 1),),
                timers=TIMERS,
            )
        )

        assert {"import all", "export none"} <= {
            *settings(hears["bgp to_us_east_edge_1"])
        }
        assert "export where source = RTS_BGP" in settings(hears["kernel"])
        assert not [name for name in hears if name.startswith("static")]


class TestTimers:
    def test_sessions_have_those_of_the_topology(self) -> None:
        text = router().files[0].text

        assert f"hold time {TIMERS.bgp.hold_s};" in text
        assert "min rx interval 100 ms;" in text
        assert "min tx interval 100 ms;" in text
        assert "multiplier 5;" in text

    def test_bfd_is_as_fast_before_a_session_is_up(self) -> None:
        assert "idle tx interval 100 ms;" in router().files[0].text

    def test_other_timers_make_another_configuration(self) -> None:
        slow = TIMERS.model_copy(update={"bfd": Bfd(interval_ms=300, multiplier=3)})

        assert "interval 300 ms;" in router(timers=slow).files[0].text

    def test_every_session_is_watched_by_bfd(self) -> None:
        template, _, _ = router().files[0].text.partition("protocol bgp")

        assert "  bfd on;" in template.partition("template bgp session")[2]

    def test_without_bfd_nothing_watches_and_nothing_waits_for_it(self) -> None:
        plain = router(timers=TIMERS.model_copy(update={"bfd": Bfd(enabled=False)}))

        assert "protocol bfd" not in plain.files[0].text
        assert "  bfd off;" in plain.files[0].text
        assert plain.conditions[0].text == "BGP up with transit-a, us-east-l4-1"
        assert plain.conditions[0].args["neighbours"] == []

    def test_no_neighbour_goes_on_forwarding_for_a_dead_one(self) -> None:
        assert "graceful restart off;" in router().files[0].text


class TestAnnouncing:
    @pytest.mark.parametrize("name", ["anycast", "anycast_draining", "unicast"])
    def test_nothing_is_announced_before_somebody_enables_it(self, name: str) -> None:
        assert "disabled" in settings(protocols(announcing())[f"static {name}"])

    def test_it_does_not_forward(self) -> None:
        assert "kernel" not in protocols(announcing())

    def test_it_announces_and_learns_nothing(self) -> None:
        session = settings(protocols(announcing())["bgp to_us_east_edge"])

        assert "import none" in session
        assert "export where source = RTS_STATIC" in session

    def test_the_region_address_is_announced_as_a_host_route(self) -> None:
        unicast = settings(protocols(announcing())["static unicast"])

        assert f"route {SERVICE}/32 unreachable" in unicast

    def test_the_draining_route_is_second_choice_and_marked(self) -> None:
        draining = protocols(announcing())["static anycast_draining"]

        assert "preference 150" in settings(draining)  # a static route has 200
        assert f"route {ANYCAST} unreachable" in settings(draining)
        assert "bgp_community.add((65535, 0))" in settings(draining)
        assert "bgp_community" not in protocols(announcing())["static anycast"]


class TestAnnouncer:
    def test_it_commands_every_route_set_of_its_bird(self) -> None:
        static = {
            name.removeprefix("static ")
            for name in protocols(announcing())
            if name.startswith("static ")
        }
        (told,) = (json.loads(p.argv[-1]) for p in announcers())

        assert set(told["routes"]) == static
        assert set(told["withheld"]) <= static

    def test_its_node_is_ready_once_it_announces(self) -> None:
        announces = announcing().conditions[-1]
        (told,) = (json.loads(p.argv[-1]) for p in announcers())

        assert (announces.kind, announces.text) == ("announced", f"announces {ANYCAST}")
        assert announces.args["socket"] == told["socket"]
        assert set(announces.args["routes"]) <= set(told["routes"])

    def test_it_starts_after_bird_and_so_stops_before_it(self) -> None:
        assert [p.name for p in announcing().processes] == ["bird", "announcer"]


class TestStandby:
    STANDBY = bird.Standby(
        name="in-reserve",
        prefix=IPv4Network("198.18.68.0/24"),
        primary=IPv4Address("203.0.113.138"),
    )

    def test_it_announces_in_the_place_of_another_region(self) -> None:
        rendered = announcing(self.STANDBY)
        routes = settings(protocols(rendered)["static standby_in_reserve"])
        process = rendered.processes[-1]
        orders = json.loads(process.argv[-1])

        assert "disabled" in routes
        assert "route 198.18.68.0/24 unreachable" in routes
        assert process.name == orders["routes"] == "standby_in_reserve"
        assert (orders["primary"], orders["own"]) == ("203.0.113.138", str(SERVICE))

    def test_it_is_ready_while_the_other_is_well(self) -> None:
        waits = announcing(self.STANDBY).conditions[-1]

        assert waits.kind == "said"
        assert waits.args["process"] == "standby_in_reserve"
        assert waits.args["want"] == "well"

    def test_the_announcer_leaves_its_routes_alone(self) -> None:
        (alone,) = (
            p for p in announcing(self.STANDBY).processes if p.name == "announcer"
        )

        assert "standby" not in alone.argv[-1]
