"""Rules of the tables from a flow's hash to a node."""

from __future__ import annotations

from collections import Counter

import pytest

from lab.node.slots import MAGLEV_SLOTS, maglev, modulo

FIVE = tuple(f"l7-{i}" for i in range(1, 6))


def moved(before: list[str], after: list[str]) -> float:
    return sum(a != b for a, b in zip(before, after, strict=True)) / len(before)


class TestMaglev:
    def test_every_node_gets_as_much_as_any_other(self) -> None:
        shares = Counter(maglev(FIVE)).values()

        assert sum(shares) == MAGLEV_SLOTS
        assert max(shares) - min(shares) <= 1

    @pytest.mark.parametrize("gone", FIVE)
    def test_when_one_of_five_goes_little_more_than_its_fifth_moves(
        self, gone: str
    ) -> None:
        # NSDI 2016, section 5.3: the ideal is 1/N, and a small table moves a bit more.
        left = tuple(name for name in FIVE if name != gone)
        assert 0.2 <= moved(maglev(FIVE), maglev(left)) <= 0.208

    def test_all_who_know_the_same_nodes_make_the_same_table(self) -> None:
        assert maglev(FIVE, slots=97) == maglev(FIVE, slots=97)

    def test_one_node_gets_everything(self) -> None:
        assert set(maglev(FIVE[:1], slots=97)) == {FIVE[0]}


class TestModulo:
    def test_each_remainder_is_a_node(self) -> None:
        assert modulo(FIVE)[:7] == [*FIVE, *FIVE[:2]]

    @pytest.mark.parametrize("count", range(1, 9))
    def test_no_node_gets_more_than_another(self, count: int) -> None:
        shares = Counter(modulo([f"l7-{i}" for i in range(count)])).values()

        assert len(set(shares)) == 1

    def test_when_one_of_five_goes_four_in_five_move(self) -> None:
        assert moved(modulo(FIVE), modulo(FIVE[1:])) == 0.8
