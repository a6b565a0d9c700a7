"""Rules of answer generations and their events."""

from __future__ import annotations

from lab.agent.answers import AnswerWatch
from lab.agent.stub import Answer

S = 1_000_000_000


def answer(at_s: float, ttl_s: int, *addresses: str) -> Answer:
    return Answer(
        addresses=addresses or ("203.0.113.10",),
        ttl_s=ttl_s,
        received_ns=int(at_s * S),
    )


def kinds(events: list[dict[str, object]]) -> list[object]:
    return [event["kind"] for event in events]


class TestSee:
    def test_the_first_answer_is_an_event(self) -> None:
        events = AnswerWatch().see("us-honest", "failover", answer(1, 12))

        assert events == [
            {
                "type": "event",
                "at_ns": S,
                "kind": "answer",
                "uncertainty_ns": 0,
                "detail": {
                    "resolver": "us-honest",
                    "name": "failover",
                    "addresses": ["203.0.113.10"],
                    "ttl_s": 12,
                },
            }
        ]

    def test_a_ttl_that_counts_down_is_the_same_generation(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))

        assert watch.see("r", "n", answer(4.9, 9)) == []
        assert watch.see("r", "n", answer(5.1, 7)) == []

    def test_a_later_expiry_is_a_new_generation(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))

        assert kinds(watch.see("r", "n", answer(5, 12))) == ["answer"]

    def test_other_addresses_are_a_new_generation(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))
        watch.see("r", "n", answer(3, 10))

        events = watch.see("r", "n", answer(5, 8, "203.0.113.138"))

        assert kinds(events) == ["answer"]
        assert events[0]["uncertainty_ns"] == 2 * S

    def test_rotation_is_no_change(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12, "203.0.113.10", "203.0.113.138"))

        assert watch.see("r", "n", answer(2, 11, "203.0.113.138", "203.0.113.10")) == []

    def test_resolvers_and_names_are_apart(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))

        assert kinds(watch.see("r", "m", answer(1, 12))) == ["answer"]
        assert kinds(watch.see("s", "n", answer(1, 12))) == ["answer"]

    def test_the_end_of_the_old_generation_comes_before_the_new_one(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))

        events = watch.see("r", "n", answer(20, 12))

        assert kinds(events) == ["cache-expiry", "answer"]
        assert events[0]["at_ns"] == 14 * S

    def test_a_successor_ends_a_generation_that_rounding_makes_last_longer(
        self,
    ) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1.0, 12))
        watch.see("r", "n", answer(1.3, 12))

        events = watch.see("r", "n", answer(13.1, 12))

        assert kinds(events) == ["cache-expiry", "answer"]
        assert events[0]["at_ns"] == int(13.1 * S)
        assert events[0]["uncertainty_ns"] == int(13.1 * S) - 12 * S

    def test_an_answer_replaced_well_before_its_end_has_not_expired(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))

        assert kinds(watch.see("r", "n", answer(5, 12))) == ["answer"]
        assert kinds(watch.expire(14 * S)) == []


class TestExpire:
    def test_a_generation_ends_once_a_second_past_its_latest_seen_expiry(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1.0, 12))
        watch.see("r", "n", answer(4.5, 9))

        (event,) = watch.expire(15 * S)

        assert (event["at_ns"], event["uncertainty_ns"]) == (14.5 * S, 2.5 * S)
        assert watch.expire(16 * S) == []

    def test_a_generation_has_not_ended_while_rounding_may_hide_its_rest(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))

        assert watch.expire(13 * S) == []
        assert watch.see("r", "n", answer(13.9, 0)) == []
        assert watch.expire(14 * S) == []

    def test_after_forget_the_same_answer_is_new_and_nothing_ends(self) -> None:
        watch = AnswerWatch()
        watch.see("r", "n", answer(1, 12))
        watch.forget()

        assert watch.expire(100 * S) == []
        assert kinds(watch.see("r", "n", answer(2, 11))) == ["answer"]
