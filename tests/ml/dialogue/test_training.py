"""Training: it learns, it is seeded, and it continues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bot.errors import CheckpointError, EncoderError, TrainingDataError
from bot.ml.dialogue import checkpoint
from bot.ml.dialogue.averaging import MovingAverage
from bot.ml.dialogue.calibrating import HIGHEST_SCALE, Outcome, calibrate
from bot.ml.dialogue.inference import HIGHEST_CONFIDENCE, DialoguePredictor
from bot.ml.dialogue.options import StoryOptions
from bot.ml.dialogue.states import State, Vocabulary, columns_of, input_of
from bot.ml.dialogue.trained import TrainedDialogue
from bot.ml.dialogue.training import train_dialogue

from .talks import talk, talks, vocabulary


@pytest.fixture(scope="module")
def predictor(folder: Path) -> DialoguePredictor:
    return checkpoint.load_predictor(folder)


def next_action(predictor: DialoguePredictor, *turns: str) -> str:
    """Predict what follows the last turn."""
    return predictor.predict(talk(*turns).states[:-1]).scores.best[0]


def test_it_learned_what_was_told(predictor: DialoguePredictor) -> None:
    for told in talks():
        logits, _ = predictor.logits(told.states)
        found = [predictor.vocabulary.actions[row.argmax()] for row in logits]
        assert tuple(found) == told.actions


@pytest.mark.parametrize(
    ("turns", "action"),
    [
        (("late", "joke", "price", "yes"), "action_refund"),
        (("price", "late", "greet", "yes"), "action_refund"),
        (("greet", "joke", "price", "yes"), "utter_ok"),
    ],
)
def test_it_finds_its_way_where_nothing_was_told(
    predictor: DialoguePredictor, turns: tuple[str, ...], action: str
) -> None:
    assert next_action(predictor, *turns) == action


def test_it_is_never_quite_sure(predictor: DialoguePredictor) -> None:
    for told in talks():
        for end in range(1, len(told.states) + 1):
            scores = predictor.predict(told.states[:end]).scores
            assert 0 < scores.confidence.max() <= HIGHEST_CONFIDENCE < 1
            assert scores.confidence.sum() == pytest.approx(1, abs=0.01)


def test_torch_and_onnx_agree(trained: TrainedDialogue, predictor: DialoguePredictor) -> None:
    generator = np.random.default_rng(1)
    tokens = trained.vocabulary.tokens
    for length in (1, 2, 9, 40):
        states = [
            State(tuple((name, 1.0) for name in generator.choice(tokens, 3, replace=False)))
            for _ in range(length)
        ]
        rows = torch.from_numpy(input_of(states, columns_of(tokens)))[None]
        with torch.no_grad():
            expected = trained.model(rows, torch.zeros((1, length, 0)))
        for ours, theirs in zip(predictor.logits(states), expected, strict=True):
            np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-4)


def test_the_same_seed_gives_the_same_model(
    options: StoryOptions, trained: TrainedDialogue
) -> None:
    short = replace(options, epochs=1)
    runs = [train_dialogue(talks(), vocabulary(), o, show_progress=False) for o in (short, short)]
    first, second = (run.model.state_dict() for run in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = replace(short, random_seed=1)
    third = train_dialogue(talks(), vocabulary(), other, show_progress=False).model.state_dict()
    assert not torch.equal(first["norm.weight"], third["norm.weight"])


def test_stories_kept_apart_stop_it_and_are_learned_from_in_the_end(options: StoryOptions) -> None:
    many = [replace(c, stories=(f"{n} {c.stories[0]}",)) for n in range(2) for c in talks()]
    trained = train_dialogue(
        many, vocabulary(), replace(options, validation_split=0.2, patience=2), show_progress=False
    )
    assert (trained.n_validation, trained.n_training) == (
        len(many) // 5,
        len(many) - len(many) // 5,
    )
    assert all(record.action_f1 is not None for record in trained.curve)
    assert 0 < trained.best_epoch <= len(trained.curve)
    assert set(trained.calibration.intent_floors) == {
        "greet",
        "price",
        "joke",
        "broken",
        "late",
        "yes",
    }


def test_there_must_be_stories(options: StoryOptions) -> None:
    with pytest.raises(TrainingDataError, match="data/stories"):
        train_dialogue([], vocabulary(), options)


def test_an_unknown_encoder_is_named(options: StoryOptions) -> None:
    with pytest.raises(EncoderError, match="no/such"):
        train_dialogue(talks(), vocabulary(), replace(options, model="./no/such"))


def test_a_new_action_with_one_story_is_said_where_it_was_told(options: StoryOptions) -> None:
    listens = talk("greet", "price")
    actions = tuple("utter_new" if a == "utter_price" else a for a in listens.actions)
    told = [*talks(), replace(listens, stories=("new",), actions=actions)]
    trained = train_dialogue(told, Vocabulary.of(told, [], {}), options, show_progress=False)
    rows = input_of(listens.states, columns_of(trained.vocabulary.tokens))[None]
    with torch.no_grad():
        logits, _ = trained.model(torch.from_numpy(rows), torch.zeros((1, 5, 0)))
    top = [trained.vocabulary.actions[i] for i in logits[0, 3].argsort(descending=True)[:2]]
    assert "utter_new" in top


def test_a_warm_training_keeps_what_both_know(
    options: StoryOptions, folder: Path, trained: TrainedDialogue
) -> None:
    fewer = [c for c in talks() if "joke" not in c.stories[0]]
    renamed = Vocabulary.of(fewer, ["utter_brand_new"], {})
    start = checkpoint.load_starting_point(folder)
    slow = replace(options, epochs=1, learning_rate=1e-9, max_history=4)
    warm = train_dialogue(fewer, renamed, slow, start=start, show_progress=False).model.state_dict()
    before = trained.model.state_dict()
    for kind, table in (("actions", "action_table.own"), ("tokens", "token_table.own")):
        old, new = getattr(trained.vocabulary, kind), getattr(renamed, kind)
        for name in set(old) & set(new):
            assert torch.allclose(
                before[table][old.index(name)], warm[table][new.index(name)], atol=1e-4
            )
    assert torch.allclose(before["blocks.0.qkv.weight"], warm["blocks.0.qkv.weight"], atol=1e-4)
    assert "utter_brand_new" in renamed.actions and "utter_joke" not in renamed.actions


def test_a_damaged_model_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    graph = tmp_path / "dialogue.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="dialogue.onnx"):
        checkpoint.load_predictor(tmp_path)


def test_what_lies_in_the_folder(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "curves.json",
        "curves.png",
        "dialogue.onnx",
        "dialogue.safetensors",
        "manifest.json",
        "model.json",
        "texts.safetensors",
    }


def test_an_intent_out_of_nowhere_is_a_surprise(predictor: DialoguePredictor) -> None:
    expected = predictor.predict(talk("broken", "yes").states[:-1]).surprise
    assert expected is not None and not expected.is_unlikely
    nowhere = predictor.predict(talk("yes").states[:-1]).surprise
    assert nowhere is not None and nowhere.is_unlikely
    assert nowhere.ranking[0][0] != "yes"
    assert predictor.predict(talk("greet").states[:1]).surprise is None


def test_the_average_is_of_the_latest_steps() -> None:
    model = torch.nn.Linear(1, 1)
    average = MovingAverage(model, 2)
    for value in (1.0, 2.0, 3.0):
        torch.nn.init.constant_(model.weight, value)
        average.update()
    assert float(average.copy()["weight"]) == pytest.approx(2.25)  # 1, 1.5, 2.25
    with average.in_place():
        assert model.weight.item() == pytest.approx(2.25)
    assert model.weight.item() == 3.0


def outcome(right: int, wrong: int, by_text: bool) -> Outcome:
    truth = np.array([0] * right + [1] * wrong)
    logits = np.tile(np.array([[4.0, 0.0]], dtype=np.float32), (right + wrong, 1))
    none = np.full(len(truth), -100)
    return Outcome(logits, logits, truth, none, np.full(len(truth), by_text))


def test_confidence_is_lowered_where_it_is_often_wrong() -> None:
    unsure = calibrate([outcome(60, 40, False)], [], ["a"], np.zeros((0, 0), np.float32))
    assert unsure.scale < 0.3
    sure = calibrate([outcome(100, 0, False)], [], ["a"], np.zeros((0, 0), np.float32))
    assert sure.scale == HIGHEST_SCALE


def test_words_count_only_where_they_are_mostly_right() -> None:
    nothing = np.zeros((0, 0), np.float32)
    assert calibrate([outcome(60, 40, True)], [], ["a"], nothing).text_threshold == 1.0
    assert calibrate([outcome(99, 1, True)], [], ["a"], nothing).text_threshold < 1.0
    assert calibrate([outcome(3, 1, True)], [], ["a"], nothing).text_threshold == 0.5
