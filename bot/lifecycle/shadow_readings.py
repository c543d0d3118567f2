"""What two models make of one logged message, and in words how they differ."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from bot.errors import ProjectError
from bot.evaluation.comparing import differing
from bot.evaluation.predictions import Fallback, Prediction, interpret
from bot.feedback.scores import Unmasked
from bot.feedback.scoring import Scorer
from bot.feedback.shadow import Compared
from bot.lifecycle.card_facts import ENDING
from bot.lifecycle.evaluate import fallback_of
from bot.lifecycle.scorer import load_scorer, metadata_of
from bot.types import Span

DEED, INTENT, ENTITIES = 1.0, 0.5, 0.6  # how much a reviewer should look: what the bot does counts
_WARM_UP = "is anybody there"  # the first call pays for lazily loaded code
_REMEMBERED = 100_000  # texts; people say the same again and again
_SHOWN = 3  # entities of a message


class Reader:
    """A model that reads logged messages as the bot would.

    Attributes:
        name: of its archive.
        scorer: the model.
        seconds: how long each text took that it has read.
    """

    def __init__(self, name: str, scorer: Scorer, fallback: Fallback | None) -> None:
        self.name = name
        self.scorer = scorer
        self.seconds: list[float] = []
        self._rule = fallback or Fallback()
        scorer.parse(_WARM_UP)

    def read(self, text: str) -> Prediction:
        """Give what the bot would do about a text."""
        began = time.perf_counter()
        parse = self.scorer.parse(text)
        self.seconds.append(time.perf_counter() - began)
        return interpret(parse, self._rule, None)


def load_reader(archive: Path) -> Reader:
    """Load a model that was verified.

    Raises:
        BotError: it cannot be used.
    """
    scorer = load_scorer(archive)
    if scorer is None:  # never, where an archive is named; for the type
        raise ProjectError("There is no model.", "Train one with 'bot train'.")
    rule = fallback_of(metadata_of(archive))
    return Reader(archive.name.removesuffix(ENDING), scorer, rule)


class Comparer:
    """Asks two models about masked texts, each text once."""

    def __init__(self, candidate: Reader, live: Reader) -> None:
        self.candidate = candidate
        self.live = live
        self._known: OrderedDict[str, Compared] = OrderedDict()

    def compare(self, text: str) -> Compared:
        """Give what the two make of a text of the feedback store."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._compare(text)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _compare(self, text: str) -> Compared:
        plain = Unmasked(text)
        if len(self.live.seconds) % 2:  # in turns, so that neither is always the second to read
            new, old = self.candidate.read(plain.text), self.live.read(plain.text)
        else:
            old, new = self.live.read(plain.text), self.candidate.read(plain.text)
        what = differing(new, old)
        entities = "entities" in what
        return Compared(
            old.label,
            new.label,
            old.fallback,
            new.fallback,
            entities,
            score_of(new, old, entities),
            self._words(new, old, text, plain) if what else "",
        )

    def _words(self, new: Prediction, old: Prediction, text: str, plain: Unmasked) -> str:
        name, what = self.candidate.name, differing(new, old)
        if what == ("entities",):
            found, known = (_entities(one.spans, text, plain) for one in (new, old))
            return f"The candidate {name} finds {found}, the live model {known}."
        more = " They also find other entities." if "entities" in what else ""
        if new.fallback and old.fallback:
            likeliest = f"the candidate {name} leans to {new.label or 'nothing'}, the live model "
            return f"Both ask again; {likeliest}to {old.label or 'nothing'}.{more}"
        return f"The candidate {name} {_deed(new)}, the live model {_deed(old)}.{more}"


def score_of(new: Prediction, old: Prediction, entities_differ: bool) -> float:
    """Give how much a reviewer should look at what two models make of a message."""
    if new.fallback != old.fallback or (new.label != old.label and not new.fallback):
        return DEED
    return max(ENTITIES * entities_differ, INTENT * (new.label != old.label))


def _deed(prediction: Prediction) -> str:
    return "asks again" if prediction.fallback else f"says {prediction.label or 'nothing'}"


def _entities(spans: Sequence[Span], text: str, plain: Unmasked) -> str:
    """Name entities with their words, those of the stored text: masks stay masks."""
    if not spans:
        return "no entity"
    told = []
    for span in sorted(spans, key=lambda span: span.start)[:_SHOWN]:
        start, end = plain.masked(span)
        part = f" ({span.role or span.group})" if span.role or span.group else ""
        told.append(f"{span.entity}{part} “{text[start:end]}”")
    more = f" and {len(spans) - _SHOWN} more" if len(spans) > _SHOWN else ""
    return ", ".join(told) + more
