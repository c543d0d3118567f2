"""Training: reproducible, keeps the best weights, and takes any kind of data."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bot.errors import EncoderError, OptionError, TrainingDataError
from bot.ml import checkpoint, training
from bot.ml.answers import readable
from bot.ml.heads import pool_sentence, pool_words
from bot.ml.metrics import span_f1, weighted_f1
from bot.ml.options import JointOptions
from bot.ml.text import SubwordTokenizer
from bot.ml.trained import StartingPoint, TrainedJoint
from bot.ml.training import train_joint
from bot.types import Example, Parse, Span, base_intent

Examples = Sequence[Example]


@pytest.fixture
def quick(tiny_options: JointOptions) -> JointOptions:
    """Two epochs, with 24 of the 60 examples kept apart."""
    return replace(tiny_options, epochs=2, validation_split=0.4)


def train(
    examples: Examples, options: JointOptions, folder: Path, start: StartingPoint | None = None
) -> TrainedJoint:
    return train_joint(examples, options, folder, start=start, show_progress=False)


def parse_all(trained: TrainedJoint, examples: Examples) -> list[Parse]:
    tokenizer = SubwordTokenizer.load(trained.tokenizer_path, trained.options.max_length)
    trained.encoder.eval()
    parses = []
    for example in examples:
        text = tokenizer.tokenize(example.text)
        ids = torch.tensor([text.ids])
        with torch.no_grad():
            output = trained.encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
        hidden = output.last_hidden_state[0].numpy()
        vectors = pool_words(hidden, text.words)
        parses.append(trained.heads.parse(pool_sentence(hidden), vectors, text.words))
    return parses


def right_intents(trained: TrainedJoint, examples: Examples) -> float:
    parses = parse_all(trained, examples)
    hits = [
        p.ranking[0].name == base_intent(e.intent or "")
        for p, e in zip(parses, examples, strict=True)
    ]
    return sum(hits) / len(hits)


def weights_of(trained: TrainedJoint) -> dict[str, np.ndarray]:
    encoder = {name: value.numpy() for name, value in trained.encoder.state_dict().items()}
    heads = trained.heads
    return {
        **encoder,
        "prototypes": heads.prototypes,
        "tag_weight": heads.tag_weight,
        "tag_bias": heads.tag_bias,
        "scale": np.array(heads.scale),
    }


def same(left: TrainedJoint, right: TrainedJoint) -> bool:
    a, b = weights_of(left), weights_of(right)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_the_seed_decides_every_weight(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    first = train(tiny_examples, quick, tmp_path)
    torch.rand(3)  # whatever else drew random numbers in between
    assert same(first, train(tiny_examples, quick, tmp_path))
    assert not same(first, train(tiny_examples, replace(quick, random_seed=1), tmp_path))


def test_it_learns_its_examples_by_heart(
    tiny_examples: Examples, tiny_options: JointOptions, trained_tiny: Path
) -> None:
    predictor = checkpoint.load_predictor(trained_tiny)
    parses = [predictor.parse(example.text) for example in tiny_examples]
    for parse, example in zip(parses, tiny_examples, strict=True):
        assert parse.ranking[0].name == base_intent(example.intent or "")
        if "/" in (example.intent or ""):
            assert parse.responses[0].name == example.intent
    assert span_f1([e.spans for e in tiny_examples], [p.spans for p in parses]) > 0.95


def test_the_record_tells_every_epoch(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    trained = train(tiny_examples, quick, tmp_path)
    assert [record.epoch for record in trained.curve] == [1, 2]
    assert (trained.n_training, len(trained.validation)) == (36, 24)
    for record in trained.curve:
        assert record.training_loss > 0
        assert record.seconds > 0
        assert record.validation_loss is not None
        assert record.validation_loss > 0
        assert 0 <= record.intent_f1 <= 1  # type: ignore[operator]
        assert 0 <= record.entity_f1 <= 1  # type: ignore[operator]
    assert trained.curve[0].training_loss > trained.curve[1].training_loss


def test_few_messages_are_passed_over_until_there_are_enough_steps(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    options = replace(quick, epochs=1, min_steps=15, validation_split=0.0)
    trained = train(tiny_examples, options, tmp_path)  # 60 messages, 8 to a batch
    assert len(trained.curve) == 2
    twice = train(tiny_examples, replace(options, epochs=3), tmp_path)
    assert len(twice.curve) == 3  # more were asked for
    whole = train(tiny_examples, replace(options, batch_size=4), tmp_path)
    assert len(whole.curve) == 1  # smaller batches are left as they are


def scripted(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> list[dict[str, torch.Tensor]]:
    """Replace validation by a list of scores; gives the weights that each epoch left."""
    left: list[dict[str, torch.Tensor]] = []

    def evaluate(run: training._Run, record: training.EpochRecord) -> training.EpochRecord:
        left.append(
            {
                name: value.detach().clone()
                for name, value in run.model.named_parameters()
                if "word_embeddings" not in name
            }
        )
        score = scores[record.epoch - 1]
        return replace(record, validation_loss=1.0, intent_f1=score, entity_f1=score)

    monkeypatch.setattr(training._Run, "_evaluate", evaluate)
    return left


def test_the_best_weights_are_kept_and_training_stops_when_patience_ends(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = scripted(monkeypatch, [0.1, 0.9, 0.9, 0.2, 0.95, 1.0])
    trained = train(tiny_examples, replace(quick, epochs=6, patience=2), tmp_path)
    assert trained.best_epoch == 2
    assert len(trained.curve) == 4  # epochs 3 and 4 were no better
    kept = trained.encoder.state_dict()
    for name, value in left[1].items():
        if name.startswith("encoder."):
            assert torch.equal(kept[name.removeprefix("encoder.")], value)
    np.testing.assert_array_equal(trained.heads.tag_weight, left[1]["tag_head.weight"])
    assert not torch.equal(left[1]["tag_head.weight"], left[3]["tag_head.weight"])


def test_without_validation_data_the_last_epoch_is_kept(
    tiny_examples: Examples, tiny_options: JointOptions, tmp_path: Path
) -> None:
    trained = train(tiny_examples, replace(tiny_options, epochs=5, patience=1), tmp_path)
    assert trained.best_epoch == len(trained.curve) == 5
    assert not trained.validation
    assert trained.curve[-1].validation_loss is None
    assert trained.heads.scale == 20.0


@pytest.mark.parametrize("mode", ["top_layers", "lora", "frozen"])
def test_every_mode_leaves_a_plain_encoder(
    mode: str, tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    full = train(tiny_examples, replace(quick, epochs=1), tmp_path)
    other = train(tiny_examples, replace(quick, epochs=1, fine_tune=mode), tmp_path)
    shapes = [
        {name: value.shape for name, value in trained.encoder.state_dict().items()}
        for trained in (full, other)
    ]
    assert shapes[0] == shapes[1]


def test_no_entities_at_all(tiny_examples: Examples, quick: JointOptions, tmp_path: Path) -> None:
    bare = [replace(example, spans=()) for example in tiny_examples]
    trained = train(bare, quick, tmp_path)
    assert trained.heads.tag_weight.shape == (1, 32)
    assert trained.curve[-1].entity_f1 == 1.0
    assert all(parse.spans == () for parse in parse_all(trained, bare[:3]))


def test_no_intents_at_all(tiny_examples: Examples, quick: JointOptions, tmp_path: Path) -> None:
    nameless = [replace(example, intent=None) for example in tiny_examples]
    trained = train(nameless, quick, tmp_path)
    checkpoint.save(trained, nameless, tmp_path / "model")
    parse = checkpoint.load_predictor(tmp_path / "model").parse("fly to oslo")
    assert parse.ranking == parse.responses == ()
    assert trained.heads.labels == ()
    assert all(np.isfinite(value).all() for value in weights_of(trained).values())


def test_a_single_intent(tiny_examples: Examples, quick: JointOptions, tmp_path: Path) -> None:
    alone = [example for example in tiny_examples if example.intent == "greet"]
    parses = parse_all(train(alone, quick, tmp_path), alone)
    assert all(parse.ranking[0].confidence == pytest.approx(1.0) for parse in parses)


def test_examples_without_intent_do_not_count_as_wrong_intents(
    tiny_examples: Examples, tiny_options: JointOptions, tmp_path: Path
) -> None:
    nameless = [replace(e, intent=None) for e in tiny_examples if e.intent == "book_flight"]
    named = [e for e in tiny_examples if e.intent in {"greet", "order_pizza"}]
    options = replace(tiny_options, epochs=8, validation_split=0.7, patience=8)
    trained = train([*named, *nameless], options, tmp_path)
    assert sum(example.intent is None for example in trained.validation) == 7
    labelled = [example for example in trained.validation if example.intent]
    parses = parse_all(trained, labelled)
    score = weighted_f1(
        [base_intent(example.intent or "") for example in labelled],
        [parse.ranking[0].name for parse in parses],
    )
    assert score > 0.5
    assert trained.curve[trained.best_epoch - 1].intent_f1 == pytest.approx(score)


def test_an_empty_message_can_be_learned_from(quick: JointOptions, tmp_path: Path) -> None:
    train(
        [Example("", "nothing"), Example("hi", "greet"), Example(" ", "nothing")], quick, tmp_path
    )


@pytest.mark.parametrize("examples", [[], [Example("hello"), Example("bye")]])
def test_nothing_to_learn_is_said(
    examples: list[Example], quick: JointOptions, tmp_path: Path
) -> None:
    with pytest.raises(TrainingDataError, match="data/nlu"):
        train(examples, quick, tmp_path)


def test_more_positions_than_the_encoder_has_are_refused(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="max_length.*200.*128"):
        train(tiny_examples, replace(quick, max_length=200), tmp_path)
    long = [*tiny_examples, Example("park " * 200, "greet")]
    train(long, replace(quick, max_length=128, epochs=1), tmp_path)


def test_calibration_keeps_the_order_of_intents(
    tiny_examples: Examples, quick: JointOptions, tmp_path: Path
) -> None:
    trained = train(tiny_examples, quick, tmp_path)
    assert trained.heads.scale != 20.0
    plain = replace(trained.heads, scale=20.0)
    sentence = pool_sentence(np.random.default_rng(0).normal(size=(2, 32)).astype(np.float32))
    np.testing.assert_array_equal(
        np.argsort(plain.intent_probabilities(sentence)),
        np.argsort(trained.heads.intent_probabilities(sentence)),
    )


# Warm starts


def changed_labels(examples: Examples) -> list[Example]:
    """`greet` is gone, `goodbye` is renamed `farewell`, `city` is renamed `town`, and
    `thank` is new."""
    renamed = [
        replace(
            example,
            intent="farewell" if example.intent == "goodbye" else example.intent,
            spans=tuple(
                replace(s, entity="town") if s.entity == "city" else s for s in example.spans
            ),
        )
        for example in examples
        if example.intent != "greet"
    ]
    new = [Example(text, "thank") for text in ("thanks", "thank you", "many thanks to you")]
    return renamed + new


def test_a_warm_start_knows_before_its_second_epoch_what_a_cold_one_does_not(
    tiny_examples: Examples, tiny_options: JointOptions, trained_tiny: Path, tmp_path: Path
) -> None:
    examples = changed_labels(tiny_examples)
    options = replace(tiny_options, epochs=1, learning_rate=5e-4)
    start = checkpoint.load_starting_point(trained_tiny)
    cold = train(examples, options, tmp_path)
    warm = train(examples, options, tmp_path, start)
    expected = ("farewell", "thank", "faq/parking", "faq/opening_hours", "book_flight")
    assert set(warm.heads.labels) == {*expected, "order_pizza"}
    entities = {label.entity for label in warm.heads.tags.labels}
    assert entities == {"town", "size", "topping"}
    assert right_intents(warm, examples) > 0.9
    assert right_intents(warm, examples) >= right_intents(cold, examples)
    pizza = [example for example in examples if example.intent == "order_pizza"]
    truth = [example.spans for example in pizza]
    warm_f1 = span_f1(truth, [parse.spans for parse in parse_all(warm, pizza)])
    cold_f1 = span_f1(truth, [parse.spans for parse in parse_all(cold, pizza)])
    assert warm_f1 > 0.8 > cold_f1
    assert warm.curve[0].training_loss < cold.curve[0].training_loss


def test_a_warm_start_takes_known_labels_over_by_name_not_by_place(
    tiny_examples: Examples, tiny_options: JointOptions, trained_tiny: Path, tmp_path: Path
) -> None:
    start = checkpoint.load_starting_point(trained_tiny)
    options = replace(tiny_options, epochs=1, learning_rate=1e-12, fine_tune="frozen")
    warm = train(changed_labels(tiny_examples), options, tmp_path, start)
    for label in ("book_flight", "faq/parking", "order_pizza"):
        np.testing.assert_allclose(
            warm.heads.prototypes[warm.heads.labels.index(label)],
            start.heads.prototypes[start.heads.labels.index(label)],
            atol=1e-5,
        )
    for label in warm.heads.tags.labels:
        if label.entity != "town":
            new, old = warm.heads.tags.begin(label), start.heads.tags.begin(label)
            np.testing.assert_allclose(
                warm.heads.tag_weight[new : new + 2],
                start.heads.tag_weight[old : old + 2],
                atol=1e-5,
            )
    assert warm.heads.labels.index("order_pizza") != start.heads.labels.index("order_pizza")


def test_a_warm_start_from_another_encoder_is_refused(
    tiny_examples: Examples,
    tiny_encoder: Path,
    quick: JointOptions,
    trained_tiny: Path,
    tmp_path: Path,
) -> None:
    other = Path(shutil.copytree(tiny_encoder, tmp_path / "other"))
    (other / "tokenizer.json").write_text(
        (other / "tokenizer.json").read_text("utf-8").replace('"hello"', '"hullo"'), "utf-8"
    )
    start = checkpoint.load_starting_point(trained_tiny)
    with pytest.raises(EncoderError, match="another encoder"):
        train(tiny_examples, replace(quick, model=str(other)), tmp_path / "work", start)


@pytest.mark.parametrize(
    ("label", "words"),
    [("faq/opening_hours", "opening hours"), ("book-flight", "book flight"), ("greet", "greet")],
)
def test_labels_are_read_as_words(label: str, words: str) -> None:
    assert readable(label) == words


def test_spans_of_unaligned_annotations_are_taken_by_words(
    quick: JointOptions, tmp_path: Path
) -> None:
    examples = [Example("flight to oslo", "book", (Span(10, 12, "city"),))] * 4
    trained = train(examples, replace(quick, epochs=20, validation_split=0.0), tmp_path)
    (parse,) = parse_all(trained, examples[:1])
    assert [(span.start, span.end) for span in parse.spans] == [(10, 14)]
