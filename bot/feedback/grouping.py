"""Messages that say nearly the same are answered once: which ones those are, in linear time.

Two messages share a group where they differ in nothing but digits, masks, punctuation, words of
politeness, or one word that is spelled differently. A word more or less that carries meaning
("not", "savings") keeps them apart, which a share of common letters would not.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from bot.feedback.similar import normal

Numbers = NDArray[np.int64]

# Words that a message can lose without meaning something else. English; in other languages only
# spelling is levelled.
_FILLERS = "please pls plz kindly thanks thank hi hello hey the a an just um uh really actually"
FILLERS = frozenset(_FILLERS.split())
_MIN_WORDS = 2  # of content; "hi" and "thanks" alone are all there is
_MAX_WORDS = 24  # of longer messages only the same words are the same
_SPELLED = ((9, 2), (5, 1))  # letters of the shorter word, and how many slips it may have
_COMPARED = 64  # words that one word is compared with; keeps the work linear


def key_of(text: str) -> str:
    """Give the words that carry a message's meaning, in order."""
    form = normal(text)
    words = [word for word in form.split() if word not in FILLERS]
    return " ".join(words) if len(words) >= _MIN_WORDS else form


def group(texts: Iterable[str]) -> Numbers:
    """Give for each text the place of the first text of its group."""
    places: dict[str, int] = {}
    numbers: list[int] = []
    firsts: list[int] = []
    for place, text in enumerate(texts):
        key = key_of(text)
        if key not in places:
            places[key] = len(places)
            firsts.append(place)
        numbers.append(places[key])
    roots = join(list(places))
    return np.array(firsts, np.int64)[roots[numbers]] if numbers else np.zeros(0, np.int64)


def join(keys: Sequence[str]) -> Numbers:
    """Give for each key, all of them different, the number of the key it is joined to.

    A key joins the first earlier one that differs in the spelling of one word and stands for
    itself, so that chains of slips do not lead from one meaning to another.
    """
    roots = np.arange(len(keys), dtype=np.int64)
    for later, earlier in sorted(_pairs(keys)):
        if roots[later] == later and roots[earlier] == earlier:
            roots[later] = earlier
    return roots


def _pairs(keys: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Yield (later, earlier) of keys that differ in the spelling of one word."""
    hashes, owners, places = _deletions(keys)
    order = np.lexsort((owners, hashes))
    hashes, owners, places = hashes[order], owners[order], places[order]
    if not len(hashes):
        return
    begins = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    ends = np.r_[begins[1:], len(hashes)]
    several = ends - begins > 1
    for begin, end in zip(begins[several].tolist(), ends[several].tolist(), strict=True):
        yield from _within(keys, owners[begin:end], places[begin:end])


def _deletions(keys: Sequence[str]) -> tuple[Numbers, Numbers, Numbers]:
    """Give, for each word of each key, a hash of the others and of the word's first letter.

    Returns:
        hashes, numbers of the keys, and places of the words: (n,) each
    """
    hashes, owners, places = array("q"), array("q"), array("q")
    for number, key in enumerate(keys):
        words = key.split()
        for place, word in enumerate(words if len(words) <= _MAX_WORDS else ()):
            if len(word) >= _SPELLED[-1][0]:
                hashes.append(hash((place, word[0], *words[:place], *words[place + 1 :])))
                owners.append(number)
                places.append(place)
    return np.array(hashes, np.int64), np.array(owners, np.int64), np.array(places, np.int64)


def _within(keys: Sequence[str], owners: Numbers, places: Numbers) -> Iterable[tuple[int, int]]:
    """Yield the pairs among keys whose other words are the same."""
    seen: list[tuple[str, int]] = []
    for owner, place in zip(owners.tolist(), places.tolist(), strict=True):
        word = keys[owner].split()[place]
        found = next((other for known, other in seen if is_slip(word, known)), None)
        if found is not None and _others(keys[owner], place) == _others(keys[found], place):
            yield owner, found
        elif len(seen) < _COMPARED:
            seen.append((word, owner))


def is_slip(one: str, other: str) -> bool:
    """Say whether two words are probably one, spelled differently."""
    shorter = min(len(one), len(other))
    allowed = next((slips for length, slips in _SPELLED if shorter >= length), 0)
    return OSA.distance(one, other, score_cutoff=allowed) <= allowed


def _others(key: str, place: int) -> list[str]:
    words = key.split()
    return words[:place] + words[place + 1 :]
