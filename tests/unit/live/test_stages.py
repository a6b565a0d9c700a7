from __future__ import annotations

import fnmatch
import io
import re
import tarfile
from pathlib import Path

import pytest

from lab.live.stages import (
    STAGES,
    Stage,
    context_files,
    context_tar,
    fingerprints,
    image_name,
    lone_dockerfile,
    read_stages,
    stage_from_text,
    whole_dockerfile,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "lab" / "node").mkdir(parents=True)
    (tmp_path / "lab" / "node" / "a.py").write_text("a = 1\n")
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "pins.txt").write_text("pinned\n")
    return tmp_path


NODE = stage_from_text("node", "FROM base AS node\nCOPY lab/node/ /opt/lab/node/\n")
BASE = stage_from_text("base", "FROM debian:trixie-slim AS base\n")
ENVOY = stage_from_text("envoy", "FROM base AS envoy\nCOPY wheel/ /tmp/wheel/\n")


class TestStageFromText:
    def test_it_needs_what_it_builds_upon_and_copies_from(self) -> None:
        stage = stage_from_text(
            "l4", "FROM bird AS l4\nCOPY --from=envoy /a /a\nCOPY --from=envoy /b /b\n"
        )

        assert stage.needs == ("bird", "envoy")

    def test_a_stage_of_its_own_fragment_is_no_need(self) -> None:
        stage = stage_from_text(
            "envoy", "FROM base AS part\n\nFROM base AS envoy\nCOPY --from=part /a /a\n"
        )

        assert stage.needs == ("base",)

    def test_it_copies_every_source_but_not_the_destination(self) -> None:
        stage = stage_from_text("node", "FROM base AS node\nCOPY lab/a lab/b /opt/\n")

        assert stage.copies == ("lab/a", "lab/b")


class TestLoneDockerfile:
    def test_other_stages_become_their_images(self) -> None:
        text = "FROM bird AS l4\nCOPY --from=envoy /a /a\n"

        lone = lone_dockerfile(stage_from_text("l4", text))

        assert lone == (
            f"FROM {image_name('bird')} AS l4\n"
            f"COPY --from={image_name('envoy')} /a /a\n"
        )

    def test_an_image_from_elsewhere_stays(self) -> None:
        assert lone_dockerfile(BASE) == BASE.text


class TestContext:
    def test_it_holds_the_copied_files_and_the_dockerfile(self, checkout: Path) -> None:
        packed = context_tar("FROM x\n", context_files(checkout, NODE, "x86_64"))

        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            assert tar.getnames() == ["Dockerfile", "lab/node/a.py"]

    def test_compiled_files_stay_out(self, checkout: Path) -> None:
        (checkout / "lab" / "node" / "__pycache__").mkdir()
        (checkout / "lab" / "node" / "__pycache__" / "a.pyc").touch()

        assert list(context_files(checkout, NODE, "x86_64")) == ["lab/node/a.py"]

    def test_a_wheel_of_another_architecture_stays_out(self, checkout: Path) -> None:
        (checkout / "wheel" / "e_x86_64.whl").touch()
        (checkout / "wheel" / "e_aarch64.whl").touch()

        files = context_files(checkout, ENVOY, "aarch64")

        assert list(files) == ["wheel/e_aarch64.whl", "wheel/pins.txt"]


class TestFingerprints:
    STAGES: tuple[Stage, ...] = (BASE, NODE, ENVOY)

    def prints(self, checkout: Path, machine: str = "x86_64") -> dict[str, str]:
        return fingerprints(checkout, self.STAGES, machine)

    def test_the_same_input_has_the_same_fingerprints(self, checkout: Path) -> None:
        assert self.prints(checkout) == self.prints(checkout)

    def test_a_changed_file_changes_the_stages_that_copy_it(
        self, checkout: Path
    ) -> None:
        before = self.prints(checkout)
        (checkout / "lab" / "node" / "a.py").write_text("a = 2\n")

        after = self.prints(checkout)

        assert {s for s in after if after[s] != before[s]} == {"node"}

    def test_a_changed_stage_changes_all_that_build_upon_it(
        self, checkout: Path
    ) -> None:
        before = self.prints(checkout)
        base = stage_from_text("base", BASE.text + "RUN true\n")

        after = fingerprints(checkout, (base, NODE, ENVOY), "x86_64")

        assert {s for s in after if after[s] != before[s]} == {"base", "node", "envoy"}

    def test_fetching_a_wheel_changes_nothing(self, checkout: Path) -> None:
        before = self.prints(checkout)
        (checkout / "wheel" / "e_x86_64.whl").touch()

        assert self.prints(checkout) == before

    def test_another_architecture_is_another_input(self, checkout: Path) -> None:
        assert self.prints(checkout) != self.prints(checkout, "aarch64")


class TestTheStages:
    """The fragments that are there."""

    def test_each_stands_after_those_it_needs(self) -> None:
        for position, stage in enumerate(read_stages(ROOT)):
            assert set(stage.needs) <= set(STAGES[:position]), stage.name

    def test_each_is_a_target_of_its_name(self) -> None:
        text = whole_dockerfile(read_stages(ROOT))

        assert all(f" AS {name}\n" in text for name in STAGES)

    def test_every_folder_with_a_fragment_is_a_stage(self) -> None:
        folders = {p.parent.name for p in ROOT.glob("configs/*/stage.Dockerfile")}

        assert folders == set(STAGES)

    def test_every_package_has_a_version(self) -> None:
        text = whole_dockerfile(read_stages(ROOT)).replace("\\\n", " ")
        commands = re.findall(r"(?:RUN|\{) install-packages ([^&|;\n]+)", text)
        named = [word for command in commands for word in command.split()]

        assert named
        assert [w for w in named if not re.fullmatch(r'"\S+=\S+[.-]\*"', w)] == []

    def test_the_ignore_file_lets_through_what_they_copy(self) -> None:
        lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        let_through = {line[1:] for line in lines if line.startswith("!")}
        copied = {source.rstrip("/") for s in read_stages(ROOT) for source in s.copies}

        assert let_through == copied
        assert any(fnmatch.fnmatch("anything", line) for line in lines)
