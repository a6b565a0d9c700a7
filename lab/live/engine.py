"""The container engine: a thin typed layer over the docker SDK.

Nothing else in `lab.live` (but `images`) imports the SDK, and every exception of it
becomes one of the lab's here. Only objects that carry the lab's label are touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from threading import Condition
from types import TracebackType
from typing import Any, Self, TypeVar

import docker
import docker.errors
import requests.exceptions
from docker.types import IPAMConfig, IPAMPool, LogConfig, NetworkingConfig

from lab.errors import EnvironmentUnfit, WorldError
from lab.live.containers import BRIDGE_OPTIONS, LOG_OPTIONS, Container, Network
from lab.live.naming import LAB
from lab.live.streams import Connection

#: Threads that talk to the engine; more do not make it faster (measured on 2 cores).
PARALLEL = 8
_TIMEOUT_S = 60
_END_S = 10
_MB = 1024 * 1024

T = TypeVar("T")
R = TypeVar("R")


class SubnetTaken(WorldError):
    """Another network has some of these addresses; pick another subnet."""


class Gone(WorldError):
    """The object is not there any more."""


class Miscounted(WorldError):
    """The engine keeps a network for containers that it no longer has.

    It counts anew when it starts. Source: moby/moby#42119, seen with 20.10 when several
    containers leave a network at one time.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A container or network of a lab, as the engine shows it.

    Attributes:
        state: Of a container: `running`, `created`, `exited`, …; "" for a network.
        image: Id of a container's image.
        connected: Ids of the networks that a container is on.
        subnets: Of a network.
    """

    id: str
    name: str
    labels: dict[str, str]
    state: str = ""
    image: str = ""
    connected: frozenset[str] = frozenset()
    subnets: tuple[IPv4Network, ...] = ()


class Engine:
    """A pool of connections to the engine; a context manager."""

    def __init__(self, api: docker.APIClient) -> None:
        """Use a client whose pool holds `PARALLEL` connections and two more."""
        self._api = api
        self._threads = ThreadPoolExecutor(PARALLEL, thread_name_prefix="engine")
        self._left: set[str] = set()
        self._left_changes = Condition()

    @classmethod
    def connect(cls) -> Self:
        """Connect to the engine that the environment (`DOCKER_HOST`) names.

        Raises:
            EnvironmentUnfit: It does not answer.
        """
        with _translated("connect to the container engine"):
            client = docker.DockerClient.from_env(
                version="auto", timeout=_TIMEOUT_S, max_pool_size=PARALLEL + 2
            )
        return cls(client.api)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections; what runs goes on running."""
        self._threads.shutdown(cancel_futures=True)
        self._api.close()

    def submit(self, work: Callable[[T], R], item: T) -> Future[R]:
        """Do `work` on an item in one of the threads."""
        return self._threads.submit(work, item)

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Do `work` on all items, several at a time, to the end; raise one error."""
        futures = [self._threads.submit(work, item) for item in items]
        errors = [e for f in futures if (e := f.exception()) is not None]
        if errors:
            raise errors[0]
        return [f.result() for f in futures]

    def subnets(self) -> tuple[IPv4Network, ...]:
        """Return the IPv4 subnets of every network of the engine, whoever made it."""
        with _translated("list networks"):
            return tuple(s for n in self._api.networks() for s in _subnets(n))

    def networks(self, lab: str | None = None) -> tuple[Found, ...]:
        """Return a lab's networks, or those of all labs."""
        with _translated("list networks"):
            found = self._api.networks(filters={"label": _filter(lab)})
        return tuple(
            Found(id=n["Id"], name=n["Name"], labels=n["Labels"], subnets=_subnets(n))
            for n in found
        )

    def containers(self, lab: str | None = None) -> tuple[Found, ...]:
        """Return a lab's containers in any state, or those of all labs."""
        with _translated("list containers"):
            found = self._api.containers(all=True, filters={"label": _filter(lab)})
        return tuple(
            Found(
                id=c["Id"],
                name=c["Names"][0].lstrip("/") if c["Names"] else c["Id"][:12],
                labels=c["Labels"],
                state=c["State"],
                image=c["ImageID"],
                connected=_connected(c),
            )
            for c in found
        )

    def image_id(self, reference: str) -> str:
        """Return the id of a local image.

        Raises:
            EnvironmentUnfit: It has not been built.
        """
        with _translated(f"look at the image {reference}"):
            found = self._api.inspect_image(reference)  # type: ignore[no-untyped-call]  # missing in the stubs
        return str(found["Id"])

    def create_network(self, network: Network) -> None:
        """Create a bridge network.

        Raises:
            SubnetTaken: Its addresses overlap with an existing network's.
        """
        pool = IPAMPool(subnet=str(network.subnet))
        with _translated(f"create the network {network.name}"):
            self._api.create_network(
                network.name,
                driver="bridge",
                options=BRIDGE_OPTIONS,
                ipam=IPAMConfig(pool_configs=[pool]),
                labels=network.labels,
            )

    def create_container(self, container: Container) -> str:
        """Create a container on all its networks, unstarted, and return its id."""
        first, *others = container.addresses.items()
        with _translated(f"create the container of {container.node}"):
            endpoint = self._api.create_endpoint_config(ipv4_address=str(first[1]))
            made = self._api.create_container(
                container.image,
                name=container.name,
                hostname=container.node,
                environment=container.environment,
                labels=container.labels,
                stdin_open=True,
                detach=True,  # else the SDK ends the input with the first attachment
                host_config=self._limits(container, first[0]),
                networking_config=NetworkingConfig(
                    {first[0]: endpoint}  # type: ignore[arg-type]  # the stubs err
                ),
            )
            for name, address in others:
                self._api.connect_container_to_network(
                    made["Id"], name, ipv4_address=str(address)
                )
        return str(made["Id"])

    def _limits(self, container: Container, network: str) -> dict[str, Any]:
        return self._api.create_host_config(
            network_mode=network,
            cap_drop=["ALL"],
            cap_add=list(container.capabilities),
            read_only=True,
            tmpfs=container.tmpfs,
            security_opt=["no-new-privileges"],
            pids_limit=container.pids,
            mem_limit=container.memory_mb * _MB,
            sysctls=container.sysctls,
            log_config=LogConfig(type="json-file", config=LOG_OPTIONS),
            restart_policy={"Name": "no"},
            init=False,
        )

    def start(self, container: str, node: str) -> None:
        """Start a node's container."""
        with _translated(f"start the container of {node}"):
            self._api.start(container)

    def attach(self, container: str, node: str) -> Connection:
        """Return a connection to the streams of a node's first process."""
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with _translated(f"attach to the container of {node}"):
            return Connection.over(self._api.attach_socket(container, wanted))

    def execute(
        self, container: str, argv: Sequence[str], *, user: str = ""
    ) -> Connection:
        """Start a program in a container and return a connection to its streams."""
        with _translated(f"run {argv[0]} in a container"):
            made = self._api.exec_create(container, list(argv), stdin=True, user=user)
            return Connection.over(self._api.exec_start(made["Id"], socket=True))

    def exit_status(self, container: str) -> int:
        """Return the exit status of a container that has ended or is about to."""
        with _translated("wait for a container's end"):
            return int(self._api.wait(container, timeout=_END_S)["StatusCode"])

    def log_tail(self, container: str, lines: int) -> str:
        """Return the last lines that a container has printed, both streams."""
        with _translated("read a container's log"):
            raw: bytes = self._api.logs(container, tail=lines)
        return raw.decode("utf-8", "replace")

    def remove(self, lab: str | None) -> int:
        """Remove a lab's (or every lab's) containers, then networks; return how many.

        What somebody else removes at the same time is as good as removed.
        """
        containers = self.containers(lab)
        self.each(self._remove_container, containers)
        networks = self.networks(lab)
        self.each(self._remove_network, networks)
        return len(containers) + len(networks)

    def remove_containers(self, containers: Iterable[Found]) -> None:
        """Remove these containers, running or not."""
        self.each(self._remove_container, containers)

    def remove_networks(self, networks: Iterable[Found]) -> None:
        """Remove these networks, which nothing is connected to any more."""
        self.each(self._remove_network, networks)

    def _remove_container(self, container: Found) -> None:
        _check_ours(container)
        with (
            self._leaving(container.connected),
            _gone_is_fine(),
            _translated(f"remove {container.name}"),
        ):
            self._api.remove_container(container.id, force=True, v=True)

    @contextmanager
    def _leaving(self, networks: frozenset[str]) -> Iterator[None]:
        """Leave networks while nobody else does: the engine could miscount them."""
        with self._left_changes:
            self._left_changes.wait_for(lambda: self._left.isdisjoint(networks))
            self._left |= networks
        try:
            yield
        finally:
            with self._left_changes:
                self._left -= networks
                self._left_changes.notify_all()

    def _remove_network(self, network: Found) -> None:
        _check_ours(network)
        with _gone_is_fine(), _translated(f"remove {network.name}"):
            self._forget_the_dead(network)
            try:
                self._api.remove_network(network.id)
            except docker.errors.APIError as exc:
                if "active endpoints" in str(exc.explanation) and not self._of(network):
                    raise Miscounted(
                        f"could not remove {network.name}: the engine keeps it for "
                        "containers that it no longer has, until it is restarted; "
                        "`lab down --all` does so if the lab has started it"
                    ) from exc
                raise

    def _forget_the_dead(self, network: Found) -> None:
        """Disconnect what is left of containers that an ended engine lost."""
        for container, endpoint in self._of(network).items():
            if container.startswith("ep-"):
                self._api.disconnect_container_from_network(
                    endpoint["Name"], network.id, force=True
                )

    def _of(self, network: Found) -> dict[str, Any]:
        return self._api.inspect_network(network.id).get("Containers") or {}


