"""Take terms from what a project has: Rasa's synonyms and lookup tables, CSV and plain text.

Nothing that is there already is taken a second time, so that running an import again changes
nothing; what is left out is named with its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import ProjectError, VocabularyError
from bot.vocabulary.entries import Entry, Reading, term_of
from bot.vocabulary.loading import YAML_SUFFIXES, is_readable, read_file
from bot.vocabulary.terms import Form, Term, Vocabulary, key_of
from bot.vocabulary.training_data import Listing, Message, TrainingData, read_nlu


@dataclass(frozen=True)
class Left:
    """Something that was not taken, or not as it stood, and why."""

    what: str
    why: str


@dataclass
class Import:
    """What an import would add.

    Attributes:
        terms: the new terms.
        there: how many terms of the files are in the vocabulary already.
        left: what was not taken.
    """

    terms: list[Term] = field(default_factory=list)
    there: int = 0
    left: list[Left] = field(default_factory=list)


@dataclass
class _Candidate:
    """A term that a file offers; `origin` names it where it is left out."""

    origin: str
    name: str
    aliases: list[Form] = field(default_factory=list)
    entity: str | None = None
    value: str | None = None
    definition: str = ""
    case_sensitive: bool = False
    language: str | None = None


def plan_import(
    files: Sequence[Path],
    vocabulary: Vocabulary,
    *,
    language: str = "en",
    entities: Collection[str] | None = None,
    entity: str | None = None,
    project: TrainingData | None = None,
) -> Import:
    """Decide what to take from files; nothing is written.

    Args:
        files: NLU files of Rasa's, CSV files and lists.
        vocabulary: what is there already.
        language: the language of terms that name none.
        entities: the types of the domain; None where they are not known.
        entity: the type of every term taken, in place of what the files say.
        project: training data whose marks decide which entity a synonym has.

    Raises:
        VocabularyError: a file cannot be read.
        ProjectError: a file is of a kind that cannot be imported.
    """
    plan = Import()
    data = TrainingData()
    listed: list[_Candidate] = []
    for path in files:
        if path.suffix.lower() in YAML_SUFFIXES and not _is_vocabulary(path):
            read = read_nlu(path)
            _leave_what_is_no_list(path, read, plan)
            data += read
        else:
            listed += _from_list(path, language, entities)
    marks = _marks(data.messages + (project.messages if project else ()))
    candidates = _from_synonyms(data.listings, marks, entities, entity is not None, plan)
    candidates += _from_lookups(data.listings, entities, entity is not None, plan)
    candidates += listed
    for candidate in candidates:
        candidate.entity = entity or candidate.entity
    _Taking(vocabulary, plan, language, entities).take(candidates)
    return plan


class _Taking:
    """The forms that are taken, and the decision about each candidate."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        plan: Import,
        language: str,
        entities: Collection[str] | None,
    ) -> None:
        self.plan = plan
        self.language = language
        self.entities = None if entities is None else frozenset(entities)
        self.holders: dict[tuple[str, str], Term] = {}
        for term in vocabulary.terms:
            self._hold(term)

    def take(self, candidates: Iterable[_Candidate]) -> None:
        """Sort the candidates into new terms, those that are there, and what is left."""
        for candidate in candidates:
            language = (candidate.language or self.language).lower()
            holder = self.holders.get((language, key_of(candidate.name)))
            if holder is None:
                self._add(candidate, language)
            elif key_of(holder.name) == key_of(candidate.name):
                self._compare(candidate, holder, language)
            elif candidate.aliases:
                why = f"its name is an alias of '{holder.name}'{_at(holder)}"
                self.plan.left.append(Left(candidate.origin, why))
            else:
                self.plan.there += 1

    def _hold(self, term: Term) -> None:
        for form in term.forms:
            self.holders.setdefault((term.language, key_of(form.text)), term)

    def _add(self, candidate: _Candidate, language: str) -> None:
        free: dict[str, Form] = {}
        name = key_of(candidate.name)
        for form in candidate.aliases:
            key = key_of(form.text)
            holder = self.holders.get((language, key))
            if holder is not None:
                self._leave_alias(candidate, form, holder)
            elif key and key != name:
                free.setdefault(key, form)
        reading = Reading(Path(), self.language, self.entities)
        term = term_of(
            Entry(
                line=0,
                name=candidate.name,
                aliases=[(form.text, 0, form.case_sensitive) for form in free.values()],
                entity=candidate.entity,
                value=candidate.value,
                definition=candidate.definition,
                case_sensitive=candidate.case_sensitive,
                language=candidate.language,
            ),
            reading,
        )
        if term is None:
            why = " ".join(f"{error.found} {error.remedy}" for error in reading.problems)
            self.plan.left.append(Left(candidate.origin, why.rstrip(".")))
            return
        self.plan.terms.append(term)
        self._hold(term)

    def _compare(self, candidate: _Candidate, holder: Term, language: str) -> None:
        """Find what a term that is there lacks; its entry belongs to people."""
        missing = []
        for form in candidate.aliases:
            other = self.holders.get((language, key_of(form.text)))
            if other is None:
                missing.append(form.text)
            elif other is not holder:
                self._leave_alias(candidate, form, other)
        self.plan.there += 1
        if missing:
            why = f"'{holder.name}'{_at(holder)} is there; add by hand what you want of these"
            self.plan.left.append(Left(f"aliases {', '.join(missing)}", why))

    def _leave_alias(self, candidate: _Candidate, form: Form, holder: Term) -> None:
        why = f"it is a form of '{holder.name}'{_at(holder)} already"
        self.plan.left.append(Left(f"alias '{form.text}' of '{candidate.name}'", why))


