"""What an export writes, decided from what is known, without touching a file.

The order of the checks is the order of importance: does it fit the domain, is it of one mind with
the rest, does it keep test and training apart. What does not pass is quarantined with the reason.
What the store no longer holds stays in `provenance.jsonl` also then, with no file, until it passes.
"""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.feedback.accepted import Accepted, turn_of
from bot.feedback.export import HELD_OUT, STORIES, TRAINING
from bot.feedback.export_checks import Checks
from bot.feedback.leakage import Place, guard_of, texts_of
from bot.feedback.project import TrainingExample
from bot.feedback.provenance import NLU, RELABELLED, Origin
from bot.feedback.quarantine import Quarantined, of
from bot.feedback.relabel import Relabelling
from bot.feedback.split import Split

Key = tuple[str, str]
_REVIEW = "Decide on the review page which is right, or mend the other one."


@dataclass
class Known:
    """What lies on the disk.

    Attributes:
        earlier: the origins of both folders.
        examples: the training data that people wrote.
        trained: all else that is trained on: what users say in stories.
        tests: what tests the assistant, apart from `tests/held_out/`.
    """

    earlier: Mapping[Path, Sequence[Origin]]
    examples: Sequence[TrainingExample]
    trained: Iterable[tuple[str, Place]] = ()
    tests: Iterable[tuple[str, Place]] = ()

    def written(self, folder: Path) -> set[Key]:
        """Give what an earlier export wrote into a folder."""
        return {origin.key for origin in self.earlier[folder] if origin.file}


@dataclass
class Plan:
    """What an export comes to.

    Attributes:
        origins: what belongs into each folder.
        quarantined: what is not written, and why.
        already: messages that the training data hold as they are.
        taken_back: keys of what was exported and is no longer accepted.
        leaks: messages that people wrote into the training data although they are held out.
    """

    origins: dict[Path, list[Origin]] = field(default_factory=lambda: {TRAINING: [], HELD_OUT: []})
    quarantined: list[Quarantined] = field(default_factory=list)
    already: int = 0
    taken_back: set[Key] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)


