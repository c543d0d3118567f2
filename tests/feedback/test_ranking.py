"""Reasons, and the order that follows from them: plain data in, plain data out."""

from __future__ import annotations

import numpy as np
import pytest

from bot.feedback import ranking
from bot.feedback.signals import (
    BY_PEOPLE,
    WEIGHTS,
    Message,
    Next,
    Reason,
    follow,
    of_another,
    reasons,
    uncertainty,
)
from bot.feedback.vectors import of_words

SURE = (("check_balance", 0.98), ("greet", 0.01))
TORN = (("check_balance", 0.41), ("pay_bill", 0.38))


def names(message: Message) -> list[str]:
    return [reason.signal for reason in reasons(message)]


def test_nothing_speaks_for_a_message_that_was_understood() -> None:
    assert reasons(Message("what is my balance", "check_balance", SURE)) == []


@pytest.mark.parametrize(
    ("more", "signal", "words"),
    [
        ({"thumb": "down", "comment": "no!"}, "thumb_down", "The answer got a thumbs down: “no!”"),
        ({"thumb": "down"}, "thumb_down", "The answer got a thumbs down."),
        ({"rating": 1}, "low_rating", "The conversation was rated 1 star."),
        ({"rephrase": True}, "rephrase", "This is a second attempt"),
        ({"picked": "pay_bill"}, "picked", "the person picked pay_bill."),
        ({"fallback": "nlu"}, "fallback", "The bot did not understand this."),
        ({"fallback": "core"}, "fallback", "The bot did not know what to do next."),
        ({"other_label": "pay_bill"}, "disagreement", "disagree: check_balance and pay_bill."),
        ({"following": Next.CORRECTED}, "correction", "The next message corrects the bot."),
        ({"following": Next.REPEATED}, "repeated", "The person sent the same again"),
        ({"following": Next.FRUSTRATED}, "frustration", "The next message sounds impatient."),
        ({"following": Next.HUMAN}, "asked_for_human", "asked for a human right after."),
    ],
)
def test_each_signal_says_why(more: dict[str, object], signal: str, words: str) -> None:
    (reason,) = reasons(Message("x", "check_balance", SURE, **more))  # type: ignore[arg-type]
    assert reason.signal == signal
    assert words in reason.words
    assert reason.score == 1.0


def test_good_ratings_and_thumbs_up_are_no_reason() -> None:
    assert reasons(Message("x", "a", SURE, thumb="up", rating=5, other_label="a")) == []


def test_doubt_is_put_in_words() -> None:
    (torn,) = reasons(Message("x", "check_balance", TORN))
    assert torn.words == "The model hesitates between check_balance (41%) and pay_bill (38%)."
    assert torn.score == pytest.approx(0.97)
    (weak,) = reasons(Message("x", "a", (("a", 0.7), ("b", 0.05))))
    assert weak.words == "The model is only 70% sure that this is a."
    assert reasons(Message("x"))[0].words == "There is no suggestion for this message."


def test_the_weightiest_comes_first() -> None:
    message = Message("x", "out_of_scope", TORN, fallback="nlu", rephrase=True, thumb="down")
    assert names(message) == ["thumb_down", "uncertain", "fallback", "out_of_scope", "rephrase"]


@pytest.mark.parametrize(
    ("ranking_", "expected"),
    [((), 1.0), ((("a", 0.9),), 0.1), ((("a", 0.5), ("b", 0.5)), 1.0), ((("a", 1.2),), 0.0)],
)
def test_uncertainty(ranking_: tuple[tuple[str, float], ...], expected: float) -> None:
    assert uncertainty(ranking_) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "later", "label", "expected"),
    [
        ("freeze it", "No, I meant the other card", None, Next.CORRECTED),
        ("freeze it", "that's not what I asked", None, Next.CORRECTED),
        ("freeze it", "you misunderstood me", None, Next.CORRECTED),
        ("freeze it", "no thats wrong", None, Next.CORRECTED),
        ("pay my bill", "Pay my bill!", None, Next.REPEATED),
        ("pay my bill please", "pay my bills please", None, Next.REPEATED),
        ("freeze it", "this is USELESS", None, Next.FRUSTRATED),
        ("freeze it", "WHY DOES THIS NOT WORK", None, Next.FRUSTRATED),
        ("freeze it", "hello???", None, Next.FRUSTRATED),
        ("freeze it", "can I talk to a person", None, Next.HUMAN),
        ("freeze it", "give me somebody real", "ask_human", Next.HUMAN),
        ("talk to an agent", "an agent please now", None, Next.NOTHING),
        ("freeze it", "thanks, that is all", None, Next.NOTHING),
        ("freeze it", "no", None, Next.NOTHING),
        ("freeze it", "send 20 to mum", None, Next.NOTHING),
        ("yes", "no", None, Next.NOTHING),
        ("freeze it", "what does IBAN mean", None, Next.NOTHING),
    ],
)
def test_the_next_message_is_a_comment(
    text: str, later: str, label: str | None, expected: Next
) -> None:
    assert follow(text, later, label) == expected


def test_every_signal_has_a_weight_and_words_for_a_group() -> None:
    assert set(WEIGHTS) >= BY_PEOPLE
    assert {"thumb_down", "correction", "picked", "rephrase"} <= BY_PEOPLE
    assert not {"uncertain", "fallback", "disagreement", "out_of_scope"} & BY_PEOPLE
    for name in set(WEIGHTS) - {"uncertain"}:
        found = of_another(name)
        assert found is not None and found.words.endswith(".")
    assert of_another("uncertain") is None  # of near-duplicates it is said once


