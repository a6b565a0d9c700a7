"""Rules of the parent zones: real delegations, each with its glue."""

from __future__ import annotations

import re

import dns.name
import dns.zone
import pytest

from lab.render import nsd
from lab.render.model import Rendered
from lab.topology.model import Parent
from tests.unit.worlds import quick

ROOT, TLD = quick().zone.parents


def rendered(zone: str) -> Rendered:
    topology = quick()
    (parent,) = (p for p in topology.zone.parents if p.zone == zone)
    return nsd.render(topology, parent)


def records(zone: str) -> dns.zone.Zone:
    (file,) = (f for f in rendered(zone).files if f.path.endswith(".zone"))
    return dns.zone.from_text(file.text, origin=zone, relativize=False)


def values(zone: str, name: str, kind: str) -> set[str]:
    found = records(zone).get_rdataset(dns.name.from_text(name), kind)
    return {record.to_text() for record in found} if found else set()


class TestZone:
    def test_the_root_delegates_the_top_level_domain_with_glue(self) -> None:
        assert values(".", "com.", "NS") == {"tld.servers.lab."}
        assert values(".", "tld.servers.lab.", "A") == {str(TLD.address)}

    def test_the_root_knows_its_own_server(self) -> None:
        assert values(".", ".", "NS") == {"root.servers.lab."}
        assert values(".", "root.servers.lab.", "A") == {str(ROOT.address)}

    def test_the_top_level_domain_delegates_to_all_providers_with_glue(self) -> None:
        servers = {"provider-a.example.com.", "provider-b.example.com."}

        assert values("com", "example.com.", "NS") == servers
        assert values("com", "provider-a.example.com.", "A") == {"198.18.0.53"}
        assert values("com", "provider-b.example.com.", "A") == {"198.18.1.53"}

    @pytest.mark.parametrize("zone", [".", "com"])
    def test_it_is_a_zone_by_itself(self, zone: str) -> None:
        records(zone).check_origin()


class TestSettings:
    @pytest.mark.parametrize("parent", [ROOT, TLD], ids=["root", "tld"])
    def test_it_listens_on_its_own_address_alone(self, parent: Parent) -> None:
        text = nsd.render(quick(), parent).files[0].text

        assert re.findall(r"ip-address: (\S+)", text) == [str(parent.address)]


class TestReadiness:
    @pytest.mark.parametrize(
        ("zone", "child"), [(".", "com."), ("com", "example.com.")]
    )
    def test_it_must_refer_to_what_it_delegates(self, zone: str, child: str) -> None:
        (condition,) = rendered(zone).conditions

        assert condition.args["name"] == child
        assert condition.args["empty_ok"] is True
