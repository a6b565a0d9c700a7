"""Rules of dnsmasq's configuration: it asks one other resolver and no one else."""

from __future__ import annotations

from lab.render import dnsmasq
from lab.render.model import Rendered
from tests.unit.render.resolvers import with_resolver

ADDRESS = "198.18.32.53"


def rendered(**more: object) -> Rendered:
    topology = with_resolver("dnsmasq", "forwarding", forwards_to="public", **more)
    return dnsmasq.render(topology, topology.resolvers[0])


def lines(**more: object) -> list[str]:
    text = rendered(**more).files[0].text
    return [line.split("#")[0].strip() for line in text.splitlines()]


class TestForwarding:
    def test_it_asks_the_resolver_that_it_forwards_to_and_reads_no_other(self) -> None:
        servers = [line for line in lines() if line.startswith("server=")]

        assert servers == ["server=198.18.1.8"]
        assert "no-resolv" in lines()

    def test_it_answers_from_nothing_but_its_cache(self) -> None:
        assert "no-hosts" in lines()

    def test_it_listens_on_its_own_address_and_inside_the_node(self) -> None:
        listening = [x for x in lines() if x.startswith("listen-address=")]

        assert listening == [f"listen-address={ADDRESS}", "listen-address=127.0.0.1"]
        assert "bind-interfaces" in lines()

    def test_it_changes_no_account_since_a_node_may_not(self) -> None:
        assert {"user=root", "group="} <= set(lines())

    def test_every_name_must_resolve(self) -> None:
        assert {c.args["server"] for c in rendered().conditions} == {ADDRESS}


class TestSubnets:
    def test_one_that_names_no_provider_tells_none(self) -> None:
        assert not [line for line in lines() if line.startswith("add-subnet")]

    def test_one_that_does_tells_its_users_24(self) -> None:
        assert "add-subnet=24" in lines(ecs_to=("provider-a",))
