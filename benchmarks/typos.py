"""Slips of typing, made with a seed: what a speller is measured on."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from bot.vocabulary.slips import NEIGHBOURS

KINDS = ("keyboard", "swap", "drop", "double", "phonetic")
_WORD = re.compile(r"(?<![\w@./&'’-])[A-Za-z]{4,}(?![\w@/&'’-])")
_PAIR = re.compile(r"(?<!\S)([A-Za-z]{4,}) ([a-z]{4,})(?!\S)")
_FIRST_LETTER = 0.05  # how often a slip may hit it
# As it is spelled and as people spell it who have only heard it; not the list of the speller, whose
# guesses would then be right by design.
_HEARD = (
    ("ph", "f"), ("ie", "ei"), ("ei", "ie"), ("ck", "k"), ("gh", "g"), ("tion", "sion"),
    ("sion", "tion"), ("able", "ible"), ("ible", "able"), ("ent", "ant"), ("ant", "ent"),
    ("ence", "ance"), ("ance", "ence"), ("ough", "uff"), ("qu", "kw"), ("ea", "ee"), ("ee", "ea"),
    ("ou", "u"), ("ai", "ay"), ("ci", "si"), ("ce", "se"), ("dge", "ge"), ("tch", "ch"),
    ("wh", "w"), ("er", "or"), ("or", "er"), ("al", "el"), ("le", "el"), ("ise", "ize"),
    ("y", "i"), ("c", "k"), ("s", "z"), ("x", "ks"),
)  # fmt: skip


def typo(text: str, rng: random.Random, kinds: Sequence[str] = KINDS, count: int = 1) -> str:
    """Give the text with slips in up to `count` different words of four letters or more."""
    return with_typos(text, rng, kinds, count)[0]


def with_typos(
    text: str, rng: random.Random, kinds: Sequence[str] = KINDS, count: int = 1
) -> tuple[str, list[tuple[int, int, str]]]:
    """Give the text with slips, and of each slip start and end in it and the word as it was."""
    words = list(_WORD.finditer(text))
    chosen = sorted(rng.sample(words, min(count, len(words))), key=lambda word: word.start())
    parts, slips, last, shift = [], [], 0, 0
    for word in chosen:
        wrong = _slip(word[0], rng, kinds)
        if wrong == word[0]:
            continue
        parts += [text[last : word.start()], wrong]
        start = word.start() + shift
        slips.append((start, start + len(wrong), word[0]))
        shift += len(wrong) - len(word[0])
        last = word.end()
    return "".join([*parts, text[last:]]), slips


def space_slip(text: str, rng: random.Random) -> str:
    """Drop a space between two words, or type it a letter early or late, or within a word."""
    pairs = list(_PAIR.finditer(text))
    if not pairs:
        return text
    pair = rng.choice(pairs)
    first, second = pair.groups()
    wrong = rng.choice(
        (
            first + second,
            f"{first[:-1]} {first[-1]}{second}",
            f"{first}{second[0]} {second[1:]}",
            f"{first[:-1]} {first[-1]} {second}",
        )
    )
    return text[: pair.start()] + wrong + text[pair.end() :]


def _slip(word: str, rng: random.Random, kinds: Sequence[str]) -> str:
    """Make one slip; where a kind has no place in the word, the next one is tried."""
    for kind in rng.sample(list(kinds), len(kinds)):
        place = 0 if rng.random() < _FIRST_LETTER else rng.randrange(1, len(word))
        wrong = _MAKERS[kind](word, place, rng)
        if wrong != word:
            return wrong
    return word


def _keyboard(word: str, place: int, rng: random.Random) -> str:
    near = NEIGHBOURS.get(word[place].lower(), "")
    if not near:
        return word
    letter = rng.choice(near)
    hit = letter.upper() if word[place].isupper() else letter
    return word[:place] + hit + word[place + 1 :]


def _swap(word: str, place: int, rng: random.Random) -> str:
    place = min(place, len(word) - 2)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _drop(word: str, place: int, rng: random.Random) -> str:
    return word[:place] + word[place + 1 :]


def _double(word: str, place: int, rng: random.Random) -> str:
    return word[:place] + word[place].lower() + word[place:] if place else word


def _phonetic(word: str, place: int, rng: random.Random) -> str:
    """Write a sound as another word writes it; a double letter once, a vowel as another."""
    found = [
        word[:at] + wrong + word[at + len(right) :]
        for right, wrong in _HEARD
        for at in range(1, len(word))
        if word.startswith(right, at)
    ]
    found += [word[:at] + word[at + 1 :] for at in range(1, len(word)) if word[at] == word[at - 1]]
    found += [
        word[:at] + rng.choice("aei") + word[at + 1 :]
        for at in range(2, len(word) - 1)
        if word[at] in "aei"
    ]
    return rng.choice(found) if found else word


_MAKERS: dict[str, Callable[[str, int, random.Random], str]] = {
    "keyboard": _keyboard,
    "swap": _swap,
    "drop": _drop,
    "double": _double,
    "phonetic": _phonetic,
}
