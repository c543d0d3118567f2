"""Find words in a log that the vocabulary should have, with a guess at what each means.

A word or phrase is suggested for one or more of these reasons:

`unknown`
    No training example, no form of the vocabulary and no dictionary of the language has it, and
    the speller knows nothing better.
`phrase`
    Two or three words that belong together, at least one of which no training example has. They
    belong together where the rarest of them stands in the phrase at least every second time, and
    their normalised pointwise mutual information is at least 0.6 (Bouma, "Normalized (pointwise)
    mutual information in collocation extraction", GSCL 2009).
`misunderstood`
    Messages with it are misunderstood more often than others, beyond chance: by Chernoff's bound,
    so many of as many random messages would be so with a probability of less than 1 % for any word
    of the log.
`shattered`
    The encoder's tokenizer cuts it into three pieces or more.
`slip`
    The speller corrects it, but it is too frequent for a slip of the finger.

The score is `log2(1 + conversations) * (1 + share of misunderstood messages) * weight`, where the
weights of the reasons add up: 1 for `unknown`, `phrase` and `misunderstood`, 0.5 for `shattered`,
0.25 for `slip`. Of the same score, the word that comes first in the alphabet comes first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.vocabulary.alias_guesses import Guess
from bot.vocabulary.log_counts import Counts, Logged, Reader, Tally, count, tally
from bot.vocabulary.taught import Taught

LEAST = 3  # conversations that a word must stand in
WEIGHTS = {"unknown": 1.0, "phrase": 1.0, "misunderstood": 1.0, "shattered": 0.5, "slip": 0.25}
FEWEST_PIECES = 3
_BOUND = 0.5  # share of its rarest word's conversations that a phrase needs
_NPMI = 0.6
_WHOLE = 0.8  # of a word's conversations: then it is suggested as part of the phrase alone
_CHANCE = 0.01  # that any word of the log seems to be misunderstood and is not
_OFTEN = 3  # times as many conversations as asked for: no slip of a few people
_SLIP_SHARE = 0.1  # of the conversations with the right word
_MAJORITY = 0.5

Pieces = Callable[[str], int]
Reasons = dict[str, str]  # a key of WEIGHTS, and the reason in words


@dataclass(frozen=True)
class Suggestion:
    """A word or phrase, and why it should become a term.

    Attributes:
        key: what its spellings share; see `key_of`.
        word: as most people typed it.
        count: messages that it stands in.
        conversations: conversations that it stands in.
        contexts: up to three messages, each of another conversation.
        places: the ids of up to ten such messages.
        reasons: keys of `WEIGHTS`.
        why: the reasons in words.
        alias_of: the term that it may be another name of.
        alias_why: why that term.
        entity: what reviewers marked it as.
        score: see the module.
    """

    key: str
    word: str
    count: int
    conversations: int
    contexts: tuple[str, ...]
    places: tuple[int, ...]
    reasons: tuple[str, ...]
    why: str
    alias_of: str | None
    alias_why: str | None
    entity: str | None
    score: float


def suggest(
    messages: Iterable[Logged],
    taught: Taught,
    *,
    least: int = LEAST,
    top: int | None = None,
    pieces: Pieces | None = None,
) -> list[Suggestion]:
    """Give the words that the vocabulary should have, best first.

    The time grows with the number of messages, the memory with that of different words.

    Args:
        messages: is gone through twice; those of a conversation one after the other.
        taught: what training data and vocabulary have.
        least: conversations that a word must stand in.
        top: how many at most; all where it is left out.
        pieces: gives into how many pieces the encoder's tokenizer cuts a word.
    """
    reader = Reader(taught.tokenize, taught.may_be_phrase)
    counts = count(messages, reader)
    judge = _Judge(taught, counts, least, pieces)
    found = {
        one: entry
        for one, entry in tally(messages, reader, judge.is_worth_counting).items()
        if entry.conversations >= least
    }
    reasons = {one: judge.of_word(one, entry) for one, entry in found.items() if " " not in one}
    for phrase in judge.phrases(found):
        reasons[phrase] = judge.of_phrase(found[phrase])
        for word in phrase.split(" "):
            entry = found.get(word)
            if entry and found[phrase].conversations >= _WHOLE * entry.conversations:
                reasons.pop(word, None)
    made = [judge.suggestion(one, found[one], why) for one, why in reasons.items() if why]
    return sorted(made, key=lambda one: (-one.score, one.key))[:top]


class _Judge:
    """Decides which words are worth a person's time."""

    def __init__(self, taught: Taught, counts: Counts, least: int, pieces: Pieces | None) -> None:
        self._taught = taught
        self._counts = counts
        self._least = least
        self._pieces = pieces
        self._speller = taught.speller(counts.words)
        self._total = sum(counts.words.values()) or 1
        self._tested = sum(number >= least for number in counts.spread.values()) or 1

    def is_worth_counting(self, one: str) -> bool:
        """Say of a word or phrase whether it may be frequent enough, and new."""
        if " " in one:
            return self._counts.may_be(one, self._least)
        taught = self._taught
        return (
            self._counts.spread[one] >= self._least
            and not taught.is_small(one)
            and not taught.is_of_terms(one)
        )

    def of_word(self, word: str, entry: Tally) -> Reasons:
        """Give the reasons for a word; none where it needs no term."""
        found: Reasons = {}
        if not self._taught.is_right(word):
            if self._taught.is_value(word):
                return {}
            right = self._correction(word)
            if right is None:
                found["unknown"] = "no training example and no dictionary has it"
            elif self._is_no_slip(right, entry):
                found["slip"] = f"the speller reads {right}, but so many people write it that it "
                found["slip"] += "may be a name of its own, or an alias"
            else:
                return {}
        found |= self._misunderstood(entry)
        return found | (self._shattered(word) if "slip" not in found else {})

    def of_phrase(self, entry: Tally) -> Reasons:
        """Give the reasons for a phrase."""
        told = "these words go together, and no training example has them all"
        return {"phrase": told, **self._misunderstood(entry)}

    def phrases(self, found: dict[str, Tally]) -> list[str]:
        """Give the phrases whose words belong together, without those that are part of a longer."""
        bound = [
            one for one, entry in sorted(found.items()) if " " in one and self._is_bound(one, entry)
        ]
        longest: dict[str, int] = {}  # conversations of the longer phrases by their parts
        for phrase in bound:
            first, *middle, last = phrase.split(" ")
            for part in (" ".join((first, *middle)), " ".join((*middle, last))):
                longest[part] = max(longest.get(part, 0), found[phrase].conversations)
        return [one for one in bound if longest.get(one, 0) < _WHOLE * found[one].conversations]

    def suggestion(self, one: str, entry: Tally, reasons: Reasons) -> Suggestion:
        """Put together what is told of a word."""
        share = entry.misunderstood / entry.messages
        weight = sum(WEIGHTS[reason] for reason in reasons)
        guess = self._guess(one, entry)
        entities: Counter[str] = Counter()
        for (entity, _), number in entry.marks.items():
            entities[entity] += number
        return Suggestion(
            key=one,
            word=_commonest(entry.typed) or one,
            count=entry.messages,
            conversations=entry.conversations,
            contexts=tuple(entry.contexts),
            places=tuple(entry.places),
            reasons=tuple(reasons),
            why=_sentence([*reasons.values(), *self._labelled(entry)]),
            alias_of=guess.term if guess else None,
            alias_why=guess.why if guess else None,
            entity=_commonest(entities),
            score=round(math.log2(1 + entry.conversations) * (1 + share) * weight, 4),
        )

    def _correction(self, word: str) -> str | None:
        edits = self._speller.correct(word, [(0, len(word))])
        return edits[0].replacement if edits else None

    def _is_no_slip(self, right: str, entry: Tally) -> bool:
        usual = min(self._counts.spread[word] for word in right.split(" "))
        often = entry.conversations >= _OFTEN * self._least
        return often and entry.conversations >= _SLIP_SHARE * usual

    def _misunderstood(self, entry: Tally) -> Reasons:
        """Compare with all messages, by the Kullback-Leibler divergence of the two shares."""
        counts = self._counts
        share, usual = entry.misunderstood / entry.messages, counts.misunderstood / counts.messages
        if not usual < share or entry.misunderstood_in < self._least:
            return {}
        divergence = share * math.log(share / usual)
        if share < 1:
            divergence += (1 - share) * math.log((1 - share) / (1 - usual))
        if entry.messages * divergence < math.log(self._tested / _CHANCE):
            return {}
        told = f"{share:.0%} of its messages are misunderstood, of all messages {usual:.0%}"
        return {"misunderstood": told}

    def _shattered(self, word: str) -> Reasons:
        pieces = self._pieces(word) if self._pieces else 0
        if pieces < FEWEST_PIECES:
            return {}
        return {"shattered": f"the encoder reads it in {pieces} pieces"}

    def _is_bound(self, phrase: str, entry: Tally) -> bool:
        words = phrase.split(" ")
        if any(self._taught.is_value(word) or self._correction(word) for word in words):
            return False
        rarest = min(self._counts.spread[word] for word in words)
        if entry.conversations < _BOUND * rarest:
            return False
        own = entry.messages / self._total
        chance = math.prod(self._counts.words[word] / self._total for word in words)
        most = (len(words) - 1) * -math.log(own) if own < 1 else 0.0
        return most > 0 and math.log(own / chance) >= _NPMI * most

    def _guess(self, one: str, entry: Tally) -> Guess | None:
        guesser = self._taught.guesser
        if entry.marks:
            (entity, value), _ = max(entry.marks.items(), key=lambda found: (found[1], found[0]))
            if guess := guesser.marked(entity, value):
                return guess
        if self._taught.is_right(one):
            return None
        right = None if " " in one else self._correction(one)
        if right and (term := guesser.named(right)):
            return Guess(term, f"the speller reads {right}")
        return guesser.guess(one)

    def _labelled(self, entry: Tally) -> list[str]:
        label = _commonest(entry.labels)
        number, total = entry.labels[label or ""], sum(entry.labels.values())
        if label is None or number < _MAJORITY * total:
            return []
        return [f"reviewers say {label} in {number} of {total}"]


def _commonest(counts: Counter[str]) -> str | None:
    """Give what was counted most often; of equals the first in the alphabet."""
    return min(counts, key=lambda one: (-counts[one], one), default=None)


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
