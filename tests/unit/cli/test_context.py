from __future__ import annotations

from typing import get_args

import pytest

from lab.cli.context import ProfileName, choose, the_one
from lab.errors import WrongUse
from lab.topology.profiles import Profile


class TestProfileName:
    def test_offers_every_profile(self) -> None:
        offered = get_args(get_args(ProfileName)[0])

        assert set(offered) == {p.value for p in Profile}


class TestChoose:
    def test_applies_the_profile_and_names_the_lab_after_the_topology(self) -> None:
        chosen = choose("two-region", "quick", "")

        assert chosen.topology.timers.ttl_s == 12
        assert (chosen.lab, chosen.profile) == ("two-region", Profile.QUICK)

    def test_a_lab_may_have_a_name_of_its_own(self) -> None:
        assert choose("minimal", "real", "mine").lab == "mine"


class TestTheOne:
    def test_the_one_named_whether_it_is_there_or_not(self) -> None:
        assert the_one("a", []) == "a"
        assert the_one("a", ["b", "c"]) == "a"

    def test_else_the_only_one(self) -> None:
        assert the_one("", ["b"]) == "b"

    def test_several_must_be_told_apart(self) -> None:
        with pytest.raises(WrongUse, match="name one with --lab: a, b"):
            the_one("", ["a", "b"])

    def test_none_can_be_started(self) -> None:
        with pytest.raises(WrongUse, match="`lab up` starts one"):
            the_one("", [])
