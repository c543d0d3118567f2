"""One training of a search: what is told of it, and what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.ml import checkpoint
from bot.ml.metrics import span_f1, weighted_f1
from bot.ml.options import JointOptions
from bot.ml.splitting import split_for_validation
from bot.ml.trained import EpochRecord, TrainedJoint
from bot.ml.training import train_joint
from bot.ml.tuning.measuring import (
    PARTS,
    has_entities,
    measure,
    messages_right,
    parts_reached,
    score_of,
)
from bot.types import Example, Hit, Reading, base_intent

Examples = Sequence[Example]


@pytest.fixture
def quick(tiny_options: JointOptions) -> JointOptions:
    """Four epochs, with 24 of the 60 examples kept apart."""
    return replace(tiny_options, epochs=4, validation_split=0.4)


class Enough(Exception):
    """What a listener raises."""


def weights(trained: TrainedJoint) -> list[np.ndarray]:
    heads = trained.heads
    encoder = [value.numpy() for value in trained.encoder.state_dict().values()]
    return [*encoder, heads.prototypes, heads.tag_weight, np.array(heads.scale)]


def test_a_listener_is_told_of_every_epoch_and_changes_nothing(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    told: list[tuple[EpochRecord, int]] = []
    heard = train_joint(
        tiny_examples,
        quick,
        tmp_path,
        show_progress=False,
        after_epoch=lambda record, epochs: told.append((record, epochs)),
    )
    alone = train_joint(tiny_examples, quick, tmp_path, show_progress=False)
    assert [record for record, _ in told] == heard.curve
    assert {epochs for _, epochs in told} == {4}
    pairs = zip(weights(heard), weights(alone), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_the_listener_knows_how_many_epochs_few_messages_take(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    told: list[int] = []
    options = replace(quick, epochs=1, min_steps=10)  # 36 messages, 8 to a batch: 5 steps an epoch
    train_joint(
        tiny_examples,
        options,
        tmp_path,
        show_progress=False,
        after_epoch=lambda _, epochs: told.append(epochs),
    )
    assert told == [2, 2]


def test_what_the_listener_raises_ends_the_training(
    tiny_examples: Examples, quick: JointOptions
) -> None:
    epochs = []

    def stop(record: EpochRecord, _: int) -> None:
        epochs.append(record.epoch)
        if record.epoch == 2:
            raise Enough

    with pytest.raises(Enough):
        measure(tiny_examples, quick, after_epoch=stop, show_progress=False)
    assert epochs == [1, 2]


def test_the_scores_are_those_of_the_epoch_that_is_kept(
    tiny_examples: Examples, quick: JointOptions
) -> None:
    told: list[EpochRecord] = []
    found = measure(
        tiny_examples, quick, after_epoch=lambda r, _: told.append(r), show_progress=False
    )
    best = max(told, key=lambda record: record.score)
    assert (found.epoch, found.intent_f1) == (best.epoch, best.intent_f1)
    assert (found.score, found.entity_f1) == (best.score, best.entity_f1)
    assert len(found.right) == 24 and found.seconds > 0


def test_a_message_is_right_where_the_served_model_says_so(
    tiny_examples: Examples, tiny_options: JointOptions, tmp_path: Path
) -> None:
    leaving = Reading(hits=(Hit(0, 3, "leaving"),))
    examples = [replace(e, reading=leaving) if e.intent == "goodbye" else e for e in tiny_examples]
    options = replace(tiny_options, validation_split=0.4)
    trained = train_joint(examples, options, tmp_path / "work", show_progress=False)
    right = messages_right(trained)
    checkpoint.save(trained, examples, tmp_path / "model")
    predictor = checkpoint.load_predictor(tmp_path / "model")
    parses = [predictor.parse(example.text, example.reading) for example in trained.validation]
    intents = [parse.ranking[0].name for parse in parses]
    truth = [base_intent(example.intent or "") for example in trained.validation]
    spans = [example.spans for example in trained.validation]
    served = tuple(
        said == true and span_f1([gold], [parse.spans]) == 1
        for said, true, gold, parse in zip(intents, truth, spans, parses, strict=True)
    )
    assert 0 < sum(right) < len(right)
    agree = sum(a == b for a, b in zip(right, served, strict=True))
    assert agree >= len(right) - 1  # int8 may turn one that is on the edge
    best = trained.curve[trained.best_epoch - 1]
    assert weighted_f1(truth, intents) == pytest.approx(best.intent_f1, abs=0.06)

    heads = trained.heads
    forced = np.zeros_like(heads.hit_intents)
    forced[heads.labels.index("greet")] = 50  # whatever has a hit is taken for a greeting
    trained.heads = replace(heads, hit_intents=forced)
    hit = [bool(example.reading.hits) for example in trained.validation]
    assert sum(right[i] for i, has_hit in enumerate(hit) if has_hit) > 0
    assert messages_right(trained) == tuple(
        is_right and not has_hit for is_right, has_hit in zip(right, hit, strict=True)
    )


def test_only_what_is_kept_apart_is_judged(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    trained = train_joint(tiny_examples, quick, tmp_path, show_progress=False)
    learned, kept = split_for_validation(tiny_examples, 0.4, quick.random_seed)
    assert trained.validation == kept
    assert not {e.text for e in learned} & {e.text for e in trained.validation}


def test_entities_count_where_there_are_any() -> None:
    record = EpochRecord(1, 0.5, 1.0, 0.5, intent_f1=0.8, entity_f1=0.6)
    assert score_of(record, entities=True) == pytest.approx(0.7)
    assert score_of(record, entities=False) == pytest.approx(0.8)


def test_entities_are_seen(tiny_examples: Examples) -> None:
    assert has_entities(tiny_examples)
    assert not has_entities([Example("hi", "greet")])


@pytest.mark.parametrize("epochs", [1, 2, 3, 6, 10, 13, 40])
def test_each_part_of_a_training_has_one_newest_score(epochs: int) -> None:
    newest = {}
    for epoch in range(1, epochs + 1):
        for part in parts_reached(epoch, epochs):
            assert part not in newest
            newest[part] = epoch
    assert list(newest) == sorted(newest)
    assert set(newest) == {part for part in range(1, PARTS + 1) if part * epochs >= PARTS}
    for part, epoch in newest.items():  # the last epoch that has ended when the part has
        assert epoch == part * epochs // PARTS
