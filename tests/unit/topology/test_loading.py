"""Rules of finding and loading topologies."""

from pathlib import Path

import pytest

from lab.errors import InvalidInput
from lab.paths import topologies_folder
from lab.topology.loading import load, located, names, parse
from lab.topology.model import Topology


class TestLoad:
    @pytest.mark.parametrize("name", names())
    def test_a_topology_that_comes_with_the_lab_is_valid_and_named_as_its_file(
        self, name: str
    ) -> None:
        assert load(name).name == name

    def test_a_name_and_its_path_are_the_same(self, two_region: Topology) -> None:
        assert load(topologies_folder() / "two-region.yaml") == two_region

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "none.yaml"

        with pytest.raises(InvalidInput) as raised:
            load(file)

        assert str(raised.value) == f"{file}: cannot be read: no such file or directory"

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="cannot be read: is a directory"):
            load(tmp_path)

    def test_a_file_of_bytes_is_no_text(self, tmp_path: Path) -> None:
        file = tmp_path / "bytes.yaml"
        file.write_bytes(b"name: \xff\xfe")

        with pytest.raises(InvalidInput, match=r"bytes\.yaml: .*not UTF-8"):
            load(file)

    def test_problems_name_the_file_as_seen_from_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "bad.yaml").write_text("- red\n", "utf-8")
        monkeypatch.chdir(tmp_path)

        with pytest.raises(InvalidInput) as raised:
            load(tmp_path / "bad.yaml")

        assert raised.value.problems[0].file == "bad.yaml"


class TestLocated:
    def test_an_unknown_name_is_refused_with_those_that_exist(self) -> None:
        with pytest.raises(InvalidInput) as raised:
            located("two-regions")

        (problem,) = raised.value.problems
        assert problem.what == (
            'there is no topology "two-regions"; did you mean "two-region"?'
        )
        assert problem.allowed == (
            "depths, designs, hashing, hybrids, l4-kinds, minimal, policies, "
            "resolver-zoo, steering, surge, three-pop, two-edges, two-region, or the "
            "path of a .yaml file"
        )

    @pytest.mark.parametrize("path", ["mine.yaml", "./mine", "here/mine.yml"])
    def test_what_looks_like_a_path_is_one(self, path: str) -> None:
        assert located(path) == Path(path)


class TestParse:
    def test_shapes_and_relations_are_told_together(self) -> None:
        text = (topologies_folder() / "minimal.yaml").read_text("utf-8")
        spoiled = text.replace("asn: 64497", "asn: 64496").replace("l4: 1", "l44: 1")

        with pytest.raises(InvalidInput) as raised:
            parse(spoiled, file="spoiled.yaml")

        whats = "\n".join(p.what for p in raised.value.problems)
        assert 'region "blue": AS number 64496 is also that of region "red"' in whats
        assert whats.count('unknown key "l44"; did you mean "l4"?') == 2
