"""New tokens are read as words, and nothing else is read in another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import Tensor, nn

from bot.ml.added_tokens import NewToken, add, choose
from bot.ml.export import _write_graph
from bot.ml.fine_tuning import SeenTokens
from bot.ml.inference import OnnxEncoder
from bot.ml.joint import encode, load_encoder, save_encoder
from bot.ml.text import SubwordTokenizer, TokenizedText

MAX_LENGTH = 64
NEW = (NewToken("fscs", "scheme that protects what is in your bank"), NewToken("kwyjibo"))


def read_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return tokenizer


@pytest.fixture
def tokenizer(tiny_encoder: Path) -> Tokenizer:
    return read_tokenizer(tiny_encoder)


@pytest.fixture
def encoder(tiny_encoder: Path) -> nn.Module:
    return load_encoder(tiny_encoder, "tiny").eval()


@pytest.fixture(scope="session")
def pair(tiny_encoder: Path, bundled_tokenizer_path: Path) -> list[tuple[SubwordTokenizer, ...]]:
    """Two tokenizers before and after, each on its own; the encoder has no say in it."""
    pairs = []
    for path in (tiny_encoder / "tokenizer.json", bundled_tokenizer_path):
        changed = Tokenizer.from_file(str(path))
        embedding = Embedding(changed.get_vocab_size())
        add(embedding, changed, NEW)
        pairs.append(
            (SubwordTokenizer.load(path, MAX_LENGTH), SubwordTokenizer(changed, MAX_LENGTH))
        )
    return pairs


class Embedding(nn.Module):
    """As much of an encoder as `add` looks at."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(size, 8)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.table

    def resize_token_embeddings(self, size: int, mean_resizing: bool) -> None:
        grown = nn.Embedding(size, 8)
        grown.weight.data[: self.table.num_embeddings] = self.table.weight.data
        self.table = grown


def vectors(encoder: nn.Module, ids: tuple[int, ...]) -> Tensor:
    row = torch.tensor([ids])
    with torch.no_grad():
        return encode(encoder, row, torch.ones_like(row))[0]


def surfaces(text: str, tokenized: TokenizedText) -> list[str]:
    return [text[word.start : word.end] for word in tokenized.words]


def test_only_shattered_single_words_are_chosen(tokenizer: Tokenizer) -> None:
    terms = [
        NewToken("FSCS", "a scheme"),
        NewToken("pizza"),  # one piece
        NewToken("bot"),
        NewToken("fscs", "the same word once more"),
        NewToken("two words"),
        NewToken("s/o"),
        NewToken("caf\u00e9z"),
        NewToken("\u4e2d"),
        NewToken(""),
        NewToken("unaffable"),
    ]
    chosen = choose(terms, tokenizer, 10)
    assert chosen == [
        NewToken("fscs", "a scheme"),
        NewToken("cafez"),
        NewToken("\u4e2d"),
        NewToken("unaffable"),
    ]
    assert choose(terms, tokenizer, 2) == chosen[:2]
    assert choose(terms, tokenizer, 0) == []


def test_a_word_of_two_pieces_is_left_to_its_pieces(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("pizzas", add_special_tokens=False).ids) <= 2
    assert choose([NewToken("pizzas")], tokenizer, 5) == []


def test_a_new_token_is_one_word_in_any_case(tokenizer: Tokenizer, encoder: nn.Module) -> None:
    add(encoder, tokenizer, NEW)
    subwords = SubwordTokenizer(tokenizer, MAX_LENGTH)
    number = tokenizer.token_to_id("fscs")
    for text in ("is it fscs safe", "FSCS?", "(Fscs)", "f\u0301scs", " fscs,kwyjibo "):
        tokenized = subwords.tokenize(text)
        assert number in tokenized.ids, text
        word = next(w for w in tokenized.words if tokenized.ids[w.first] == number)
        assert word.last == word.first + 1
        assert text[word.start : word.end].lower().replace("\u0301", "") == "fscs"


@pytest.mark.parametrize(
    "text", ["hello world", "fscsx", "xfscs", "fscs1", "f scs", "fs-cs", "pizza, kwyjibos!", ""]
)
def test_text_without_a_new_word_is_read_as_before(
    text: str, pair: list[tuple[SubwordTokenizer, ...]]
) -> None:
    for before, after in pair:
        assert after.tokenize(text) == before.tokenize(text)


AROUND = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.lists(
        st.sampled_from(["hi", " ", "-", "/", "'", "\u200b", "\u0301", "\u4e2d", "pizzas", "."]),
        max_size=6,
    ).map("".join),
)


@given(left=AROUND, right=AROUND)
def test_words_around_a_new_one_are_read_as_before(
    left: str, right: str, pair: list[tuple[SubwordTokenizer, ...]]
) -> None:
    text = f"{left} fscs {right}"
    for before, after in pair:
        old, new = before.tokenize(text), after.tokenize(text)
        if max(len(old.ids), len(new.ids)) >= MAX_LENGTH:
            continue
        place = (len(left) + 1, len(left) + 5)
        assert surfaces(text, new) == surfaces(text, old)
        for one, other in zip(old.words, new.words, strict=True):
            assert (one.start, one.end) == (other.start, other.end)
            if (one.start, one.end) != place and text[one.start : one.end].lower() != "fscs":
                assert old.ids[one.first : one.last] == new.ids[other.first : other.last]


