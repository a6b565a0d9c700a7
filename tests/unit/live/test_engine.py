"""What the engine's refusals are called."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from lab.errors import WorldError
from lab.live.engine import Engine, Found, Miscounted
from lab.live.naming import LAB

NETWORK = Found(id="1", name="mine-core", labels={LAB: "mine"})


class KeepingApi:
    """An engine that says that a network is in use."""

    def __init__(self, containers: dict[str, Any]) -> None:
        self.containers = containers

    def inspect_network(self, _: str) -> dict[str, Any]:
        return {"Containers": self.containers}

    def remove_network(self, _: str) -> None:
        why = "network mine-core has active endpoints"
        raise docker.errors.APIError("403", explanation=why)


class TestRemoveNetworks:
    def test_one_kept_for_nobody_is_told_apart(self) -> None:
        with pytest.raises(Miscounted, match=r"mine-core.*restarted"):
            Engine(KeepingApi({})).remove_networks([NETWORK])

    def test_one_kept_for_somebody_is_not(self) -> None:
        somebody = {"2": {"Name": "visitor"}}

        with pytest.raises(WorldError, match="active endpoints") as raised:
            Engine(KeepingApi(somebody)).remove_networks([NETWORK])
        assert not isinstance(raised.value, Miscounted)
