"""Rules of handing a node its orders through the environment."""

import os
from base64 import encodebytes
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from lab.node.spec import read_spec, write_files
from lab.plan.model import File, Interface, Node, Process, Role, StaticRoute
from lab.plan.spec import environment


def _node(*files: File) -> Node:
    link = Interface(link="up", address=IPv4Interface("10.0.0.2/26"), boundary=True)
    route = StaticRoute(prefix=IPv4Network("0.0.0.0/0"), via=IPv4Address("10.0.0.3"))
    return Node(
        name="n",
        role=Role.EDGE,
        site="s",
        stem="bird",
        interfaces=(link,),
        loopbacks=(IPv4Address("198.18.0.1"),),
        routes=(route,),
        files=files,
        processes=(Process(name="p", argv=("true",), env=(("A", "b"),)),),
    )


class TestEnvironment:
    def test_what_the_plan_says_is_what_the_node_reads(self) -> None:
        spec = read_spec(environment(_node()))

        assert spec.loopbacks == ["198.18.0.1"]
        assert spec.boundary == ["10.0.0.2"]
        assert spec.routes == [{"prefix": "0.0.0.0/0", "via": "10.0.0.3"}]
        assert spec.processes[0]["env"] == {"A": "b"}
        assert not spec.keep_net_admin
        assert spec.delays == []

    def test_a_long_link_is_told_with_its_delay(self) -> None:
        node = _node()
        long = replace(node.interfaces[0], delay_ms=40, relays=True)

        spec = read_spec(environment(replace(node, interfaces=(long,))))

        assert spec.delays == [
            {"link": "up", "address": "10.0.0.2/26", "ms": 40, "relay": True}
        ]

    def test_files_arrive_as_they_were_planned(self, tmp_path: Path) -> None:
        files = (
            File(path=f"{tmp_path}/a/one.conf", text="x { y; }\n\n# z\n"),
            File(path=f"{tmp_path}/two", text="two\n"),
        )

        write_files(environment(_node(*files))["LAB_FILES"])

        assert (tmp_path / "a/one.conf").read_text() == "x { y; }\n\n# z\n"
        assert (tmp_path / "two").read_text().rstrip() == "two"

    def test_a_binary_file_arrives_byte_by_byte(self, tmp_path: Path) -> None:
        content = bytes(range(256)) + b"\n"
        text = encodebytes(content).decode()
        files = (
            File(path=f"{tmp_path}/one", text=text, binary=True),
            File(path=f"{tmp_path}/two", text="two\n"),
        )

        write_files(environment(_node(*files))["LAB_FILES"])

        assert (tmp_path / "one").read_bytes() == content
        assert (tmp_path / "two").read_text() == "two\n\n"

    def test_a_line_that_looks_like_a_new_file_is_refused(self) -> None:
        file = File(path="/x", text=f"a{os.linesep}#### /y\n")

        with pytest.raises(ValueError, match="/x has a line with"):
            environment(_node(file))
