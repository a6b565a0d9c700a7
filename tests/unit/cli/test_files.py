from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from lab.cli.main import status_of

WRONG = sorted(Path("tests/golden/errors").glob("*.yaml"))
Output = pytest.CaptureFixture[str]


class TestValidate:
    def test_a_good_file_is_counted(self, capsys: Output) -> None:
        assert status_of(["validate", "two-region"]) == 0

        assert "two-region: valid; " in capsys.readouterr().out

    def test_every_mistake_is_shown_with_its_place(
        self, capsys: Output, tmp_path: Path
    ) -> None:
        good = Path("topologies/two-region.yaml").read_text("utf-8")
        bad = tmp_path / "bad.yaml"
        bad.write_text(
            good.replace("asn: 64497", "asn: many").replace("l7: 2", "l8: 2")
        )

        assert status_of(["validate", str(bad)]) == 2

        seen = capsys.readouterr()
        assert seen.out == ""
        assert "mistakes:" in seen.err
        assert f"{bad}:" in seen.err
        assert "l8" in seen.err
        assert "many" in seen.err

    @pytest.mark.parametrize("case", WRONG, ids=lambda file: file.stem)
    def test_every_kind_of_mistake_is_wrong_input(
        self, case: Path, capsys: Output
    ) -> None:
        assert status_of(["validate", str(case)]) == 2

        seen = capsys.readouterr()
        assert seen.out == ""
        told = case.with_suffix(".txt").read_text("utf-8")
        assert told.replace(f"{case.name}:", f"{case}:") in seen.err

    def test_a_file_that_is_not_there_is_said(self, capsys: Output) -> None:
        assert status_of(["validate", "nowhere.yaml"]) == 2

        assert "nowhere.yaml: cannot be read" in capsys.readouterr().err


class TestSchema:
    @pytest.mark.parametrize("of", ["topology", "result"])
    def test_is_a_json_schema_on_standard_output(self, of: str, capsys: Output) -> None:
        assert status_of(["schema", of]) == 0

        Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))

    def test_of_a_topology_unless_said_otherwise(self, capsys: Output) -> None:
        status_of(["schema"])
        unsaid = capsys.readouterr().out
        status_of(["schema", "topology"])

        assert capsys.readouterr().out == unsaid


class TestExport:
    def test_compose_is_yaml_with_a_service_for_each_node(self, capsys: Output) -> None:
        assert status_of(["export", "compose", "minimal"]) == 0

        services = YAML(typ="safe").load(capsys.readouterr().out)["services"]
        assert {"transit", "users", "honest"} <= set(services)

    def test_the_dockerfile_has_all_stages(self, capsys: Output) -> None:
        assert status_of(["export", "dockerfile"]) == 0

        said = capsys.readouterr().out
        for stage in ("bird", "envoy", "unbound", "clients"):
            assert f" AS {stage}" in said