def _filter(lab: str | None) -> list[str]:
    return [LAB if lab is None else f"{LAB}={lab}"]


def _connected(container: dict[str, Any]) -> frozenset[str]:
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return frozenset(n["NetworkID"] for n in networks.values() if n.get("NetworkID"))


def _subnets(network: dict[str, Any]) -> tuple[IPv4Network, ...]:
    pools = (network.get("IPAM") or {}).get("Config") or ()
    texts = (pool.get("Subnet", "") for pool in pools)
    return tuple(IPv4Network(t, strict=False) for t in texts if t and ":" not in t)


def _check_ours(found: Found) -> None:
    if LAB not in found.labels:
        raise WorldError(f"{found.name} is not the lab's: it lacks the label {LAB}")


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except Gone:
        return


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn the SDK's exceptions, and those of the libraries below it, into ours."""
    try:
        yield
    except docker.errors.ImageNotFound as exc:
        raise EnvironmentUnfit(
            f"could not {doing}: {exc.explanation}; `lab build` makes the images"
        ) from exc
    except docker.errors.NotFound as exc:
        raise Gone(f"could not {doing}: {exc.explanation}") from exc
    except docker.errors.APIError as exc:
        raise _api_error(doing, exc) from exc
    except (docker.errors.DockerException, requests.exceptions.RequestException) as exc:
        raise EnvironmentUnfit(
            f"could not {doing}: the container engine does not answer ({exc}); "
            "start it, or see `lab doctor`"
        ) from exc


def _api_error(doing: str, exc: docker.errors.APIError) -> WorldError:
    why = str(exc.explanation or exc)
    if "overlap" in why.lower():
        return SubnetTaken(f"could not {doing}: {why}")
    if exc.status_code == 409 and "removal" in why and "in progress" in why:
        return Gone(f"could not {doing}: {why}")
    return WorldError(f"could not {doing}: {why}")
