"""`bot vocabulary`: check, list, add and import the terms of `data/vocabulary/`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.errors import ProjectError, VocabularyError, did_you_mean
from bot.lifecycle.checks.names import declared_in
from bot.lifecycle.checks.sources import DATA_FOLDER, read_source, text_of
from bot.vocabulary.cautions import find_cautions
from bot.vocabulary.entries import Entry, Reading, term_of
from bot.vocabulary.importing import Import, plan_import
from bot.vocabulary.loading import FOLDER, load_vocabulary, unread_files
from bot.vocabulary.terms import Term, Vocabulary, key_of
from bot.vocabulary.training_data import TrainingData, read_project_data
from bot.vocabulary.uses import Uses, count_uses
from bot.vocabulary.writing import append_terms, sole_writer

ADDED_FILE = FOLDER / "terms.yml"
IMPORTED_FILE = FOLDER / "imported.yml"
LEFT_SHOWN = 50


@dataclass(frozen=True)
class Place:
    """What the project says of its vocabulary.

    Attributes:
        language: that of `config.yml`.
        entities: the types of `domain.yml`; None without one.
    """

    language: str
    entities: frozenset[str] | None

    def load(self) -> Vocabulary:
        """Read the vocabulary.

        Raises:
            VocabularyError: something is wrong with it.
        """
        return load_vocabulary(FOLDER, self.language, self.entities)


def project_place() -> Place:
    """Read language and entities of the project in this folder.

    Raises:
        ProjectError: one of the two files is no YAML.
    """
    root, language, entities = Path("."), "en", None
    if (root / "config.yml").is_file():
        config = read_source(root / "config.yml", root)
        language = text_of(config.section("language")) or language
    if (root / "domain.yml").is_file():
        domain = read_source(root / "domain.yml", root)
        entities = frozenset(declared_in(domain, []).entities)
    return Place(language.lower(), entities)


def check() -> bool:
    """Print what is wrong, what may be, and what there is.

    Returns:
        Whether nothing is wrong.
    """
    place = project_place()
    try:
        vocabulary = place.load()
    except VocabularyError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print(f"\n{_count(len(error.problems), 'problem')} to mend.", file=sys.stderr)
        return False
    data = _training_data()
    uses = count_uses(vocabulary.terms, data.messages, place.language)
    cautions = [
        ProjectError("The file is not read.", "It must end in yml, yaml, csv or txt.", file=path)
        for path in unread_files(FOLDER)
    ] + find_cautions(vocabulary.terms, uses, place.language)
    for caution in cautions:
        print(f"Warning: {caution}")
    _print_counts(vocabulary, uses, data)
    said = f", {_count(len(cautions), 'warning')}" if cautions else ""
    print(f"Nothing is wrong{said}.")
    return True


def list_terms(*, entity: str | None, search: str | None, as_json: bool) -> None:
    """Print the terms, all or those of an entity or with a text in them.

    Raises:
        VocabularyError: something is wrong with the vocabulary.
        ProjectError: no term has this entity.
    """
    vocabulary = project_place().load()
    if entity is not None and entity not in vocabulary.kinds:
        known = ", ".join(vocabulary.kinds) or "none"
        raise ProjectError(
            f"No term has the entity '{entity}'.{did_you_mean(entity, vocabulary.kinds)}",
            f"Entities in use: {known}.",
        )
    found = [
        term
        for term in vocabulary.terms
        if (entity is None or term.entity == entity) and (search is None or _holds(term, search))
    ]
    if as_json:
        print(json.dumps([_as_json(term) for term in found], indent=2, ensure_ascii=False))
    else:
        _print_terms(found, len(vocabulary.terms))


def add(
    name: str,
    *,
    aliases: Sequence[str] = (),
    entity: str | None = None,
    value: str | None = None,
    definition: str = "",
    file: Path | None = None,
) -> None:
    """Append one term to a YAML file of the vocabulary.

    Raises:
        VocabularyError: `bot vocabulary check` would refuse it, or refuses what is there.
        ProjectError: the file cannot be appended to.
    """
    place, path = project_place(), _target(file, ADDED_FILE)
    with sole_writer(FOLDER):
        vocabulary = place.load()
        reading = Reading(path, place.language, place.entities)
        listed = [(alias, 0, None) for alias in aliases]
        entry = Entry(0, name, listed, entity, value, definition)
        term = term_of(entry, reading)
        if term is None:
            raise VocabularyError(
                ProjectError(error.found, error.remedy) for error in reading.problems
            )
        append_terms(path, [term], vocabulary, place.language)
    print(f"Added '{term.name}' to {path}. The next training reads it.")


def import_terms(files: Sequence[Path], *, entity: str | None, to: Path | None) -> None:
    """Take terms from NLU files, CSV files and lists into a YAML file of the vocabulary.

    Raises:
        VocabularyError: a file cannot be read, or something is wrong with what is there.
        ProjectError: the entity is not in the domain, or a file is of the wrong kind.
    """
    place, path = project_place(), _target(to, IMPORTED_FILE)
    if entity is not None and place.entities is not None and entity not in place.entities:
        hint = did_you_mean(entity, sorted(place.entities))
        raise ProjectError(f"The domain has no entity '{entity}'.{hint}", "Add it to domain.yml.")
    with sole_writer(FOLDER):
        vocabulary = place.load()
        plan = plan_import(
            files,
            vocabulary,
            language=place.language,
            entities=place.entities,
            entity=entity,
            project=_training_data(),
        )
        if plan.terms:
            append_terms(path, plan.terms, vocabulary, place.language)
    _print_import(plan, path)


def _training_data() -> TrainingData:
    folder = Path(DATA_FOLDER)
    return read_project_data(folder, FOLDER) if folder.is_dir() else TrainingData()


def _target(file: Path | None, default: Path) -> Path:
    """Give the file to write to; a bare name lies in the vocabulary's folder."""
    if file is None:
        return default
    path = FOLDER / file if file.parent == Path(".") else file
    if FOLDER.resolve() not in path.resolve().parents:
        raise ProjectError(
            f"The file lies outside {FOLDER}, where nobody reads it.",
            f"Name one inside, such as {ADDED_FILE}.",
            file=file,
        )
    return path


