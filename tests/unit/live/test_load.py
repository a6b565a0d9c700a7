from __future__ import annotations

import pytest

from lab.errors import WorldError
from lab.live.load import through_ports, used_s


class TestUsed:
    def test_counts_nanoseconds_of_the_first_version(self) -> None:
        assert used_s("2500000000\n") == 2.5

    def test_counts_microseconds_of_the_second(self) -> None:
        assert used_s("usage_usec 2500000\nuser_usec 7\nsystem_usec 9\n") == 2.5

    def test_anything_else_is_a_fault(self) -> None:
        with pytest.raises(WorldError, match="no processor time"):
            used_s("cat: not found")


class TestReceived:
    TABLE = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
    lo: 7000000     10    0    0    0     0          0         0   7000000    10
  eth0:    1500     10    0    0    0     0          0         0       900     9
  eth1:      42      1    0    0    0     0          0         0       900     9
"""

    def test_counts_what_came_through_every_port_but_its_own_loopback(self) -> None:
        assert through_ports(self.TABLE) == 1542

    def test_a_node_without_ports_is_a_fault(self) -> None:
        with pytest.raises(WorldError, match="no port"):
            through_ports("cat: not found")
