"""Rules about the code itself: who may import whom, how large, in which folders."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from importlinter.cli import lint_imports

from lab.live.daemons.registry import ADAPTERS
from lab.paths import checkout, configs_folder
from lab.render.registry import PARENTS, PROVIDERS, RESOLVERS
from lab.topology.model import Parent, Provider, Resolver
from lab.topology.rules.resolvers import BEHAVIOURS

PACKAGE = checkout() / "lab"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 400
DAEMONS = sorted({*PARENTS, *PROVIDERS, *RESOLVERS})


def identity(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


class TestImports:
    def test_every_contract_is_kept(self, capsys: pytest.CaptureFixture[str]) -> None:
        config = str(checkout() / "pyproject.toml")

        status = lint_imports(config_filename=config, no_cache=True)

        assert status == 0, capsys.readouterr().out


class TestModules:
    @pytest.mark.parametrize("module", MODULES, ids=identity)
    def test_each_says_what_it_holds(self, module: Path) -> None:
        tree = ast.parse(module.read_text("utf-8"))

        assert ast.get_docstring(tree)

    @pytest.mark.parametrize("module", MODULES, ids=identity)
    def test_none_is_too_long_to_be_read_at_once(self, module: Path) -> None:
        assert len(module.read_text("utf-8").splitlines()) <= LONGEST


class TestDaemons:
    @pytest.mark.parametrize("stem", DAEMONS)
    def test_each_has_one_stem_everywhere(self, stem: str) -> None:
        configs = configs_folder() / stem

        assert (PACKAGE / "render" / f"{stem}.py").is_file()
        assert (configs / "stage.Dockerfile").is_file()
        assert list(configs.glob("*.j2"))
        assert stem in ADAPTERS

    @pytest.mark.parametrize(
        ("model", "registry"),
        [(Parent, PARENTS), (Provider, PROVIDERS), (Resolver, RESOLVERS)],
    )
    def test_a_topology_may_name_those_that_can_be_rendered(
        self, model: type[Parent | Provider | Resolver], registry: Mapping[str, object]
    ) -> None:
        assert set(get_args(model.model_fields["daemon"].annotation)) == set(registry)

    def test_it_is_known_what_every_resolver_can_be_told(self) -> None:
        assert set(BEHAVIOURS) == set(RESOLVERS)
