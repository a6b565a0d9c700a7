"""What the engine's refusals are called."""

from __future__ import annotations

from threading import Barrier
from typing import Any

import docker
import pytest

from lab.errors import WorldError
from lab.live.engine import Engine, Found, Miscounted
from lab.live.naming import LAB

NETWORK = Found(id="1", name="mine-core", labels={LAB: "mine"})


class WatchingApi:
    """An engine that notes who is being removed, and beside whom."""

    def __init__(self) -> None:
        self.leaving: set[str] = set()
        self.beside: set[frozenset[str]] = set()
        self.two_at_once = Barrier(2, timeout=5)

    def remove_container(self, name: str, *, force: bool, v: bool) -> None:
        assert force
        assert v
        self.leaving.add(name)
        if name != "edge":
            self.two_at_once.wait()  # neither is on a network of the other
        self.beside.add(frozenset(self.leaving))
        self.leaving.discard(name)


class TestRemoveContainers:
    def test_no_two_leave_the_same_network_at_one_time(self) -> None:
        connected = {"a": {"1"}, "edge": {"1", "2"}, "b": {"2"}}
        api = WatchingApi()

        Engine(api).remove_containers(
            Found(id=n, name=n, labels={LAB: "mine"}, connected=frozenset(networks))
            for n, networks in connected.items()
        )

        assert frozenset({"edge"}) in api.beside
        assert not any(
            "edge" in together and len(together) > 1 for together in api.beside
        )


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
