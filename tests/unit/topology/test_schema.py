"""Rules of the published schema."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from lab.paths import topologies_folder
from lab.topology.loading import names
from lab.topology.schema import schema


class TestSchema:
    def test_it_is_a_schema(self) -> None:
        Draft202012Validator.check_schema(schema())

    @pytest.mark.parametrize("name", names())
    def test_it_accepts_the_topologies_that_come_with_the_lab(self, name: str) -> None:
        text = (topologies_folder() / f"{name}.yaml").read_text("utf-8")
        data = YAML(typ="safe", pure=True).load(text)

        assert list(Draft202012Validator(schema()).iter_errors(data)) == []

    def test_it_refuses_an_unknown_key(self, data: dict[str, Any]) -> None:
        data["colour"] = "blue"

        assert not Draft202012Validator(schema()).is_valid(data)

    def test_every_part_says_what_it_is(self) -> None:
        parts = schema()["$defs"]

        assert [
            name for name, part in parts.items() if not part.get("description")
        ] == []
