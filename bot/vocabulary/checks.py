"""What is wrong between terms: one word may have one meaning only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.errors import ProjectError
from bot.vocabulary.terms import Form, Term, key_of


def find_conflicts(terms: Sequence[Term]) -> list[ProjectError]:
    """Find forms with two meanings within one language, each at the later of its two places.

    Two forms are the same where case, white space and Unicode's compatible signs are all that
    differs; two case-sensitive ones only where they are written alike.
    """
    first: dict[tuple[str, str], int] = {}
    shared: dict[tuple[str, str], list[int]] = {}
    for number, term in enumerate(terms):
        for form in term.forms:
            key = (term.language, key_of(form.text))
            holder = first.setdefault(key, number)
            if holder != number:
                holders = shared.setdefault(key, [holder])
                if holders[-1] != number:
                    holders.append(number)
    return [
        problem
        for (_, key), holders in shared.items()
        for problem in _between([terms[number] for number in holders], key)
    ]


def same_form(one: Form, other: Form) -> bool:
    """Say whether a word in a message could be either; their keys are equal already."""
    return not (one.case_sensitive and other.case_sensitive and one.text != other.text)


def _between(terms: Sequence[Term], key: str) -> Iterator[ProjectError]:
    """Yield what is wrong between the terms that share a form."""
    for later in range(1, len(terms)):
        for earlier in range(later):
            pair = next(_equal_forms(terms[earlier], terms[later], key), None)
            if pair is not None:
                yield _conflict(terms[earlier], terms[later], *pair)
                break


def _equal_forms(one: Term, other: Term, key: str) -> Iterator[tuple[Form, Form]]:
    for mine in _forms_with(one, key):
        for theirs in _forms_with(other, key):
            if same_form(mine, theirs):
                yield mine, theirs


def _forms_with(term: Term, key: str) -> Iterable[Form]:
    return [form for form in term.forms if key_of(form.text) == key]


def _conflict(one: Term, other: Term, mine: Form, theirs: Form) -> ProjectError:
    """Word the conflict for the line of the second term."""
    if mine.text == one.name and theirs.text == other.name:
        found = f"The term '{other.name}' is there already, at {one.place}."
        remedy = "Merge the two entries, or remove one."
    elif mine.text == one.name:
        found = f"The alias '{theirs.text}' of '{other.name}' is itself a term, at {one.place}."
        remedy = f"Remove the alias, or make '{other.name}' an alias there."
    elif theirs.text == other.name:
        found = f"The term '{other.name}' is an alias of '{one.name}' at {one.place}."
        remedy = "Remove the alias there, or this term."
    else:
        found = f"'{theirs.text}' stands for '{other.name}' and, at {one.place}, for '{one.name}'."
        remedy = "Keep the alias where people nearly always mean it, and remove the other."
    return ProjectError(found, remedy, file=other.file, line=other.line)
