"""What the encoder reads instead of what was typed, and what hits tell the heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.ml import checkpoint
from bot.ml.added_tokens import NewToken
from bot.ml.batching import collate, prepare
from bot.ml.heads import hit_features, pool_sentence, pool_words, present
from bot.ml.joint import HIT_GAIN, JointModel, encode, load_encoder
from bot.ml.options import JointOptions
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer, Word, apply_edits
from bot.ml.trained import StartingPoint
from bot.ml.training import train_joint
from bot.types import Edit, Example, Hit, Reading, Span

PLACES = ["norvik", "adlow", "belham", "carse", "dunmore", "elrick", "fenwick", "garrow"]


@pytest.fixture(scope="session")
def bundled(bundled_tokenizer_path: Path) -> SubwordTokenizer:
    return SubwordTokenizer.load(bundled_tokenizer_path, 64)


def typed(text: str, words: tuple[Word, ...]) -> list[str]:
    return [text[word.start : word.end] for word in words]


def test_an_edit_is_one_word_where_it_was_typed(bundled: SubwordTokenizer) -> None:
    text = "my o/d and s/o, please"
    edits = [Edit(3, 6, "overdraft"), Edit(11, 14, "standing order")]
    found = bundled.tokenize(text, edits)
    assert found.ids == bundled.tokenize("my overdraft and standing order, please").ids
    assert typed(text, found.words) == ["my", "o/d", "and", "s/o", ",", "please"]
    standing = found.words[3]
    assert standing.last - standing.first == 2


def test_an_edit_that_joins_words_covers_them(bundled: SubwordTokenizer) -> None:
    text = "a standin gorder now"
    found = bundled.tokenize(text, [Edit(2, 16, "standing order")])
    assert typed(text, found.words) == ["a", "standin gorder", "now"]


def test_a_word_that_an_edit_changes_in_part_is_taken_whole(bundled: SubwordTokenizer) -> None:
    text = "reeipts today"
    found = bundled.tokenize(text, [Edit(2, 3, "ce")])
    assert found.ids == bundled.tokenize("receipts today").ids
    assert typed(text, found.words) == ["reeipts", "today"]


@given(data=st.data())
def test_words_of_an_edited_text_are_ordered_apart_and_lose_nothing(
    data: st.DataObject, bundled: SubwordTokenizer
) -> None:
    text = data.draw(st.text(st.sampled_from("abc xyz,.é-"), max_size=30))
    edits: list[Edit] = []
    place = 0
    while place < len(text):
        start = data.draw(st.integers(place, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 6)))
        if end > start:
            edits.append(Edit(start, end, data.draw(st.text("pqr st", min_size=1, max_size=9))))
        place = end + 1
    found = bundled.tokenize(text, edits)
    assert found.ids == bundled.tokenize(apply_edits(text, edits)).ids
    before = 0
    for word in found.words:
        assert before <= word.start < word.end <= len(text)
        assert word.first < word.last
        skipped = [i for i in range(before, word.start) if not text[i].isspace()]
        blank = [e for e in edits if not e.replacement.strip()]
        assert all(any(e.start <= i < e.end for e in blank) for i in skipped)
        before = word.end


def test_hits_mark_first_and_further_words() -> None:
    words = [Word(0, 2, 1, 2), Word(3, 7, 2, 3), Word(8, 12, 3, 4)]
    hits = [Hit(3, 12, "merchant"), Hit(0, 2, "country"), Hit(0, 2, "unheard of")]
    found = hit_features(words, hits, ["country", "merchant"])
    assert found.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    assert present(found).tolist() == [1, 1]
    assert present(hit_features([], hits, ["country"])).tolist() == [0]


def place_examples(names: list[str]) -> list[Example]:
    """Make messages whose hits alone tell a place that is travelled to from a thing."""
    examples = []
    for name in names:
        text, start, end = f"i want {name} now", 7, 7 + len(name)
        hits = (Hit(start, end, "country"),)
        spans = (Span(start, end, "place"),)
        examples.append(Example(text, "travel", spans, Reading((), hits)))
        examples.append(Example(text, "order"))
    return examples


@pytest.fixture
def options(tiny_options: JointOptions) -> JointOptions:
    return replace(tiny_options, epochs=12, validation_split=0.0, min_steps=120)


def test_numpy_heads_with_hits_equal_the_torch_model(tiny_encoder: Path) -> None:
    tokenizer = SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 64)
    examples = place_examples(PLACES)
    tags = TagSet.of(span for example in examples for span in example.spans)
    torch.manual_seed(0)
    model = JointModel(load_encoder(tiny_encoder, "tiny"), torch.randn(2, 32), len(tags), 1)
    torch.nn.init.normal_(model.hit_tags)
    torch.nn.init.normal_(model.hit_intents)
    items = prepare(examples, tokenizer, {"order": 0, "travel": 1}, tags)
    batch = collate(items, 0, ["country"])
    model.eval()
    with torch.no_grad():
        intents, tag_logits, _ = model(batch)
        hidden = encode(model.encoder, batch.ids, batch.mask).numpy()
    from bot.ml.heads import Heads

    heads = Heads(
        ("order", "travel"),
        tags,
        torch.nn.functional.normalize(model.prototypes.detach(), dim=-1).numpy(),
        model.scale,
        model.tag_head.weight.detach().numpy(),
        model.tag_head.bias.detach().numpy(),
        ("country",),
        (HIT_GAIN * model.hit_tags).detach().numpy(),
        (HIT_GAIN * model.hit_intents).detach().numpy(),
    )
    for row, item in enumerate(items):
        own, words = hidden[row, : len(item.text.ids)], item.text.words
        parse = heads.parse(
            pool_sentence(own), pool_words(own, words), words, item.example.reading.hits
        )
        expected = intents[row].softmax(-1)
        names = {label.name: label.confidence for label in parse.ranking}
        np.testing.assert_allclose([names["order"], names["travel"]], expected, atol=1e-5)
        spans = heads.decode(tag_logits[row, : len(words)].numpy(), words)
        assert [(s.start, s.end) for s in parse.spans] == [(s.start, s.end) for s in spans]


def test_what_the_vocabulary_knows_is_found_in_words_never_seen(
    options: JointOptions, tmp_path: Path
) -> None:
    examples = place_examples(PLACES[:6])
    trained = train_joint(examples, options, tmp_path / "work", show_progress=False)
    checkpoint.save(trained, examples, tmp_path / "model")
    predictor = checkpoint.load_predictor(tmp_path / "model")
    assert predictor.heads.kinds == ("country",)
    text = "i want zanzibar now"
    known = Reading((), (Hit(7, 15, "country"),))
    with_hit, without = predictor.parse(text, known), predictor.parse(text)
    assert [(s.start, s.end, s.entity) for s in with_hit.spans] == [(7, 15, "place")]
    chance = {label.name: label.confidence for label in with_hit.ranking}["travel"]
    assert chance > {label.name: label.confidence for label in without.ranking}["travel"]


def test_an_edit_reads_as_if_its_replacement_had_been_typed(
    trained_tiny: Path, tiny_examples: tuple[Example, ...]
) -> None:
    predictor = checkpoint.load_predictor(trained_tiny)
    text = next(e.text for e in tiny_examples if " " in e.text)
    first, rest = text.split(" ", 1)
    edited = predictor.parse("zz " + rest, Reading((Edit(0, 2, first),)))
    assert edited.ranking == predictor.parse(text).ranking
    assert predictor.parse("zz " + rest).ranking != edited.ranking


def test_a_warm_start_takes_over_what_was_learned_of_hits(
    options: JointOptions, tmp_path: Path
) -> None:
    examples = place_examples(PLACES)
    trained = train_joint(examples, options, tmp_path / "work", show_progress=False)
    checkpoint.save(trained, examples, tmp_path / "model")
    start: StartingPoint = checkpoint.load_starting_point(tmp_path / "model")
    more = [*examples, Example("pay adlow", "pay", (), Reading((), (Hit(4, 9, "aaa_new_kind"),)))]
    frozen = replace(options, epochs=1, min_steps=1, learning_rate=1e-9)
    again = train_joint(more, frozen, tmp_path / "again", start=start, show_progress=False)
    assert again.heads.kinds == ("aaa_new_kind", "country")
    old, new = trained.heads, again.heads
    for label in old.labels:
        np.testing.assert_allclose(
            new.hit_intents[new.labels.index(label), 1],
            old.hit_intents[old.labels.index(label), 0],
            atol=1e-3,
        )
    np.testing.assert_allclose(new.hit_tags[:, [1, 3]], old.hit_tags, atol=1e-3)
    assert np.abs(old.hit_tags).max() > 0.5


def test_a_shattered_word_becomes_a_token_and_stays_one_in_a_warm_start(
    tiny_examples: tuple[Example, ...], options: JointOptions, tmp_path: Path
) -> None:
    word = NewToken("xqzjvk", "a flight that is booked")
    with_token = replace(options, epochs=1, min_steps=1, added_tokens=5)
    trained = train_joint(
        tiny_examples, with_token, tmp_path / "a", new_tokens=[word], show_progress=False
    )
    checkpoint.save(trained, tiny_examples, tmp_path / "model")
    tokenizer = SubwordTokenizer.load(tmp_path / "model" / "tokenizer.json", 64)
    assert len(tokenizer.tokenize("xqzjvk").ids) == 3
    predictor = checkpoint.load_predictor(tmp_path / "model")
    assert predictor.parse("xqzjvk to oslo").ranking
    start = checkpoint.load_starting_point(tmp_path / "model")
    again = train_joint(tiny_examples, with_token, tmp_path / "b", start=start, show_progress=False)
    assert len(SubwordTokenizer.load(again.tokenizer_path, 64).tokenize("xqzjvk").ids) == 3
    plain = train_joint(tiny_examples, options, tmp_path / "c", show_progress=False)
    ids = SubwordTokenizer.load(plain.tokenizer_path, 64).tokenize("xqzjvk").ids
    assert len(ids) != 3 or trained.encoder.config.vocab_size > plain.encoder.config.vocab_size  # type: ignore[union-attr,operator]