class Planner:
    """Decides about each origin once."""

    def __init__(
        self,
        known: Known,
        accepted: Accepted,
        relabelling: Relabelling,
        checks: Checks,
        share: float,
    ) -> None:
        self._known, self._accepted = known, accepted
        self._relabelling, self._checks = relabelling, checks
        tested = [made.origin.sender for made in accepted.corrections if made.is_test]
        trained = {origin.sender for origin in known.earlier[TRAINING]}
        held_out = {origin.sender for origin in known.earlier[HELD_OUT]}
        self._split = Split(share, trained, held_out | ({*tested} - trained))
        self._plan = Plan()
        self._lasting: dict[Key, Origin] = {}

    def plan(self) -> Plan:
        """Decide what is written."""
        self._plan.quarantined += self._relabelling.quarantined
        lasting = self._earlier()
        self._lasting = {origin.key: origin for origin in lasting + self._relabelling.origins}
        examples = {origin.key: origin for origin in lasting if not origin.steps}
        examples |= {origin.key: origin for origin in self._accepted.examples}
        examples |= {origin.key: origin for origin in self._relabelling.origins}
        sides: dict[bool, list[Origin]] = {True: [], False: []}
        for origin in examples.values():
            if self._passes(origin, self._checks.example(origin)):
                sides[self._is_held_out(origin)].append(origin)
        stories = self._stories(lasting)
        base = self._base()
        training = self._of_one_mind(self._not_there_yet(sides[False], base), base)
        held_out = self._of_one_mind(sides[True], {})
        self._keep_apart(training, held_out, stories)
        self._keep_lasting()
        return self._plan

    def _earlier(self) -> list[Origin]:
        """Give what earlier exports wrote and the store no longer holds."""
        lasting: dict[Key, Origin] = {}
        for folder in (TRAINING, HELD_OUT):
            for origin in self._known.earlier[folder]:
                if origin.turn.startswith(RELABELLED):
                    continue
                gone = self._accepted.forgotten.get(origin.sender, -1.0)
                if turn_of(origin) in self._accepted.known or (origin.time or 0.0) <= gone:
                    self._plan.taken_back.add(origin.key)
                else:
                    file = STORIES[folder] if origin.steps else NLU
                    lasting[origin.key] = replace(origin, file=file)
        self._plan.taken_back -= {origin.key for origin in self._accepted.examples}
        self._plan.taken_back -= {made.origin.key for made in self._accepted.corrections}
        return list(lasting.values())

    def _is_held_out(self, origin: Origin) -> bool:
        return bool(origin.sender) and self._split.is_held_out(origin.sender)

    def _passes(self, origin: Origin, problem: Quarantined | None) -> bool:
        if problem is not None:
            self._plan.quarantined.append(problem)
            self._relabelling.keep_line(origin.turn)
        return problem is None

    def _stories(self, lasting: Iterable[Origin]) -> list[Origin]:
        """Give the stories that fit domain and split."""
        found = [(o, o.file == STORIES[HELD_OUT]) for o in lasting if o.steps]
        found += [(made.origin, made.is_test) for made in self._accepted.corrections]
        stories = []
        for origin, is_test in found:
            held_out = self._is_held_out(origin)
            problem = self._checks.story(origin, is_test=is_test)
            if problem is None and held_out != is_test:
                words = (
                    ("held out for tests", "a test story")
                    if held_out
                    else ("trained on", "a story")
                )
                reason = f"Its conversation is {words[0]}."
                problem = of(origin, "side", reason, f"Save it as {words[1]} instead.")
            if self._passes(origin, problem):
                folder = HELD_OUT if is_test else TRAINING
                stories.append(replace(origin, file=STORIES[folder]))
        return stories

    def _base(self) -> dict[str, TrainingExample]:
        """Give the examples that people wrote and that stay, by what they say."""
        base: dict[str, TrainingExample] = {}
        for example in self._known.examples:
            if example.line not in self._relabelling.lines.get(example.file, {}):
                base.setdefault(example.text, example)
                base.setdefault(_loose(example.text), example)
        return base

    def _not_there_yet(
        self, origins: Iterable[Origin], base: Mapping[str, TrainingExample]
    ) -> list[Origin]:
        """Leave out what people have written already, with the same label and entities."""
        found = []
        for origin in origins:
            same = base.get(origin.text)
            if same is None or same.text != origin.text or same.label != origin.label:
                found.append(origin)
            elif _places(origin) == _places_of(same):
                self._plan.already += 1
            else:
                reason = f"{same.file}:{same.line} has it with other entities."
                self._plan.quarantined.append(of(origin, "conflict", reason, _REVIEW))
        return found

    def _of_one_mind(
        self, origins: Sequence[Origin], base: Mapping[str, TrainingExample]
    ) -> list[Origin]:
        """Leave out what is labelled otherwise elsewhere, all of it: nobody knows what is right."""
        labels: dict[str, dict[str, Origin]] = defaultdict(dict)
        entities: dict[str, dict[str, Origin]] = defaultdict(dict)
        for origin in origins:
            labels[_loose(origin.text)].setdefault(origin.label or "", origin)
            entities[origin.text].setdefault(_places(origin), origin)
        found = []
        for origin in origins:
            written = base.get(_loose(origin.text))
            others = {**labels[_loose(origin.text)]}
            others.pop(origin.label or "", None)
            if written is not None and written.label != origin.label:
                reason = f"{written.file}:{written.line} has it as {written.label}."
            elif others:
                other = next(iter(others.values()))
                reason = (
                    f"{other.reviewer or 'Somebody'} has labelled {other.text!r} as {other.label}."
                )
            elif len(entities[origin.text]) > 1:
                reason = "The same message was annotated with other entities."
            else:
                found.append(origin)
                continue
            self._plan.quarantined.append(of(origin, "conflict", reason, _REVIEW))
        return found

    def _keep_apart(
        self, training: list[Origin], held_out: list[Origin], stories: list[Origin]
    ) -> None:
        """Keep what tests and what is trained on apart; see `bot.feedback.leakage`."""
        wrote, kept = self._known.written(HELD_OUT), self._known.written(TRAINING)
        tests = [story for story in stories if story.file == STORIES[HELD_OUT]]
        guard = guard_of(self._known.tests, [o for o in held_out + tests if o.key in wrote])
        staying = [o for o in training if o.key in kept and not guard.near(o.text, o.masked)]
        trained = guard_of(self._known.trained, staying)
        gone = self._relabelling.lines
        for example in self._known.examples:
            if example.line not in gone.get(example.file, {}):
                trained.add(example.text, Place(example.file, example.line))
        for origin in held_out + tests:
            near = trained.near(*texts_of(origin))
            if near is not None and origin.key not in wrote:
                reason = f"{near[1]} has {near[0]!r}, which is trained on."
                self._quarantine(origin, "trained", reason, "Nothing: it would test no more.")
                continue
            if near is not None and not near[1].turn:
                self._plan.leaks.append(f"{near[1]}: {near[0]!r}")
            if origin.key not in wrote:
                guard.add_origin(origin)
            self._plan.origins[HELD_OUT].append(origin)
        for origin in training:
            if near := guard.near(origin.text, origin.masked):
                reason = f"{near[1]} has {near[0]!r}, which is kept for tests."
                self._quarantine(origin, "held_out", reason, "Nothing: it must not be trained on.")
            else:
                self._plan.origins[TRAINING].append(origin)
        self._plan.origins[TRAINING] += [o for o in stories if o.file == STORIES[TRAINING]]

    def _quarantine(self, origin: Origin, code: str, reason: str, remedy: str) -> None:
        self._plan.quarantined.append(of(origin, code, reason, remedy))

    def _keep_lasting(self) -> None:
        """Keep in `provenance.jsonl` what is nowhere else and could not be written now."""
        written = {origin.key for origins in self._plan.origins.values() for origin in origins}
        for key, origin in self._lasting.items():
            if key not in written and origin.turn not in self._relabelling.undone:
                folder = HELD_OUT if self._is_held_out(origin) else TRAINING
                self._plan.origins[folder].append(replace(origin, file=""))


def _loose(text: str) -> str:
    """Give what two messages share that differ in case and punctuation alone."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (c if unicodedata.category(c)[0] in "LNM" else " " for c in folded if c not in "'’")
    return " ".join("".join(kept).split()) or text


def _places(origin: Origin) -> str:
    keys = ("start", "end", "entity", "role", "group")
    return json.dumps(
        sorted([str(item.get(key) or "") for key in keys] for item in origin.entities)
    )


def _places_of(example: TrainingExample) -> str:
    spans = ((x.start, x.end, x.entity, x.role, x.group) for x in example.spans)
    return json.dumps(sorted([str(part or "") for part in span] for span in spans))
