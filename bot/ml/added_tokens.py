"""Words of the trade as tokens of their own.

A word that the tokenizer shatters ("fscs": f, ##s, ##cs) is read through pieces that mean something
else. Given a token, it has an embedding that can learn; it starts from its pieces and from what its
definition says, as words from glosses do in Hill et al. (2016), "Learning to Understand Phrases by
Embedding the Dictionary".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer
from torch import Tensor, nn

FEWEST_PIECES = 3
# Share of the definition in a new embedding; the pieces have the rest. Of 18 shattered banking
# words, read in five questions each, so many lay nearest to the plain words for the same thing:
# 17 % without a token, 17 % at 0, 22 % at 0.25, 83 % at 0.5, 89 % at 0.75, 83 % at 1.
DEFINITION_WEIGHT = 0.75
_SHORTEST_CONTENT = 3
_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = """
a about after all also an and any are as at be been before but by can could do does each etc
few for from had has have he her his how if in into is it its made make many may more most
much must no not of off on one only or other our out over own per she should so some such than
that the their them then there these they this those through to under up upon used using very
was way we were what when where which while who whose will with without you your
"""


@dataclass(frozen=True)
class NewToken:
    """A word that should become a token, and what it means ("" where nobody said)."""

    text: str
    definition: str = ""


def choose(terms: Sequence[NewToken], tokenizer: Tokenizer, most: int) -> list[NewToken]:
    """Choose the words that the tokenizer cannot read as they are.

    Args:
        terms: in the order of their worth.
        tokenizer: of the encoder, before `add`.
        most: how many at most.

    Returns:
        Words of at least three pieces, or with an unknown one, as the tokenizer normalises them,
        each once. Texts that are no single word of the tokenizer's are left out.
    """
    chosen: dict[str, NewToken] = {}
    for term in terms:
        word = _normalised(term.text, tokenizer)
        if word and word not in chosen and _is_shattered(word, tokenizer):
            chosen[word] = NewToken(word, term.definition)
    return list(chosen.values())[: max(0, most)]


def add(encoder: nn.Module, tokenizer: Tokenizer, tokens: Sequence[NewToken]) -> None:
    """Make the words tokens of both, in place; words that are tokens already stay as they are.

    Args:
        encoder: of transformers; its input embedding grows, and `vocab_size` with it.
        tokenizer: of the encoder.
        tokens: as `choose` gives them.
    """
    new = [token for token in tokens if tokenizer.token_to_id(token.text) is None]
    if not new:
        return
    embedding: nn.Embedding = encoder.get_input_embeddings()  # type: ignore[operator]
    weights = embedding.weight.detach().clone()
    starts = [_first_embedding(token, tokenizer, weights) for token in new]
    spaced = _keeps_spaces(tokenizer)
    tokenizer.add_tokens(
        [AddedToken(token.text, single_word=True, normalized=True, lstrip=spaced) for token in new]
    )
    ids = [tokenizer.token_to_id(token.text) for token in new]
    if max(ids) >= embedding.num_embeddings:
        encoder.resize_token_embeddings(max(ids) + 1, mean_resizing=False)  # type: ignore[operator]
        embedding = encoder.get_input_embeddings()  # type: ignore[operator]
    with torch.no_grad():
        embedding.weight[ids] = torch.stack(starts).to(embedding.weight)


def extend(encoder: nn.Module, path: Path, terms: Sequence[NewToken], most: int) -> None:
    """Add tokens to an encoder and to its tokenizer's file; see `choose` and `add`."""
    tokenizer = Tokenizer.from_file(str(path))
    chosen = choose(terms, tokenizer, most)
    if chosen:
        add(encoder, tokenizer, chosen)
        tokenizer.save(str(path))


def _normalised(text: str, tokenizer: Tokenizer) -> str:
    """Give a word as the tokenizer normalises it, or nothing where it is not one word."""
    word = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    word = word.strip().lower()
    if not _WORD.fullmatch(word):
        return ""
    if tokenizer.pre_tokenizer and len(tokenizer.pre_tokenizer.pre_tokenize_str(word)) != 1:
        return ""
    return word


def _is_shattered(word: str, tokenizer: Tokenizer) -> bool:
    pieces = tokenizer.encode(word, add_special_tokens=False)
    return len(pieces.ids) >= FEWEST_PIECES or bool(_unknown(tokenizer) & set(pieces.ids))


def _unknown(tokenizer: Tokenizer) -> set[int]:
    known = tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or "[UNK]")
    return set() if known is None else {known}


def _first_embedding(token: NewToken, tokenizer: Tokenizer, weights: Tensor) -> Tensor:
    """Give the mean of the word's pieces, mixed with that of its definition's content words."""
    pieces = _mean_of([token.text], tokenizer, weights)
    meaning = _mean_of(_content_words(token), tokenizer, weights)
    if pieces is None or meaning is None:
        known = pieces if meaning is None else meaning
        return weights.mean(0) if known is None else known
    return (1 - DEFINITION_WEIGHT) * pieces + DEFINITION_WEIGHT * meaning


def _mean_of(words: Sequence[str], tokenizer: Tokenizer, weights: Tensor) -> Tensor | None:
    unknown = _unknown(tokenizer)
    rows = []
    for word in words:
        ids = tokenizer.encode(word, add_special_tokens=False).ids
        ids = [one for one in ids if one not in unknown]
        if ids:
            rows.append(weights[ids].mean(0))
    return torch.stack(rows).mean(0) if rows else None


def _content_words(token: NewToken) -> list[str]:
    words = [word.lower() for word in _WORD.findall(token.definition)]
    ignored = _FUNCTION_WORDS.split()
    found = [
        word
        for word in words
        if len(word) >= _SHORTEST_CONTENT and word not in ignored and word != token.text
    ]
    return list(dict.fromkeys(found))


def _keeps_spaces(tokenizer: Tokenizer) -> bool:
    """Say whether a word carries the white space before it, as in RoBERTa's and XLM-R's tokenizers.

    A token of its own must then take that space, or it would be left over as a piece.
    """
    if tokenizer.pre_tokenizer is None:
        return False
    pieces = tokenizer.pre_tokenizer.pre_tokenize_str("a b")
    return any(end - start > 1 for _, (start, end) in pieces[1:])
