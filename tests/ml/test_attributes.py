"""Attributes: heads of their own on the same sentence vector."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from bot.ml import checkpoint
from bot.ml.attribute_layer import INITIAL_SCALE, AttributeLayer
from bot.ml.attribute_learning import attribute_values, calibrated, first_attributes
from bot.ml.attributes import AttributeHead
from bot.ml.batching import Item, collate, prepare
from bot.ml.heads import pool_sentence
from bot.ml.joint import IGNORED, JointModel, Logits, encode, load_encoder
from bot.ml.metrics import macro_f1
from bot.ml.options import JointOptions
from bot.ml.several import Processes
from bot.ml.splitting import split_for_validation
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.ml.trained import TrainedJoint
from bot.ml.training import train_joint
from bot.types import Attribute, Example

Examples = Sequence[Example]
VALUES = {"mood": ("calm", "cross"), "size": ("long", "short")}


def said(name: str, value: str, *texts: str) -> list[Example]:
    return [Example(text, attributes=(Attribute(name, value),)) for text in texts]


LETTERS = "abcdefghijklmnop"
CALM = said("mood", "calm", *(f"could you {what} please" for what in LETTERS))
CROSS = said("mood", "cross", *(f"stupid bot, I hate {what}" for what in LETTERS))
MOODS = [*CALM, *CROSS]


@pytest.fixture(scope="module")
def trained(
    tiny_examples: Examples, tiny_options: JointOptions, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainedJoint, Path]:
    """A model of messages with intents and others with a mood, and the folder it was saved to."""
    folder = tmp_path_factory.mktemp("moods")
    examples = [*tiny_examples, *MOODS]
    made = train_joint(examples, tiny_options, folder / "scratch", show_progress=False)
    (head,) = made.heads.attributes
    made.heads = replace(made.heads, attributes=(replace(head, least=0.9, slot="temper"),))
    checkpoint.save(made, examples, folder / "model")
    return made, folder / "model"


@pytest.fixture
def model_and_items(tiny_encoder: Path) -> tuple[JointModel, list[Item]]:
    tokenizer = SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 64)
    examples = [
        Example("hello", "greet"),
        *said("mood", "cross", "stupid bot"),
        *said("size", "long", "a long one please"),
        Example("hi", "greet", attributes=(Attribute("mood", "calm"), Attribute("size", "short"))),
    ]
    items = prepare(examples, tokenizer, {"greet": 0}, TagSet(()), VALUES)
    torch.manual_seed(0)
    layer = AttributeLayer(VALUES, torch.randn(4, 32))
    model = JointModel(load_encoder(tiny_encoder, "tiny"), torch.randn(1, 32), 1, 0, layer)
    return model.eval(), items


def test_the_likeliest_value_is_said_with_its_probability() -> None:
    directions = np.array([[1, 0], [0, 1]], np.float32)
    head = AttributeHead("mood", ("calm", "cross"), directions, 2.0, least=0.7, slot="temper")
    sentence = np.array([0.6, 0.8], np.float32)
    found = head.read(sentence)
    expected = np.exp(1.6) / (np.exp(1.6) + np.exp(1.2))
    assert (found.name, found.value) == ("mood", "cross")
    assert found.confidence == pytest.approx(expected)
    assert found.slot is None, "not sure enough"
    assert replace(head, least=expected - 0.01).read(sentence).slot == "temper"
    assert type(found.confidence) is float


def test_an_item_knows_its_values_and_whether_entities_were_looked_for(
    model_and_items: tuple[JointModel, list[Item]],
) -> None:
    _, items = model_and_items
    assert [item.attributes for item in items] == [
        (IGNORED, IGNORED),
        (1, IGNORED),
        (IGNORED, 0),
        (0, 1),
    ]
    tagged = [bool(item.tags) for item in items]
    assert tagged == [True, False, False, True]


@torch.no_grad()
def test_the_loss_counts_labelled_messages_over_all(
    model_and_items: tuple[JointModel, list[Item]],
) -> None:
    model, items = model_and_items
    batch = collate(items, 0)
    logits = model(batch).attributes
    mood, size = logits[:, :2].log_softmax(-1), logits[:, 2:].log_softmax(-1)
    expected = -(mood[1, 1] + mood[3, 0] + size[2, 0] + size[3, 1]) / 4
    assert model.attributes is not None
    loss = model.attributes.loss(logits, batch.attributes)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    whole = model.loss(batch)
    batch.attributes[:] = IGNORED
    assert float(whole - model.loss(batch)) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("count", [2, 3, 7])
@torch.no_grad()
def test_shares_of_several_processes_add_up(
    count: int, model_and_items: tuple[JointModel, list[Item]]
) -> None:
    model, items = model_and_items
    batch = collate(items, 0)
    parts = sum(float(model.loss(*Processes(rank, count).share_of(batch))) for rank in range(count))
    assert parts == pytest.approx(float(model.loss(batch)), rel=1e-5)


def test_torch_and_numpy_say_the_same(
    model_and_items: tuple[JointModel, list[Item]],
) -> None:
    model, items = model_and_items
    batch = collate(items[:1], 0)
    with torch.no_grad():
        logits = model(batch).attributes[0]
        hidden = encode(model.encoder, batch.ids, batch.mask)[0].numpy()
    assert model.attributes is not None
    for head, part in zip(model.attributes.heads(), logits.split([2, 2]), strict=True):
        found = head.read(pool_sentence(hidden))
        assert found.value == head.values[int(part.argmax())]
        assert found.confidence == pytest.approx(float(part.softmax(-1).max()), abs=1e-5)


def test_a_value_starts_from_its_messages_and_its_name(tiny_encoder: Path) -> None:
    tokenizer = SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 64)
    encoder = load_encoder(tiny_encoder, "tiny")
    values = attribute_values([*MOODS, *said("size", "long", "a")])
    assert values == {"mood": ("calm", "cross"), "size": ("long",)}
    layer = first_attributes(
        encoder, tokenizer, values, prepare(MOODS, tokenizer, {}, TagSet(()), values), None
    )
    assert layer is not None

    def embedded(texts: list[str]) -> torch.Tensor:
        items = prepare([Example(text) for text in texts], tokenizer, {}, TagSet(()))
        with torch.no_grad():
            batch = collate(items, 0)
            hidden = encode(encoder, batch.ids, batch.mask)
            weights = batch.mask.unsqueeze(-1)
            return F.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)

    mean = F.normalize(embedded([example.text for example in CROSS]).sum(0), dim=-1)
    expected = F.normalize(mean + 0.5 * embedded(["cross"])[0], dim=-1)
    torch.testing.assert_close(layer.directions[1].detach(), expected, rtol=1e-4, atol=1e-4)
    alone = embedded(["long"])[0]  # none of its messages is learned from
    torch.testing.assert_close(layer.directions[2].detach(), alone, rtol=1e-4, atol=1e-4)
    assert first_attributes(encoder, tokenizer, {}, [], None) is None


def test_each_value_gives_its_share_for_validation() -> None:
    examples = [
        example
        for value, n in (("calm", 60), ("cross", 40))
        for example in said("mood", value, *(f"{value} {i}" for i in range(n)))
    ]
    _, kept = split_for_validation(examples, 0.25, 1)
    counted = Counter(example.attributes[0].value for example in kept)
    assert counted == {"calm": 15, "cross": 10}
    with_intent = [replace(example, intent="greet") for example in examples]
    assert len(split_for_validation([*examples, *with_intent], 0.05, 1)[1]) == 20 + 5, (
        "a fifth of what carries nothing else"
    )
    assert split_for_validation(examples, 0.0, 1)[1] == []


def test_confidence_is_calibrated_on_what_carries_the_attribute(tiny_encoder: Path) -> None:
    tokenizer = SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 64)
    values = attribute_values(MOODS)
    items = prepare([*MOODS, Example("hello", "greet")], tokenizer, {}, TagSet(()), values)
    nothing = torch.zeros(0)
    # Three of four are right, at whatever logits: the best scale says 0.75.
    sure = [
        torch.tensor([4.0, 0.0] if (item.attributes[0] == 0) != (n % 4 == 0) else [0.0, 4.0])
        for n, item in enumerate(items)
    ]
    rows = [Logits(nothing, nothing, logits) for logits in sure]
    head = AttributeHead("mood", ("calm", "cross"), np.eye(2, 32, dtype=np.float32), INITIAL_SCALE)
    (found,) = calibrated([head], items, rows)
    share = 1 / (1 + np.exp(-4.0 * found.scale / INITIAL_SCALE))
    assert share == pytest.approx(0.75, abs=0.02)
    (few,) = calibrated([head], items[:9], rows[:9])
    assert few.scale == INITIAL_SCALE, "nine messages cannot tell"


def test_macro_f1_gives_each_value_the_same_weight() -> None:
    assert macro_f1(["a"] * 8 + ["b"] * 2, ["a"] * 10) == pytest.approx((16 / 18 + 0) / 2)
    assert macro_f1([], []) == 0.0


def test_a_model_learns_both_and_says_both(
    trained: tuple[TrainedJoint, Path], tiny_examples: Examples
) -> None:
    made, folder = trained
    predictor = checkpoint.load_predictor(folder)
    for example in MOODS:
        (found,) = predictor.parse(example.text).attributes
        assert (found.name, found.value) == ("mood", example.attributes[0].value)
        assert found.slot == ("temper" if found.confidence >= 0.9 else None)
    right = [
        predictor.parse(example.text).ranking[0].name == str(example.intent).split("/")[0]
        for example in tiny_examples
    ]
    assert sum(right) >= 58
    assert sorted(made.heads.labels) == sorted({str(example.intent) for example in tiny_examples})


def test_the_folder_tells_of_each_attribute(trained: tuple[TrainedJoint, Path]) -> None:
    made, folder = trained
    description = json.loads((folder / "model.json").read_text("utf-8"))
    assert description["attributes"] == [
        {
            "name": "mood",
            "values": ["calm", "cross"],
            "scale": made.heads.attributes[0].scale,
            "least": 0.9,
            "slot": "temper",
        }
    ]
    (loaded,) = checkpoint.load_starting_point(folder).heads.attributes
    np.testing.assert_array_equal(loaded.directions, made.heads.attributes[0].directions)


def test_a_model_without_attributes_says_none(trained_tiny: Path) -> None:
    assert checkpoint.load_predictor(trained_tiny).parse("hello").attributes == ()
    description = checkpoint.read_description(trained_tiny)
    del description["attributes"]  # as earlier versions wrote it
    assert checkpoint.load_heads(trained_tiny, description).attributes == ()


def test_the_record_tells_how_good_they_are(
    tiny_examples: Examples, tiny_options: JointOptions, tmp_path: Path
) -> None:
    options = replace(tiny_options, epochs=1, validation_split=0.4)
    moody = train_joint([*tiny_examples, *MOODS], options, tmp_path, show_progress=False)
    assert 0 <= float(moody.curve[0].attribute_f1 or 0) <= 1
    assert moody.curve[0].attribute_f1 is not None
    assert moody.heads.attributes[0].scale != INITIAL_SCALE, "calibrated"
    plain = train_joint(tiny_examples, options, tmp_path, show_progress=False)
    assert plain.curve[0].attribute_f1 is None
    assert plain.heads.attributes == ()


def test_a_warm_training_knows_values_by_their_names(
    trained: tuple[TrainedJoint, Path], tiny_encoder: Path
) -> None:
    made, folder = trained
    start = checkpoint.load_starting_point(folder)
    encoder = load_encoder(start.encoder_folder, "tiny")
    tokenizer = SubwordTokenizer.load(folder / "tokenizer.json", 64)
    examples = [*CROSS, *said("mood", "glad", "thank you", "lovely"), *said("tone", "cross", "x")]
    values = attribute_values(examples)
    items = prepare(examples, tokenizer, {}, TagSet(()), values)
    layer = first_attributes(encoder, tokenizer, values, items, start)
    cold = first_attributes(encoder, tokenizer, values, items, None)
    assert layer is not None
    assert cold is not None
    known = torch.from_numpy(made.heads.attributes[0].directions[1])
    torch.testing.assert_close(layer.directions[0].detach(), known)
    assert not torch.allclose(cold.directions[0], known)
    # A new value, and a value of the same name of another attribute, start as in a cold training.
    torch.testing.assert_close(layer.directions[1:], cold.directions[1:])


def test_attributes_may_come_and_go_between_warm_trainings(
    trained: tuple[TrainedJoint, Path],
    tiny_examples: Examples,
    tiny_options: JointOptions,
    tmp_path: Path,
) -> None:
    options = replace(tiny_options, epochs=1)
    start = checkpoint.load_starting_point(trained[1])
    gone = train_joint(tiny_examples, options, tmp_path, start=start, show_progress=False)
    assert gone.heads.attributes == ()
    other = [*said("tone", "high", "a", "b"), *said("tone", "low", "c", "d")]
    new = train_joint([*tiny_examples, *other], options, tmp_path, start=start, show_progress=False)
    assert [(head.name, head.values) for head in new.heads.attributes] == [
        ("tone", ("high", "low"))
    ]
