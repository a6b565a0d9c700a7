"""Rules of filling templates."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from lab.render.templates import fill


class TestFill:
    def test_a_value_that_nobody_gave_is_an_error(self) -> None:
        with pytest.raises(UndefinedError, match="zone"):
            fill("pdns/named.conf.j2")

    def test_nothing_is_escaped(self) -> None:
        text = fill("pdns/named.conf.j2", zone="a&b")

        assert 'zone "a&b"' in text
