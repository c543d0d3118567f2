"""How likely a slip of the finger or the ear is: the channel of a noisy-channel speller.

Costs are negative natural logarithms of rough probabilities, as in Kernighan, Church and Gale
(1990), "A Spelling Correction Program Based on a Noisy Channel Model": a slip of cost 3 happens in
one word of twenty, one of cost 5.5 in one of 250. Strings are compared by optimal string alignment
(Damerau-Levenshtein distance in which no letter is moved twice), with costs in place of counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

_ROWS = (("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75))
_VOWELS = frozenset("aeiouy")
_ALIKE = frozenset(
    frozenset(pair)
    for pair in ("ck", "cs", "sz", "gj", "kq", "vf", "mn", "td", "bp", "iy", "uw", "xz")
)
# What sounds the same; the typed side and the meant one may change places.
_SOUNDS = (
    ("f", "ph"),
    ("k", "ck"),
    ("k", "ch"),
    ("sh", "ti"),
    ("s", "sc"),
    ("x", "cks"),
    ("kw", "qu"),
    ("n", "kn"),
    ("r", "wr"),
    ("f", "gh"),
    ("or", "au"),
    ("ee", "ea"),
    ("ei", "ie"),
    ("ence", "ance"),
    ("er", "re"),
    ("u", "ou"),
    ("tch", "ch"),
    ("dg", "g"),
)
SOUNDS = tuple(sorted({*_SOUNDS, *((second, first) for first, second in _SOUNDS)}))

_BY_ENDS: dict[str, list[tuple[str, str]]] = {}
for _wrong, _right in SOUNDS:
    _BY_ENDS.setdefault(_wrong[-1] + _right[-1], []).append((_wrong, _right))

SWAPPED, NEIGHBOUR, DOUBLED, HALVED, SOUND, VOWEL = 3.0, 3.2, 3.0, 2.6, 3.2, 3.4
DROPPED, ADDED_NEIGHBOUR, OTHER = 3.3, 4.0, 5.5
AT_THE_START = 1.5  # people look at a word's first letter
SPACE = 3.0  # a space that was dropped, added or typed one letter late


def _places() -> dict[str, tuple[float, int]]:
    return {
        key: (column + shift, row)
        for row, (keys, shift) in enumerate(_ROWS)
        for column, key in enumerate(keys)
    }


_PLACES = _places()
NEIGHBOURS = {
    key: "".join(
        other
        for other, (x, y) in _PLACES.items()
        if other != key and abs(x - place[0]) <= 1 and abs(y - place[1]) <= 1
    )
    for key, place in _PLACES.items()
}


def slip_cost(typed: str, meant: str) -> float:
    """Give the cost of the cheapest slips that make `typed` of `meant`; 0 where they are equal."""
    width = len(meant) + 1
    table = [[0.0] * width for _ in range(len(typed) + 1)]
    for i in range(len(typed) + 1):
        for j in range(width):
            if i or j:
                table[i][j] = min(_steps(typed, meant, i, j, table))
    return table[-1][-1]


def _steps(typed: str, meant: str, i: int, j: int, table: list[list[float]]) -> Iterator[float]:
    """Yield the cost of each way that leads to the first `i` letters typed and `j` meant."""
    first = AT_THE_START if i <= 1 and j <= 1 else 0.0
    if i and j:
        same = typed[i - 1] == meant[j - 1]
        cost = 0.0 if same else _replaced(typed[i - 1], meant[j - 1]) + first
        yield table[i - 1][j - 1] + cost
    if i:
        yield table[i - 1][j] + _added(typed, i - 1, meant[j - 1 : j]) + first
    if j:
        yield table[i][j - 1] + _dropped(meant, j - 1) + first
    if i > 1 and j > 1 and typed[i - 2 : i] == meant[j - 2 : j][::-1]:
        yield table[i - 2][j - 2] + SWAPPED + (AT_THE_START if i == j == 2 else 0.0)
    if i and j and typed[i - 1] == meant[j - 1]:
        return  # a sound that ends alike was met a letter earlier, or is no other sound
    for wrong, right in _BY_ENDS.get(typed[i - 1 : i] + meant[j - 1 : j], ()):
        if typed.endswith(wrong, 0, i) and meant.endswith(right, 0, j):
            yield table[i - len(wrong)][j - len(right)] + SOUND


@lru_cache(maxsize=4096)
def _replaced(typed: str, meant: str) -> float:
    if typed in NEIGHBOURS.get(meant, ""):
        return NEIGHBOUR
    if typed in _VOWELS and meant in _VOWELS:
        return VOWEL
    return SOUND if frozenset((typed, meant)) in _ALIKE else OTHER


def _added(typed: str, place: int, meant: str) -> float:
    letter = typed[place]
    if place and typed[place - 1] == letter:
        return DOUBLED
    near = NEIGHBOURS.get(letter, "")
    if meant and meant in near:
        return ADDED_NEIGHBOUR
    return ADDED_NEIGHBOUR if typed[place + 1 : place + 2] in set(near) else OTHER


def _dropped(meant: str, place: int) -> float:
    letter = meant[place]
    if letter in "'-":
        return SWAPPED
    return HALVED if place and meant[place - 1] == letter else DROPPED


def near_strings(word: str, alphabet: str) -> set[str]:
    """Give every string one slip away: a letter added, dropped, replaced, two swapped, a sound.

    Args:
        word: in small letters.
        alphabet: the letters that the words of the language are made of.
    """
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    near = {left + right[1:] for left, right in cuts if right}
    near.update(left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1)
    for letter in alphabet:
        near.update([left + letter + right[1:] for left, right in cuts if right])
        near.update([left + letter + right for left, right in cuts])
    near.update(_other_sounds(word))
    near.discard(word)
    return near


def _other_sounds(word: str) -> Iterator[str]:
    for wrong, right in SOUNDS:
        place = word.find(wrong)
        while place >= 0:
            yield word[:place] + right + word[place + len(wrong) :]
            place = word.find(wrong, place + 1)
