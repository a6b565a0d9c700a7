"""An engine's store of networks, with some whose deletion was cut short."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from lab.live.halfdeleted import let_go_of_pools
from lab.live.naming import LAB

POOL = {"PreferredPool": "10.213.2.0/26", "SubPool": "", "Gateway": ""}
OURS = {LAB: "two-region"}


def network(
    name: str,
    labels: dict[str, str] | None = OURS,
    *,
    being_deleted: bool = True,
    info: bool = False,
) -> bytes:
    """One network as Engine 20.10 stores it: lists of pools are JSON within JSON."""
    record = {
        "addrSpace": "LocalDefault",
        "inDelete": being_deleted,
        "ipamV4Config": json.dumps([POOL]),
        "labels": labels,
        "name": name,
        "scope": "local",
    }
    if info:
        record["ipamV4Info"] = json.dumps([{"PoolID": "LocalDefault/10.213.2.0/26"}])
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    file = tmp_path / "local-kv.db"
    file.write_bytes(
        b"\x02\0\0\0docker/network/v1.0/network/43bc/"
        + network("half-deleted")
        + b"\0\0docker/network/v1.0/network/77a8/"
        + network("alive", being_deleted=False, info=True)
        + b"\0\0docker/network/v1.0/network/9302/"
        + network("somebody's", {"com.example": "1"})
        + network("nobody's", None)
        + network("pools still held", info=True)
        + b"\0\0"
    )
    return file


def test_only_the_labs_own_that_hold_no_pool_let_go(store: Path) -> None:
    before = store.read_bytes()

    names = let_go_of_pools(store)

    after = store.read_bytes()
    changed = network("half-deleted")
    assert names == ("half-deleted",)
    assert len(after) == len(before)
    assert after.split(b"alive")[1] == before.split(b"alive")[1]
    assert changed in before
    assert changed not in after


def test_the_record_still_reads_and_asks_for_no_pool(store: Path) -> None:
    let_go_of_pools(store)

    content = store.read_bytes().decode("ascii")
    record, _ = json.JSONDecoder().raw_decode(content, content.index("{"))
    assert record["name"] == "half-deleted"
    assert json.loads(record["ipamV4Config"]) == []


def test_a_second_time_there_is_nothing_to_do(store: Path) -> None:
    let_go_of_pools(store)

    assert let_go_of_pools(store) == ()


def test_a_store_that_an_engine_holds_is_left_alone(store: Path) -> None:
    before = store.read_bytes()
    with store.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        assert let_go_of_pools(store) == ()

    assert store.read_bytes() == before


def test_a_machine_that_never_ran_an_engine_has_none(tmp_path: Path) -> None:
    assert let_go_of_pools(tmp_path / "local-kv.db") == ()
