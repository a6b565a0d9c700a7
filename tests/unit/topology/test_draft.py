"""Rules of looking into a topology that may be wrong."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from lab.topology.draft import Draft, address, items, prefix, text, whole

DRAFT = Draft(
    {
        "regions": [{"name": "red", "asn": 1}, {"name": 5, "asn": "x"}, None, "blue"],
        "anycast": {"prefix": "198.51.100.0/24", "address": "198.51.100.999"},
        "access": [{"name": "home", "clients": {"address": "198.18.0.9"}}],
        "zone": {"names": [{"name": "rr", "regions": ["red"]}]},
    }
)


class TestFind:
    def test_only_what_is_readable_is_found(self) -> None:
        found = list(DRAFT.find("regions.*.asn", whole))

        assert found == [(("regions", 0, "asn"), 1)]

    def test_a_star_is_any_key_of_a_mapping_too(self) -> None:
        found = list(DRAFT.find("anycast.*", prefix))

        assert found == [(("anycast", "prefix"), IPv4Network("198.51.100.0/24"))]

    def test_what_is_not_there_is_not_found(self) -> None:
        assert list(DRAFT.find("transits.*.name", text)) == []
        assert list(Draft(None).find("regions.*.name", text)) == []


class TestGet:
    def test_a_value_is_read(self) -> None:
        home = DRAFT.get(("access", 0, "clients", "address"), address)

        assert home == IPv4Address("198.18.0.9")

    @pytest.mark.parametrize(
        "path", [("regions", 9), ("regions", "x"), ("anycast", "address"), ("none",)]
    )
    def test_what_cannot_be_read_is_none(self, path: tuple[str | int, ...]) -> None:
        assert DRAFT.get(path, address) is None


class TestReaders:
    def test_a_truth_value_is_no_number(self) -> None:
        with pytest.raises(ValueError, match="True"):
            whole(True)

    def test_a_number_is_no_address(self) -> None:
        with pytest.raises(ValueError, match="5"):
            address(5)

    def test_a_mapping_is_no_list(self) -> None:
        with pytest.raises(ValueError, match=r"\{\}"):
            items({})


class TestSubject:
    @pytest.mark.parametrize(
        ("path", "words"),
        [
            (("regions", 0, "asn"), 'region "red"'),
            (("regions", 1), "region number 2"),
            (("access", 0, "prefix"), 'access network "home"'),
            (("access", 0, "clients", "address"), "client node"),
            (("zone", "names", 0, "regions", 0), 'name "rr"'),
            (("zone", "name"), "zone"),
            (("colour",), "the topology"),
            ((), "the topology"),
        ],
    )
    def test_it_is_the_innermost_thing_that_a_person_would_name(
        self, path: tuple[str | int, ...], words: str
    ) -> None:
        assert DRAFT.subject(path) == words
