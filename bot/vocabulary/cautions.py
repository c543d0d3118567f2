"""What is allowed in a vocabulary and likely a mistake."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from bot.errors import ProjectError
from bot.vocabulary.checks import same_form
from bot.vocabulary.terms import Form, Term, key_of
from bot.vocabulary.uses import Use, Uses

SHORT = 2
ORDINARY_RANK = 400  # below it, the list of frequent words turns to the words of trades
UNMARKED_SHARE = 0.5
FEWEST_UNMARKED = 3
_WORD_LIST = "frequency_dictionary_en_82_765.txt"  # comes with symspellpy, by falling frequency


def find_cautions(terms: Sequence[Term], uses: Uses, language: str) -> list[ProjectError]:
    """Give what an author should look at, in the order of the terms; nothing of it is an error."""
    ordinary = ordinary_words() if language == "en" else frozenset()
    return [
        ProjectError(found, remedy, file=term.file, line=term.line)
        for number, term in enumerate(terms)
        for found, remedy in _of_term(number, term, uses, ordinary)
    ]


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """Give the most frequent words of English; nothing where the list is not installed."""
    package = find_spec("symspellpy")
    if package is None or package.origin is None:
        return frozenset()
    path = Path(package.origin).parent / _WORD_LIST
    if not path.is_file():
        return frozenset()
    with path.open(encoding="utf-8-sig") as lines:
        return frozenset(line.split()[0] for line in islice(lines, ORDINARY_RANK))


def _of_term(
    number: int, term: Term, uses: Uses, ordinary: frozenset[str]
) -> Iterator[tuple[str, str]]:
    yield from _said_twice(term)
    if term.value != term.name and term.entity is None:
        yield (
            f"'{term.name}' has the value '{term.value}', but no entity that could bear it.",
            "Add an entity, or remove the value.",
        )
    for place, form in enumerate(term.forms):
        use = uses.forms.get((number, place), Use())
        alias = place > 0
        if form.case_sensitive and form.text.lower() == form.text.upper():
            yield (
                f"'{form.text}' is case-sensitive, but has no letters whose case could differ.",
                "Remove 'case_sensitive'.",
            )
        if all(unicodedata.category(sign)[0] in "PZ" for sign in form.text):
            yield f"'{form.text}' holds nothing but punctuation.", "Remove it."
        elif alias and _is_ordinary(form, ordinary) and not _is_mostly_marked(term, use):
            yield (
                f"'{form.text}', an alias of '{term.name}', is an ordinary English word and "
                f"{_matches(use)}.",
                "Remove it, or make it case-sensitive in capitals: {text: "
                f"{form.text.upper()}, case_sensitive: true}}.",
            )
        elif alias and _is_short(form):
            yield (
                f"'{form.text}', an alias of '{term.name}', is very short and {_matches(use)}.",
                f"Write {{text: {form.text}, case_sensitive: true}} for each spelling you want.",
            )
        elif _is_mostly_unmarked(term, use):
            yield (
                f"'{form.text}' is marked as {term.entity} wherever it stands, but "
                f"{_matches(use)}, {use.unmarked} of them without that mark.",
                "Remove the form or the entity, or mark the examples.",
            )


def _said_twice(term: Term) -> Iterator[tuple[str, str]]:
    """Find aliases that another form of the same term covers."""
    forms = term.forms
    keys = [key_of(form.text) for form in forms]
    if len(set(keys)) == len(keys):
        return
    for later in range(1, len(forms)):
        for earlier in range(later):
            one, other = forms[earlier], forms[later]
            if keys[earlier] == keys[later] and same_form(one, other):
                yield (
                    f"The alias '{other.text}' says nothing that '{one.text}' does not: upper and "
                    f"lower case are one unless both are case-sensitive.",
                    "Remove one of the two.",
                )
                break


def _is_ordinary(form: Form, ordinary: frozenset[str]) -> bool:
    return form.text.lower() in ordinary and (not form.case_sensitive or form.text.islower())


def _is_short(form: Form) -> bool:
    return not form.case_sensitive and len(form.text) <= SHORT and form.text.isalpha()


def _is_mostly_unmarked(term: Term, use: Use) -> bool:
    return (
        term.entity is not None
        and use.unmarked >= FEWEST_UNMARKED
        and use.unmarked > UNMARKED_SHARE * use.messages
    )


def _is_mostly_marked(term: Term, use: Use) -> bool:
    return term.entity is not None and use.unmarked < UNMARKED_SHARE * use.messages


def _matches(use: Use) -> str:
    if not use.messages:
        return "matches no training example"
    noun = "example" if use.messages == 1 else "examples"
    return f'matches {use.messages} training {noun}; e.g. "{use.example}"'