def _print_counts(vocabulary: Vocabulary, uses: Uses, data: TrainingData) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("file", overflow="fold")
    for column in ("terms", "forms", "training messages"):
        table.add_column(column, justify="right")
    for file in sorted(uses.files):
        terms = [term for term in vocabulary.terms if str(term.file) == file]
        forms = sum(len(term.forms) for term in terms)
        table.add_row(Text(file), str(len(terms)), str(forms), str(uses.files[file]))
    console = Console(highlight=False)
    if uses.files:
        console.print(table)
        console.print()
    forms = sum(len(term.forms) for term in vocabulary.terms)
    kinds = f"; entities: {', '.join(vocabulary.kinds)}" if vocabulary.kinds else ""
    print(
        f"{_count(len(vocabulary.terms), 'term')} in {_count(forms, 'form')}, looked for in "
        f"{_count(len(data.messages), 'training message')}{kinds}."
    )


def _print_terms(terms: Sequence[Term], total: int) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("term", "aliases", "entity", "value", "definition", "place"):
        table.add_column(column, overflow="fold")
    for term in terms:
        aliases = ", ".join(
            f"{form.text} (as written)" if form.case_sensitive else form.text
            for form in term.aliases
        )
        value = "" if term.value == term.name else term.value
        cells = (term.name, aliases, term.entity or "", value, term.definition, term.place)
        table.add_row(*map(Text, cells))
    console = Console(highlight=False)
    if terms:
        console.print(table)
        console.print()
    console.print(f"{len(terms)} of {_count(total, 'term')}.")


def _print_import(plan: Import, path: Path) -> None:
    for left in plan.left[:LEFT_SHOWN]:
        print(f"Left: {left.what}: {left.why}.")
    if len(plan.left) > LEFT_SHOWN:
        print(f"Left: {len(plan.left) - LEFT_SHOWN} more.")
    if plan.there:
        print(f"{_count(plan.there, 'term')} there already.")
    aliases = sum(len(term.aliases) for term in plan.terms)
    if plan.terms:
        kinds = sorted({term.entity or "no entity" for term in plan.terms})
        print(
            f"Took {_count(len(plan.terms), 'term')} with {_count(aliases, 'alias', 'aliases')} "
            f"into {path} ({', '.join(kinds)}). Rasa's own lists stay as they are."
        )
    else:
        print("Took nothing; no file was changed.")


def _holds(term: Term, search: str) -> bool:
    words = key_of(search)
    texts = [form.text for form in term.forms] + [term.value, term.definition]
    return any(words in key_of(text) for text in texts)


def _as_json(term: Term) -> dict[str, object]:
    return {
        "term": term.name,
        "aliases": [
            {"text": form.text, "case_sensitive": form.case_sensitive} for form in term.aliases
        ],
        "entity": term.entity,
        "value": term.value,
        "definition": term.definition,
        "case_sensitive": term.case_sensitive,
        "language": term.language,
        "file": str(term.file),
        "line": term.line,
    }


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
