"""Rules of a stub client's memory; the clock is an argument."""

from __future__ import annotations

import random

import pytest

from lab.agent.plan import Behaviour
from lab.agent.stub import Answer, Choice, Stub

S = 1_000_000_000
ANSWER = Answer(addresses=("203.0.113.10", "203.0.113.138"), ttl_s=12, received_ns=S)


def new(
    behaviour: Behaviour = Behaviour.FIRST_ADDRESS,
    *,
    pin_s: float = 36,
    jitter: float = 0.0,
    seed: int = 1,
) -> Stub:
    return Stub(behaviour, pin_s=pin_s, jitter=jitter, rng=random.Random(seed))


def stub(behaviour: Behaviour = Behaviour.FIRST_ADDRESS) -> Stub:
    made = new(behaviour)
    made.learn(ANSWER, S)
    return made


def recalled(made: Stub, at_ns: int) -> Choice:
    choice = made.recall(at_ns)
    assert choice is not None
    return choice


class TestCache:
    def test_an_answer_is_used_for_its_ttl_and_no_longer(self) -> None:
        made = stub()

        assert recalled(made, S + 12 * S - 1).source == "stub"
        assert made.recall(S + 12 * S) is None

    def test_the_ttl_counts_from_receipt(self) -> None:
        made = new()
        made.learn(ANSWER, 5 * S)

        assert made.recall(13 * S) is None

    def test_an_answer_with_ttl_zero_is_not_kept(self) -> None:
        made = new()
        made.learn(Answer(addresses=("203.0.113.10",), ttl_s=0, received_ns=S), S)

        assert made.recall(S) is None

    def test_a_new_client_has_to_ask(self) -> None:
        assert new().recall(0) is None

    def test_forget_drops_the_answer(self) -> None:
        made = stub()
        made.forget()

        assert made.recall(S) is None


class TestJitter:
    def ends(self, jitter: float) -> list[float]:
        """Return after how many seconds of 12 each of many clients asks again."""
        clients = [new(jitter=jitter, seed=seed) for seed in range(200)]
        for client in clients:
            client.learn(ANSWER, S)
        tenths = range(190)
        return [
            next(t / 10 for t in tenths if client.recall(S + t * S // 10) is None)
            for client in clients
        ]

    def test_each_adds_a_random_share_of_the_ttl(self) -> None:
        ends = self.ends(0.5)

        assert 12 <= min(ends) < 12.5
        assert 17.5 < max(ends) <= 18

    def test_each_gives_up_a_random_share_if_it_is_negative(self) -> None:
        ends = self.ends(-0.5)

        assert 6 <= min(ends) < 6.5
        assert 11.5 < max(ends) <= 12

    def test_without_it_all_end_together(self) -> None:
        assert set(self.ends(0.0)) == {12}


class TestBehaviour:
    def test_first_address_tries_the_first_alone(self) -> None:
        assert stub().choose(ANSWER).addresses == ("203.0.113.10",)

    @pytest.mark.parametrize(
        "behaviour", [Behaviour.RETRY_NEXT, Behaviour.HAPPY_EYEBALLS, Behaviour.SDK]
    )
    def test_who_tries_several_has_all_in_the_order_given(
        self, behaviour: Behaviour
    ) -> None:
        assert stub(behaviour).choose(ANSWER).addresses == ANSWER.addresses

    def test_an_answer_just_asked_for_comes_from_the_resolver(self) -> None:
        assert stub().choose(ANSWER).source == "resolver"


class TestPin:
    def test_a_pinned_client_keeps_its_address_past_the_ttl(self) -> None:
        made = stub(Behaviour.PINNED)

        choice = recalled(made, S + 36 * S - 1)

        assert choice.addresses == ("203.0.113.10",)
        assert choice.source == "pin"
        assert choice.answer == ANSWER

    def test_within_the_ttl_a_pinned_address_is_the_stub_cache_s(self) -> None:
        assert recalled(stub(Behaviour.PINNED), S + 12 * S - 1).source == "stub"

    def test_after_pin_s_a_pinned_client_resolves_anew(self) -> None:
        assert stub(Behaviour.PINNED).recall(S + 36 * S) is None

    def test_a_pin_shorter_than_the_ttl_is_renewed_from_the_cache(self) -> None:
        made = new(Behaviour.PINNED, pin_s=5)
        made.learn(ANSWER, S)

        assert recalled(made, 7 * S).source == "stub"
        assert recalled(made, 11 * S).addresses == ("203.0.113.10",)

    def test_a_new_answer_is_pinned_in_place_of_the_old_one(self) -> None:
        made = stub(Behaviour.PINNED)
        other = Answer(addresses=("203.0.113.138",), ttl_s=12, received_ns=40 * S)
        made.learn(other, 40 * S)

        assert recalled(made, 60 * S).addresses == ("203.0.113.138",)

    def test_forget_drops_the_pin(self) -> None:
        made = stub(Behaviour.PINNED)
        made.forget()

        assert made.recall(S) is None

    def test_only_pinned_clients_pin(self) -> None:
        assert stub(Behaviour.RETRY_NEXT).recall(20 * S) is None
