"""Writes the terms that reviewers accepted into the vocabulary, as a part of `bot export`."""

from __future__ import annotations

from contextlib import closing

from bot.errors import BotError, ProjectError, VocabularyError
from bot.feedback.store import Store
from bot.feedback.terms import TERM, AcceptedTerm, accepted_terms, mark_written
from bot.lifecycle.vocabulary import Place, project_place
from bot.vocabulary.entries import Entry, Reading, term_of
from bot.vocabulary.extending import add_alias
from bot.vocabulary.loading import FOLDER
from bot.vocabulary.terms import Term, Vocabulary, key_of
from bot.vocabulary.writing import append_terms, sole_writer

REVIEWED_FILE = FOLDER / "reviewed.yml"


def write_accepted(*, key: bytes, url: str, check: bool = False) -> bool:
    """Write new terms into `reviewed.yml`, and aliases where their terms stand.

    What cannot be written, because the word has another meaning by now, is told and stays accepted.

    Args:
        key: the key of the feedback store.
        url: the feedback store.
        check: write nothing, only say what would change.

    Returns:
        Whether everything was in the vocabulary already.

    Raises:
        BotError: the store cannot be used, or something is wrong with the vocabulary.
    """
    with closing(Store(url, key)) as store:
        accepted = accepted_terms(store)
        if not accepted:
            return True
        place = project_place()
        if check:
            new = [one for one in accepted if not _is_there(one, place.load())]
            if new:
                print(f"Would add to {FOLDER}: {', '.join(_told(one) for one in new)}.")
            return not new
        added = []
        with sole_writer(FOLDER):
            for one in accepted:
                vocabulary = place.load()
                if not _is_there(one, vocabulary):
                    try:
                        _write(one, vocabulary, place)
                    except BotError as error:
                        print(f"Not added: {_told(one)}. {error}")
                        continue
                    added.append(one)
                mark_written(store, [one.id])
    if added:
        print(f"Added to {FOLDER}: {', '.join(_told(one) for one in added)}.")
    return not added


def _write(one: AcceptedTerm, vocabulary: Vocabulary, place: Place) -> None:
    term = _named(one.name, vocabulary)
    if term is not None:
        if key_of(one.word) != key_of(one.name):
            add_alias(term, one.word, vocabulary, place.language)
        return
    if one.decision != TERM:
        raise ProjectError(
            f"The vocabulary has no term '{one.name}'.", "Decide anew on the review page."
        )
    reading = Reading(REVIEWED_FILE, place.language, place.entities)
    aliases = [] if key_of(one.word) == key_of(one.name) else [(one.word, 0, None)]
    entry = Entry(0, one.name, aliases, one.entity, None, one.definition)
    new = term_of(entry, reading)
    if new is None:
        raise VocabularyError(ProjectError(error.found, error.remedy) for error in reading.problems)
    append_terms(REVIEWED_FILE, [new], vocabulary, place.language)


def _is_there(one: AcceptedTerm, vocabulary: Vocabulary) -> bool:
    """Say whether the term has the word as one of its forms."""
    term = _named(one.name, vocabulary)
    word = key_of(one.word)
    return term is not None and any(key_of(form.text) == word for form in term.forms)


def _named(name: str, vocabulary: Vocabulary) -> Term | None:
    key = key_of(name)
    return next((term for term in vocabulary.terms if key_of(term.name) == key), None)


def _told(one: AcceptedTerm) -> str:
    return one.name if key_of(one.word) == key_of(one.name) else f"{one.word} ({one.name})"
