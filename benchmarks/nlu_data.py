"""The public data sets of intents and entities, from their raw files to Rasa's training data.

Where they come from is said in docs/benchmarks.md. Every reader gives what it is told to: the
published training part or one of the published few-shot lists, and the published test part.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.few_shot import few_shot
from bot.types import Example, Span

OUTSIDE = "oos"  # the label of CLINC150's messages that none of its intents is for
FULL = "full"
_MARKED = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<entity>[^)]+)\)")
_LISTS = {"banking77": "BANKING77", "clinc150": "CLINC150", "hwu64": "HWU64"}


@dataclass(frozen=True)
class Split:
    """What is learned from, and what is asked; `outside` is asked too and has no right intent."""

    train: list[Example]
    test: list[Example]
    outside: tuple[Example, ...] = ()


def load(name: str, shots: str, data: Path) -> Split:
    """Read a data set.

    Args:
        name: one of `SETS`.
        shots: `5` or `10` examples an intent where such lists were published, or `full`.
        data: the folder of all sets.
    """
    return SETS[name](data, shots)


def shots_of(name: str) -> tuple[str, ...]:
    """Give the sizes of training data that were published for a set."""
    return ("5", "10", FULL) if name in _LISTS else (FULL,)


def _banking77(data: Path, shots: str) -> Split:
    if shots != FULL:
        return _listed(data, "banking77", shots)
    folder = data / "banking77"
    return Split(_table(folder / "train.csv"), _table(folder / "test.csv"))


def _table(path: Path) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Example(row["text"].strip(), row["category"]) for row in csv.DictReader(file)]


def _clinc150(data: Path, shots: str, *, outside_is_learned: bool = False) -> Split:
    content = json.loads((data / "clinc150" / "data_full.json").read_text("utf-8"))

    def part(*names: str) -> list[Example]:
        return [Example(text, label) for name in names for text, label in content[name]]

    if shots != FULL:
        listed = _listed(data, "clinc150", shots)
        return Split(listed.train, listed.test, tuple(part("oos_test")))
    learned = part("train", "oos_train") if outside_is_learned else part("train")
    return Split(learned, part("test"), tuple(part("oos_test")))


def _clinc150_outside(data: Path, shots: str) -> Split:
    return _clinc150(data, shots, outside_is_learned=True)


def _hwu64(data: Path, shots: str) -> Split:
    return _listed(data, "hwu64", shots)


def _listed(data: Path, name: str, shots: str) -> Split:
    folder = data / "few_shot" / _LISTS[name]
    return Split(
        few_shot(folder / ("train" if shots == FULL else f"train_{shots}")),
        few_shot(folder / "test"),
    )


def _bio(name: str) -> Callable[[Path, str], Split]:
    def read(data: Path, shots: str) -> Split:
        return Split(_tagged(data / name / "train"), _tagged(data / name / "test"))

    return read


def _tagged(folder: Path) -> list[Example]:
    lines = [(folder / file).read_text("utf-8").splitlines() for file in ("seq.in", "seq.out")]
    labels = (folder / "label").read_text("utf-8").splitlines()
    return [
        from_bio(words.split(), tags.split(), label.strip())
        for words, tags, label in zip(*lines, labels, strict=True)
    ]


def from_bio(words: Sequence[str], tags: Sequence[str], intent: str) -> Example:
    """Join words by single spaces and read their tags: `B-city I-city O`.

    An `I` that follows no `B` or `I` of its type begins a span, as in the CoNLL evaluation.
    """
    spans: list[Span] = []
    place, before = 0, "O"
    for word, tag in zip(words, tags, strict=True):
        end = place + len(word)
        kind = tag[2:]
        if tag.startswith("I-") and before[2:] == kind and before != "O":
            spans[-1] = Span(spans[-1].start, end, kind)
        elif tag != "O":
            spans.append(Span(place, end, kind))
        place, before = end + 1, tag
    return Example(" ".join(words), intent, tuple(spans))


def _fold(number: int) -> Callable[[Path, str], Split]:
    def read(data: Path, shots: str) -> Split:
        folder = data / "hwu64_nlu_eval" / f"KFold_{number}"
        return Split(_marked(folder / "train.md"), _marked(folder / "test.md"))

    return read


def _marked(path: Path) -> list[Example]:
    found, intent = [], ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind, _, intent = line[3:].partition(":")
            intent = intent.strip() if kind.strip() == "intent" else ""
        elif line.startswith("- ") and intent:
            found.append(from_marked(line[2:].strip(), intent))
    return found


def from_marked(line: str, intent: str) -> Example:
    """Read a message with its entities: `wake me at [four am](time)`."""
    text, spans, last = "", [], 0
    for match in _MARKED.finditer(line):
        text += line[last : match.start()]
        spans.append(Span(len(text), len(text) + len(match["text"]), match["entity"].split(":")[0]))
        text += match["text"]
        last = match.end()
    return Example(text + line[last:], intent, tuple(spans))


def as_rasa(examples: Sequence[Example]) -> dict[str, Any]:
    """Give examples in Rasa's JSON format, whose texts need no escaping."""
    return {
        "rasa_nlu_data": {
            "common_examples": [
                {
                    "text": example.text,
                    "intent": example.intent,
                    "entities": [
                        {
                            "start": span.start,
                            "end": span.end,
                            "value": example.text[span.start : span.end],
                            "entity": span.entity,
                        }
                        for span in example.spans
                    ],
                }
                for example in examples
            ]
        }
    }


SETS: dict[str, Callable[[Path, str], Split]] = {
    "banking77": _banking77,
    "clinc150": _clinc150,
    "clinc150-oos": _clinc150_outside,
    "hwu64": _hwu64,
    "snips": _bio("snips"),
    "atis": _bio("atis"),
    "hwu64-fold1": _fold(1),
    "hwu64-fold2": _fold(2),
}