def test_the_first_embedding_mixes_pieces_and_definition(
    tokenizer: Tokenizer, encoder: nn.Module
) -> None:
    table = encoder.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]

    def mean(*words: str) -> Tensor:
        rows = [tokenizer.encode(word, add_special_tokens=False).ids for word in words]
        return torch.stack([table[ids].mean(0) for ids in rows]).mean(0)

    pieces, meaning = mean("fscs"), mean("large", "pizza")
    alone = mean("kwyjibo")
    tokens = [NewToken("fscs", "The large pizza of a pizza"), NewToken("kwyjibo")]
    add(encoder, tokenizer, tokens)
    grown = encoder.get_input_embeddings().weight.detach()  # type: ignore[operator]
    assert torch.equal(grown[: len(table)], table)
    torch.testing.assert_close(grown[tokenizer.token_to_id("fscs")], 0.25 * pieces + 0.75 * meaning)
    torch.testing.assert_close(grown[tokenizer.token_to_id("kwyjibo")], alone)
    assert encoder.config.vocab_size == len(grown) == len(table) + 2  # type: ignore[union-attr]


def test_adding_twice_changes_nothing(tokenizer: Tokenizer, encoder: nn.Module) -> None:
    add(encoder, tokenizer, NEW)
    with torch.no_grad():
        encoder.get_input_embeddings().weight.mul_(2)  # type: ignore[operator]
    learned = encoder.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]
    written = tokenizer.to_str()
    add(encoder, tokenizer, NEW)
    add(encoder, tokenizer, [])
    assert tokenizer.to_str() == written
    assert torch.equal(encoder.get_input_embeddings().weight, learned)  # type: ignore[operator]


def test_saved_loaded_and_exported_they_are_equal(
    tokenizer: Tokenizer, encoder: nn.Module, tmp_path: Path
) -> None:
    add(encoder, tokenizer, NEW)
    encoder.half().float()  # as `save_encoder` rounds
    save_encoder(encoder, tmp_path)
    subwords = SubwordTokenizer(tokenizer, MAX_LENGTH)
    subwords.save(tmp_path / "tokenizer.json")
    again = load_encoder(tmp_path, "again").eval()
    read = SubwordTokenizer.load(tmp_path / "tokenizer.json", MAX_LENGTH)
    text = "is my pizza FSCS safe, kwyjibo?"
    tokenized = read.tokenize(text)
    assert tokenized == subwords.tokenize(text)
    expected = vectors(encoder, tokenized.ids)
    torch.testing.assert_close(vectors(again, tokenized.ids), expected)
    _write_graph(again, tmp_path / "encoder.onnx")
    served = OnnxEncoder(tmp_path / "encoder.onnx", read, "digest").encode(text)
    np.testing.assert_allclose(served.hidden, expected.numpy(), atol=1e-4)


def test_only_the_new_rows_that_occur_are_trained(tokenizer: Tokenizer, encoder: nn.Module) -> None:
    add(encoder, tokenizer, NEW)
    before = encoder.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]
    ids = SubwordTokenizer(tokenizer, MAX_LENGTH).tokenize("my fscs pizza").ids
    expected = vectors(encoder, ids)
    seen = SeenTokens(encoder, ids)
    row = seen.remap(torch.tensor([ids]))
    torch.testing.assert_close(encode(encoder, row, torch.ones_like(row))[0], expected)
    encode(encoder, row, torch.ones_like(row)).square().sum().backward()
    with torch.no_grad():
        compact = encoder.get_input_embeddings().weight  # type: ignore[operator]
        compact -= 0.1 * compact.grad
    seen.restore()
    after = encoder.get_input_embeddings().weight.detach()  # type: ignore[operator]
    changed = {index for index in range(len(after)) if not torch.equal(after[index], before[index])}
    assert changed == set(ids)
    assert tokenizer.token_to_id("fscs") in changed
    assert tokenizer.token_to_id("kwyjibo") not in changed


def spaced_tokenizer(kind: str) -> Tokenizer:
    """A tokenizer whose words carry the space before them."""
    if kind == "byte-level":
        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        tokenizer = Tokenizer(models.BPE({one: i for i, one in enumerate(letters)}, []))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        return tokenizer
    pieces = [("<unk>", 0.0), *((one, -2.0) for one in "\u2581abcdefghijklmnopqrstuvwxyz,")]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


@pytest.mark.parametrize("kind", ["byte-level", "metaspace"])
def test_tokenizers_whose_words_carry_spaces(kind: str) -> None:
    tokenizer = spaced_tokenizer(kind)
    text = "is my fscs pot safe"
    before = SubwordTokenizer(spaced_tokenizer(kind), MAX_LENGTH).tokenize(text)
    add(Embedding(tokenizer.get_vocab_size()), tokenizer, NEW)
    after = SubwordTokenizer(tokenizer, MAX_LENGTH).tokenize(text)
    assert surfaces(text, after) == surfaces(text, before) == text.split()
    for old, new in zip(before.words, after.words, strict=True):
        if text[old.start : old.end] != "fscs":
            assert before.ids[old.first : old.last] == after.ids[new.first : new.last]
