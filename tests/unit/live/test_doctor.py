from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from lab.live import doctor
from lab.live.bootstrap import EngineInfo
from lab.live.checks import Check, CheckState
from lab.live.links import SPACES

ENGINE = EngineInfo(version="20.10.24", api_version="1.41", machine="x86_64")


class TestCheck:
    def test_advice_is_given_only_where_something_is_wrong(self) -> None:
        assert doctor.python_check((3, 11, 0)).advice == ""
        assert doctor.python_check((3, 10, 12)).advice != ""


class TestChecks:
    @pytest.mark.parametrize(
        ("check", "state"),
        [
            (doctor.python_check((3, 13, 5)), CheckState.OK),
            (doctor.python_check((3, 10, 12)), CheckState.FAIL),
            (doctor.engine_check(ENGINE), CheckState.OK),
            (doctor.engine_check("connection refused"), CheckState.FAIL),
            (doctor.architecture_check("aarch64"), CheckState.OK),
            (doctor.architecture_check("riscv64"), CheckState.FAIL),
            (doctor.resources_check(cores=2, memory_bytes=2**33), CheckState.OK),
            (doctor.resources_check(cores=1, memory_bytes=2**33), CheckState.WARN),
            (doctor.resources_check(cores=2, memory_bytes=2**31), CheckState.WARN),
            (doctor.disk_check(2**40), CheckState.OK),
            (doctor.disk_check(2**30), CheckState.WARN),
            (doctor.subnets_check(()), CheckState.OK),
            (doctor.subnets_check(SPACES), CheckState.FAIL),
            (doctor.leftovers_check({}), CheckState.OK),
            (doctor.leftovers_check({"two-region": 42}), CheckState.WARN),
            (doctor.images_check(()), CheckState.OK),
            (doctor.images_check(("bird",)), CheckState.WARN),
            (doctor.compose_check("2.26.1"), CheckState.OK),
            (doctor.compose_check(""), CheckState.WARN),
        ],
        ids=lambda value: value.name if isinstance(value, Check) else value,
    )
    def test_state_follows_from_what_was_seen(
        self, check: Check, state: CheckState
    ) -> None:
        assert check.state is state

    def test_subnets_in_use_are_passed_over(self) -> None:
        taken = IPv4Network("10.213.0.0/24")

        assert doctor.subnets_check((taken,)).seen == "free from 10.213.1.0/26 on"

    def test_why_no_engine_answers_is_shown(self) -> None:
        assert "refused" in doctor.engine_check("connection refused").seen

    def test_stale_images_are_named(self) -> None:
        assert "bird, l4" in doctor.images_check(("bird", "l4")).seen
