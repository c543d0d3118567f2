"""The ranking of answers, and what of it is stored."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.errors import CheckpointError, OptionError
from bot.ml.ranking import (
    Library,
    Ranker,
    Weights,
    build_library,
    load_library,
    save_library,
)
from bot.ml.ranking_options import RankingOptions
from bot.ml.text import apply_edits
from bot.types import Edit, Example, RankedLabel

WORDS = (
    *("open", "close", "nine", "five", "park", "car", "house", "hours", "parking"),
    *("name", "bot", "weather", "rain", "lost", "found", "desk", "free"),
)
QUESTIONS = [
    Example("open close", "faq/hours"),
    Example("open", "faq/hours"),
    Example("park car", "faq/parking"),
    Example("rain", "chitchat/weather"),
    Example("hello", "greet"),
]
ANSWERS = {
    "faq/hours": ["Nine to five."],
    "faq/parking": ["Behind the house. It is free."],
    "faq/lost_found": ["At the desk."],
    "chitchat/weather": [],
}
WEIGHTS = Weights(share=1.0, question=5.0, passage=5.0, name=5.0, unasked=1.0)


def embed(text: str, edits: tuple[Edit, ...] = ()) -> NDArray[np.float32]:
    """Count words: what shares a word is close."""
    words = apply_edits(text, edits).lower().replace(".", "").split()
    counts = np.array([1e-3 + words.count(word) for word in WORDS], dtype=np.float32)
    return np.asarray(counts / np.linalg.norm(counts), dtype=np.float32)


@pytest.fixture
def library() -> Library:
    return build_library(QUESTIONS, ANSWERS, embed, "digest")


def ranked(library: Library, text: str, **shares: float) -> list[str]:
    """The answers of `faq`, likeliest first."""
    given = [RankedLabel(f"faq/{name}", share) for name, share in shares.items()]
    return [item.name for item in Ranker(library, WEIGHTS).rank(embed(text), given)["faq"]]


def test_the_library_holds_every_answer_of_the_intents_that_are_asked(library: Library) -> None:
    assert library.labels == ("chitchat/weather", "faq/hours", "faq/lost_found", "faq/parking")
    assert library.intents == ("chitchat", "faq")
    assert library.n_questions.tolist() == [1, 2, 0, 1]
    assert library.n_passages.tolist() == [0, 1, 1, 3]
    assert np.allclose(library.questions[1], embed("open close"))
    assert np.allclose(library.names[2], embed("lost found"))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("open", "faq/hours"),
        ("car", "faq/parking"),
        ("house", "faq/parking"),
        ("desk", "faq/lost_found"),
        ("lost", "faq/lost_found"),
    ],
    ids=["question", "other question", "answer", "answer never asked for", "name"],
)
def test_each_side_finds_an_answer(library: Library, text: str, label: str) -> None:
    assert ranked(library, text, hours=1 / 3, parking=1 / 3, lost_found=1 / 3)[0] == label


def test_the_head_decides_between_what_is_equally_close(library: Library) -> None:
    assert ranked(library, "weather", hours=0.2, parking=0.7, lost_found=0.1)[0] == "faq/parking"
    assert ranked(library, "weather", hours=0.7, parking=0.2, lost_found=0.1)[0] == "faq/hours"


def test_an_answer_that_the_head_does_not_know_can_win(library: Library) -> None:
    """A model of an earlier version learned nothing of answers without a question."""
    strong = Weights(share=0.5, question=8.0, passage=8.0, name=8.0, unasked=1.0)
    shares = [RankedLabel("faq/hours", 0.5), RankedLabel("faq/parking", 0.5)]
    found = Ranker(library, strong).rank(embed("lost desk"), shares)["faq"]
    assert found[0].name == "faq/lost_found"


def test_confidences_are_the_softmax_of_the_scores_by_intent(library: Library) -> None:
    ranker = Ranker(library, WEIGHTS)
    shares = [RankedLabel("faq/hours", 0.9), RankedLabel("faq/parking", 0.1)]
    scores = ranker.scores(embed("open house"), shares)[1:]
    expected = np.exp(scores) / np.exp(scores).sum()
    found = {item.name: item.confidence for item in ranker.rank(embed("open house"), shares)["faq"]}
    assert [found[label] for label in library.labels[1:]] == pytest.approx(expected.tolist())
    assert ranker.rank(embed("x"), [])["chitchat"] == (RankedLabel("chitchat/weather", 1.0),)


def test_the_scores_are_what_the_weights_say(library: Library) -> None:
    sentence = embed("car desk")
    hours, lost, parking = Ranker(library, WEIGHTS).scores(
        sentence, [RankedLabel("faq/parking", 0.25)]
    )[1:]
    cosine = lambda text: float(sentence @ embed(text))  # noqa: E731
    assert parking == pytest.approx(
        math.log(0.25)
        + 5 * cosine("park car")
        + 5 * max(map(cosine, ("behind the house it is free", "house", "it is free")))
        + 5 * cosine("parking"),
        abs=1e-4,
    )
    assert lost == pytest.approx(
        math.log(1e-6) + 5 * cosine("desk") + 5 * cosine("desk") + 5 * cosine("lost found") + 1,
        abs=1e-4,
    )
    assert hours < lost


def test_an_unlikely_label_does_not_break_the_ranking(library: Library) -> None:
    for share in (0.0, 1e-300, 1.0):
        ranking = Ranker(library).rank(embed("open"), [RankedLabel("faq/hours", share)])["faq"]
        assert all(math.isfinite(item.confidence) for item in ranking)
        assert sum(item.confidence for item in ranking) == pytest.approx(1.0)


def test_without_retrieval_intents_nothing_is_ranked(tmp_path: Path) -> None:
    empty = build_library([Example("hello", "greet")], ANSWERS, embed, "digest")
    save_library(empty, tmp_path)
    assert Ranker(load_library(tmp_path)).rank(embed("open"), []) == {}


def test_answers_without_a_text_and_none_with_one(tmp_path: Path) -> None:
    """Pictures and buttons only: there is nothing to compare with but questions and names."""
    pictures = build_library(QUESTIONS, {label: [] for label in ANSWERS}, embed, "digest")
    save_library(pictures, tmp_path)
    assert ranked(load_library(tmp_path), "lost", hours=0.3, lost_found=0.3)[0] == "faq/lost_found"


def test_what_was_saved_ranks_the_same(library: Library, tmp_path: Path) -> None:
    save_library(library, tmp_path)
    again = load_library(tmp_path)
    assert (again.labels, again.encoder) == (library.labels, library.encoder)
    for text in ("open", "car desk", "rain"):
        assert Ranker(again).rank(embed(text), []) == Ranker(library).rank(embed(text), [])


@pytest.mark.parametrize("name", ["ranking.safetensors", "ranking.json", "manifest.json"])
def test_a_lost_or_changed_file_is_named(library: Library, tmp_path: Path, name: str) -> None:
    for damage in ("lost", "changed"):
        folder = tmp_path / damage
        save_library(library, folder)
        if damage == "lost":
            (folder / name).unlink()
        else:
            (folder / name).write_bytes((folder / name).read_bytes()[:-2])
        with pytest.raises(CheckpointError, match=name):
            load_library(folder)


def test_another_format_is_refused(library: Library, tmp_path: Path) -> None:
    from bot.ml.checkpoint import write_manifest

    save_library(library, tmp_path)
    path = tmp_path / "ranking.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    write_manifest(tmp_path)
    with pytest.raises(CheckpointError, match="format 99"):
        load_library(tmp_path)


# --- Options


def test_options_are_read_with_rasas_null() -> None:
    assert RankingOptions.read({"retrieval_intent": None}, "R") == RankingOptions()
    assert RankingOptions.read({"threshold": 1, "ranking_length": 0}, "R").threshold == 1.0
    assert RankingOptions.read(RankingOptions().as_dict(), "R") == RankingOptions()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"treshold": 0.1}, "Did you mean 'threshold'?"),
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"threshold": "often"}, "a number"),
        ({"ranking_length": -1}, "0 or more"),
        ({"ranking_length": True}, "a whole number"),
        ({"retrieval_intent": 3}, "text"),
    ],
)
def test_unusable_options_are_refused(config: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError) as raised:
        RankingOptions.read(config, "ResponseRanker")
    assert said in str(raised.value)
    assert "ResponseRanker" in str(raised.value)


def test_an_intent_without_questions_cannot_be_ranked() -> None:
    options = RankingOptions(retrieval_intent="fqa")
    with pytest.raises(OptionError, match=r"Did you mean 'faq'\?.*chitchat, faq"):
        options.check_intent(("chitchat", "faq"), "ResponseRanker")
    RankingOptions(retrieval_intent="faq").check_intent(("chitchat", "faq"), "ResponseRanker")
    RankingOptions().check_intent((), "ResponseRanker")