def _at(term: Term) -> str:
    return f" ({term.place})" if term.line else " (just taken)"


def _is_vocabulary(path: Path) -> bool:
    """Say whether a YAML file is a vocabulary itself, of another project say."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.startswith("vocabulary:") for line in lines)


def _from_list(path: Path, language: str, entities: Collection[str] | None) -> list[_Candidate]:
    if not is_readable(path):
        raise ProjectError(
            "Files of this kind cannot be imported.",
            "Give an NLU file in YAML, a CSV file, or a list that ends in .txt.",
            file=path,
        )
    terms, problems = read_file(path, language, entities)
    if problems:
        raise VocabularyError(problems)
    return [
        _Candidate(
            origin=f"'{term.name}' ({term.place})",
            name=term.name,
            aliases=list(term.aliases),
            entity=term.entity,
            value=term.value,
            definition=term.definition,
            case_sensitive=term.case_sensitive,
            language=term.language,
        )
        for term in terms
    ]


def _leave_what_is_no_list(path: Path, data: TrainingData, plan: Import) -> None:
    if data.messages:
        what = f"{len(data.messages)} training examples of {path}"
        plan.left.append(Left(what, "they are messages, not terms; they stay there"))
    for listing in data.listings:
        if listing.kind == "regex":
            what = f"regex '{listing.name}' ({listing.place})"
            plan.left.append(Left(what, "not a term: keep it in data/nlu"))


def _marks(messages: Iterable[Message]) -> dict[str, set[str]]:
    """Give the entities that each stretch of text is marked with."""
    found: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        for start, end, entity in message.marked:
            found[key_of(message.text[start:end])].add(entity)
    return found


def _from_synonyms(
    listings: Iterable[Listing],
    marks: dict[str, set[str]],
    entities: Collection[str] | None,
    is_given: bool,
    plan: Import,
) -> list[_Candidate]:
    """Make one candidate a synonym; several of one name are one, as Rasa has it."""
    found: dict[str, _Candidate] = {}
    for listing in listings:
        if listing.kind != "synonym":
            continue
        origin = f"synonym '{listing.name}' ({listing.place})"
        candidate = found.setdefault(key_of(listing.name), _Candidate(origin, listing.name))
        candidate.aliases += [Form(text, False) for text in listing.texts]
    for candidate in found.values():
        texts = [candidate.name, *(form.text for form in candidate.aliases)]
        kinds = set().union(*(marks.get(key_of(text), set()) for text in texts))
        if len(kinds) == 1 and (entities is None or kinds <= set(entities)):
            candidate.entity = kinds.pop()
        elif not is_given:
            marked = f"marked as {' and '.join(sorted(kinds))}" if kinds else "nowhere marked"
            why = f"its words are {marked} in the training data; give one with --entity"
            plan.left.append(Left(f"the entity of {candidate.origin}", why))
    return list(found.values())


def _from_lookups(
    listings: Iterable[Listing],
    entities: Collection[str] | None,
    is_given: bool,
    plan: Import,
) -> list[_Candidate]:
    found = []
    for listing in listings:
        if listing.kind != "lookup":
            continue
        is_entity = entities is None or listing.name in entities
        if not is_entity and not is_given:
            what = f"the entity of lookup '{listing.name}' ({listing.place})"
            plan.left.append(Left(what, "the domain has none of this name; give one with --entity"))
        entity = listing.name if is_entity else None
        found += [
            _Candidate(
                f"'{text}' of lookup '{listing.name}' ({listing.place})", text, entity=entity
            )  # fmt: skip
            for text in listing.texts
        ]
    return found
