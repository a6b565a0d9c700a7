from __future__ import annotations

import pytest

from lab.errors import WorldError
from lab.live.load import used_s


class TestUsed:
    def test_counts_nanoseconds_of_the_first_version(self) -> None:
        assert used_s("2500000000\n") == 2.5

    def test_counts_microseconds_of_the_second(self) -> None:
        assert used_s("usage_usec 2500000\nuser_usec 7\nsystem_usec 9\n") == 2.5

    def test_anything_else_is_a_fault(self) -> None:
        with pytest.raises(WorldError, match="no processor time"):
            used_s("cat: not found")