def test_need_joins_reasons_and_never_leaves_the_scale() -> None:
    thumb, doubt = Reason("thumb_down", 1.0, ""), Reason("uncertain", 0.5, "")
    assert ranking.need([]) == 0.0
    assert ranking.need([thumb]) == pytest.approx(WEIGHTS["thumb_down"])
    both = ranking.need([thumb, doubt])
    assert WEIGHTS["thumb_down"] < both < 1.0
    assert both == pytest.approx(1 - 0.1 * (1 - 0.5 * WEIGHTS["uncertain"]))
    assert ranking.told([thumb, doubt]) == pytest.approx(WEIGHTS["thumb_down"])
    assert ranking.need([Reason(name, 1.0, "") for name in WEIGHTS]) < 1.0


def test_many_messages_count_more_than_one_but_what_is_clear_stays_so() -> None:
    needs, sizes = np.array([0.5, 0.5, 0.5, 0.0]), np.array([1, 2, 100, 1000])
    one, two, hundred, clear = ranking.value_of(needs, sizes)
    assert one == pytest.approx(0.5)
    assert one < two < hundred < 1.0
    assert clear == 0.0


def _unit(*rows: list[float]) -> np.ndarray:
    found = np.array(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_page_is_not_all_of_one_topic() -> None:
    chance = np.random.default_rng(0)
    centres = np.eye(3, 8, dtype=np.float32)
    noise = chance.normal(0, 0.02, (60, 8)).astype(np.float32)
    vectors = _unit(*(centres[[0] * 40 + [1] * 15 + [2] * 5] + noise))
    order = ranking.in_order(np.full(60, 0.5), np.zeros(60), vectors)
    topics = [0 if place < 40 else 1 if place < 55 else 2 for place in order.picked[:3]]
    assert topics == [0, 1, 2]  # the largest first, then the others
    assert order.stands_for[:3].tolist() == [39, 14, 4]
    assert sorted(order.picked.tolist()) == list(range(60))
    assert order.stands_for[3:].sum() == 0


def test_what_people_complained_about_comes_early_but_not_again_and_again() -> None:
    chance = np.random.default_rng(1)
    vectors = _unit(*chance.normal(size=(200, 16)))
    vectors[190:196] = vectors[190]  # six times the same complaint
    values, tolds = np.full(200, 0.3), np.zeros(200)
    values[190:198], tolds[190:198] = 0.9, 0.9  # and two others
    first = ranking.in_order(values, tolds, vectors, limit=6).picked.tolist()
    assert {196, 197} <= set(first[:4])
    assert len({190, 191, 192, 193, 194, 195} & set(first)) == 1


def test_the_lazy_order_is_the_greedy_order() -> None:
    """Compare with computing each gain anew at each step."""
    chance = np.random.default_rng(2)
    vectors, values = _unit(*chance.normal(size=(80, 6))), chance.random(80)
    tolds = np.where(chance.random(80) < 0.1, 0.8, 0.0)
    similar = np.clip(vectors @ vectors.T, 0, 1).astype(np.float64) ** ranking.SHARPNESS
    covered, expected = np.zeros(80), []
    people = ranking.PEOPLE * (similar @ values).max() * tolds
    for _ in range(20):
        gains = np.maximum(similar - covered, 0) @ values + people * (1 - covered)
        gains[expected] = -1
        best = int(gains.argmax())
        expected.append(best)
        covered = np.maximum(covered, similar[best])
    found = ranking.in_order(values, tolds, vectors, limit=20).picked.tolist()
    assert found == expected


def test_candidates_are_the_neediest_and_a_draw_of_the_others() -> None:
    chance = np.random.default_rng(3)
    values, keys = chance.random(5_000) * 0.5, np.arange(5_000) * 7 + 3
    values[:50] = 0.9
    chosen = ranking.candidates(values, keys, 400)
    assert len(set(chosen.tolist())) == 400
    assert set(range(50)) <= set(chosen.tolist())
    drawn = values[chosen][np.argsort(-values[chosen])][200:]
    assert 0.2 < drawn.mean() < values.max()
    assert drawn.min() < np.sort(values)[-400]  # not merely the next best
    assert ranking.candidates(values, keys, 400).tolist() == chosen.tolist()
    shuffled = chance.permutation(5_000)
    again = ranking.candidates(values[shuffled], keys[shuffled], 400)
    assert set(keys[shuffled][again]) == set(keys[chosen])
    assert ranking.candidates(values[:5], keys[:5], 400).tolist() == [0, 1, 2, 3, 4]


def test_priorities_put_the_chosen_before_all_others() -> None:
    values = np.array([0.2, 1.0, 0.5, 0.1])
    order = ranking.Order(np.array([1, 0]), np.array([0, 0]))
    found = ranking.priorities(values, np.array([0, 2]), order)
    assert found.argsort()[::-1].tolist() == [2, 0, 1, 3]
    assert found[1] < 1.0 <= found[0] < found[2] <= 2.0


def test_words_alone_tell_topics_apart() -> None:
    texts = ["freeze my card", "my card please freeze", "what is the weather", "weather today"] * 40
    vectors = of_words(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]
    assert of_words(["", ""]).shape == (2, 1)
    assert np.array_equal(of_words(texts), vectors)
