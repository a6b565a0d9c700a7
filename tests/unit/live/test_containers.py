"""Rules of `lab.live.containers` and `lab.live.naming`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.live.containers import containers, networks
from lab.live.naming import DIGEST, LAB, LINK, LINKS, NODE, plan_digest
from lab.plan.build import build
from lab.plan.model import Plan
from tests.unit.worlds import quick


@pytest.fixture(scope="module")
def plan() -> Plan:
    return build(quick(), profile="quick")


class TestNetworks:
    def test_each_link_is_one_with_its_labels(self, plan: Plan) -> None:
        made = {n.link: n for n in networks("my-lab", plan)}

        assert list(made) == [link.name for link in plan.links]
        assert made["long-haul"].name == "my-lab-long-haul"
        assert made["long-haul"].labels == {LAB: "my-lab", LINK: "long-haul"}


class TestContainers:
    def test_each_node_is_one_with_an_address_per_port(self, plan: Plan) -> None:
        made = {c.node: c for c in containers("my-lab", plan, str)}
        edge = plan.node("us-east-edge")

        assert set(made) == {n.name for n in plan.nodes}
        assert made["us-east-edge"].addresses == {
            f"my-lab-{port.link}": port.address.ip for port in edge.interfaces
        }

    def test_labels_tell_lab_node_and_plan(self, plan: Plan) -> None:
        labels = next(iter(containers("my-lab", plan, str))).labels

        assert labels[LAB] == "my-lab"
        assert labels[NODE] == plan.nodes[0].name
        ends = [f"{x.link}={x.address.ip}" for x in plan.nodes[0].interfaces]
        assert labels[LINKS].split(",") == ends
        assert labels[DIGEST] == plan_digest(plan)

    def test_the_image_is_that_of_the_stem(self, plan: Plan) -> None:
        made = containers("my-lab", plan, lambda stem: f"image-of-{stem}")

        assert all(c.image == f"image-of-{c.stem}" for c in made)


class TestPlanDigest:
    def test_equal_plans_have_equal_digests(self, plan: Plan) -> None:
        assert plan_digest(plan) == plan_digest(build(quick(), profile="quick"))

    def test_any_difference_shows(self, plan: Plan) -> None:
        other = replace(plan, nodes=(replace(plan.nodes[0], pids=1), *plan.nodes[1:]))

        assert plan_digest(plan) != plan_digest(other)
