"""`lab validate`, `lab schema`, `lab export`: files in, files out; no engine."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from lab.cli.context import (
    DEFAULT_TOPOLOGY,
    OUT,
    ProfileName,
    TopologyName,
    choose,
    print_text,
)
from lab.paths import checkout


class Schema(StrEnum):
    """What has a published schema."""

    TOPOLOGY = "topology"
    RESULT = "result"


class Export(StrEnum):
    """What can be printed from a plan or from the image stages."""

    COMPOSE = "compose"
    DOCKERFILE = "dockerfile"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(validate)
    app.command()(schema)
    app.command()(export)


def validate(file: TopologyName) -> None:
    """Check a topology file.

    Every mistake is shown with its place.
    """
    from lab.plan.build import build
    from lab.topology.loading import load

    plan = build(load(file), profile="real")
    OUT.print(
        f"{file}: valid; {len(plan.nodes)} nodes on {len(plan.links)} links",
        markup=False,
    )


def schema(
    of: Annotated[Schema, typer.Argument(help="Which one.")] = Schema.TOPOLOGY,
) -> None:
    """Print the JSON Schema of topologies or results."""
    from lab.report.result import Result
    from lab.topology.schema import schema as topology_schema

    if of is Schema.TOPOLOGY:
        print_text(json.dumps(topology_schema(), indent=2))
    else:
        print_text(json.dumps(Result.model_json_schema(mode="serialization"), indent=2))


def export(
    what: Annotated[Export, typer.Argument(help="What to print.")],
    topology: TopologyName = DEFAULT_TOPOLOGY,
    *,
    profile: ProfileName = "quick",
) -> None:
    """Print a lab as a Compose file, or its Dockerfile."""
    from lab.live.compose import compose_yaml
    from lab.live.stages import read_stages, whole_dockerfile
    from lab.plan.build import build

    if what is Export.DOCKERFILE:
        print_text(whole_dockerfile(read_stages(checkout())).rstrip("\n"))
        return
    chosen = choose(topology, profile, "")
    plan = build(chosen.topology, profile=chosen.profile)
    print_text(compose_yaml(plan).rstrip("\n"))
