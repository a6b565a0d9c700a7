"""Rules of `lab.live.compose`."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.live.compose import compose_yaml
from lab.live.containers import containers, networks
from lab.plan.build import build
from lab.plan.model import File, Node, Plan, Role
from tests.unit.worlds import quick


@pytest.fixture(scope="module")
def plan() -> Plan:
    return build(quick(), profile="quick")


def read(text: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(text)
    return document


class TestComposeYaml:
    def test_services_are_the_containers_that_the_engine_would_get(
        self, plan: Plan
    ) -> None:
        services = read(compose_yaml(plan))["services"]
        made = containers(plan.topology, plan, str)

        assert {n: s["labels"] for n, s in services.items()} == {
            c.node: c.labels for c in made
        }
        assert {n: s["environment"] for n, s in services.items()} == {
            c.node: {k: v.replace("$", "$$") for k, v in c.environment.items()}
            for c in made
        }

    def test_networks_are_the_links(self, plan: Plan) -> None:
        document = read(compose_yaml(plan))["networks"]

        assert {name: n["ipam"]["config"] for name, n in document.items()} == {
            n.link: [{"subnet": str(n.subnet)}] for n in networks("x", plan)
        }

    def test_only_client_nodes_have_a_health_check(self, plan: Plan) -> None:
        services = read(compose_yaml(plan))["services"]
        clients = {n.name for n in plan.nodes if n.role is Role.CLIENTS}

        assert {n for n, s in services.items() if "healthcheck" in s} == clients

    def test_nothing_is_published_and_everything_is_confined(self, plan: Plan) -> None:
        for service in read(compose_yaml(plan))["services"].values():
            assert "ports" not in service
            assert "volumes" not in service
            assert service["cap_drop"] == ["ALL"]
            assert service["read_only"] is True
            assert service["security_opt"] == ["no-new-privileges"]

    def test_dollar_signs_survive_compose(self) -> None:
        file = File(path="/etc/lab/x", text="cost: $HOME ${x}")
        node = Node(
            name="n", role=Role.L7, site="s", stem="x", interfaces=(), files=(file,)
        )
        plan = Plan(topology="t", profile="quick", links=(), nodes=(node,))

        assert "cost: $$HOME $${x}" in compose_yaml(plan)

    def test_files_are_readable_blocks(self, plan: Plan) -> None:
        assert "LAB_FILES: |\n" in compose_yaml(plan)
