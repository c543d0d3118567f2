"""What the vocabulary components bring: jargon, typos, and each of them switched off in turn.

The demo assistant is trained once for each row and seed with the options of config.yml, and
reads messages that hinge on words which no training example holds (`tests/jargon`), its own test
messages, and these with seeded typos. On BANKING77 and HWU64 one training reads the test messages
with and without the speller. Jobs are independent: each leaves one JSON file, and what is there is
not run again.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import yaml

from benchmarks.few_shot import few_shot
from benchmarks.typos import typo
from bot.evaluation.paired import mcnemar_two_sided
from bot.ml import checkpoint
from bot.ml.inference import JointPredictor
from bot.ml.metrics import span_f1, weighted_f1
from bot.ml.options import JointOptions
from bot.types import Example, Span, base_intent
from bot.vocabulary.loading import load_vocabulary
from bot.vocabulary.message_reader import MessageReader, ValueSettings
from bot.vocabulary.overlaps import resolve
from bot.vocabulary.reading import TermReader
from bot.vocabulary.spelling import Speller
from bot.vocabulary.spelling_words import count_words
from bot.vocabulary.tokenizing import WordTokenizer

RESULTS = Path("results/benchmarks/vocabulary")
SETS = {"banking77": "BANKING77", "hwu64": "HWU64"}
ROWS = {
    "all": ("spelling", "terms", "values"),
    "none": (),
    "without spelling": ("terms", "values"),
    "without terms": ("spelling", "values"),
    "without values": ("spelling", "terms"),
}


def build_reader(
    texts: Sequence[str], parts: Iterable[str], vocabulary: Path | None
) -> MessageReader:
    """Learn words from training texts and terms from a folder, for the components of a row."""
    known = load_vocabulary(vocabulary or Path("no folder"), "en")
    forms = sorted({form.text for term in known.terms for form in term.forms})
    tokenizer = WordTokenizer("en", forms)
    words = count_words(texts, tokenizer.tokenize)
    return MessageReader(
        tokenizer,
        Speller.build(words, forms) if "spelling" in parts else None,
        TermReader.build(known, "en", "VocabularyMatcher") if "terms" in parts else None,
        ValueSettings() if "values" in parts else None,
    )


@dataclass(frozen=True)
class Outcome:
    """What a model made of a list of messages."""

    right: list[bool]
    intent_f1: float
    entity_f1: float

    @property
    def accuracy(self) -> float:
        """Share of messages with the right label."""
        return mean(self.right)

    def as_dict(self) -> dict[str, Any]:
        """Give the numbers, and which messages were right, for paired tests."""
        return {
            "accuracy": self.accuracy,
            "intent_f1": self.intent_f1,
            "entity_f1": self.entity_f1,
            "right": "".join("1" if right else "0" for right in self.right),
        }


def run(data: Path, *, sets: Sequence[str], rows: Sequence[str], seeds: int, shots: str) -> None:
    """Run what is missing, then print the tables."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for seed in range(1, seeds + 1):
        if "demo" in sets:
            for row in rows:
                _once(f"demo-{row.replace(' ', '-')}-s{seed}", partial(_demo, row, seed))
        for name in sets:
            if name != "demo":
                _once(f"{name}-{shots}-s{seed}", partial(_public, data, name, shots, seed))
    print(demo_table(seeds))
    print(typo_table(sets, shots, seeds))


def _once(name: str, job: Callable[[], dict[str, Any]]) -> None:
    path = RESULTS / f"{name}.json"
    if path.is_file():
        return
    print(f"{name} ...", flush=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(job(), indent=1) + "\n", "utf-8")
    part.replace(path)


def _demo(row: str, seed: int) -> dict[str, Any]:
    examples = labelled(["data/nlu"])
    reader = build_reader([e.text for e in examples], ROWS[row], Path("data/vocabulary"))
    predictor, seconds = _train(_read_all(examples, reader), seed)
    tests = labelled(["tests/nlu"])
    found = {
        "jargon": _ask(predictor, reader, labelled(["tests/jargon"])),
        "tests": _ask(predictor, reader, tests),
    }
    for count in (1, 2):
        found[f"{count} typo"] = _ask(predictor, reader, with_typos(tests, count, seed))
    result: dict[str, Any] = {name: outcome.as_dict() for name, outcome in found.items()}
    result["ms"] = _milliseconds(reader, [e.text for e in tests])
    result["train_s"] = seconds
    return result


def _public(data: Path, name: str, shots: str, seed: int) -> dict[str, Any]:
    folder = data / "few_shot" / SETS[name]
    examples = few_shot(folder / ("train" if shots == "full" else f"train_{shots}"))
    tests = few_shot(folder / "test")
    predictor, seconds = _train(examples, seed)
    plain = build_reader([e.text for e in examples], (), None)
    speller = build_reader([e.text for e in examples], ("spelling",), None)
    result: dict[str, Any] = {"train_s": seconds}
    for count in (0, 1, 2):
        asked = with_typos(tests, count, seed)
        for way, reader in (("as typed", plain), ("corrected", speller)):
            result[f"{count} {way}"] = _ask(predictor, reader, asked).as_dict()
    return result


def labelled(folders: Sequence[str]) -> list[Example]:
    """Read the labelled messages of Rasa's files."""
    from rasa.shared.importers.utils import training_data_from_paths
    from rasa.shared.utils.io import list_files

    from bot.components.edge import examples_of

    paths = [path for folder in folders for path in list_files(folder) if path.endswith(".yml")]
    return [e for e in examples_of(training_data_from_paths(sorted(paths), "en")) if e.intent]


def with_typos(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Type each message with slips. Its entities are left out: only intents are asked for."""
    if not count:
        return list(examples)
    found = []
    for number, example in enumerate(examples):
        text = typo(example.text, random.Random(f"{seed} {number} {count}"), count=count)
        found.append(Example(text, example.intent))
    return found


def _options(seed: int) -> JointOptions:
    pipeline = yaml.safe_load(Path("config.yml").read_text("utf-8"))["pipeline"]
    given = next(step for step in pipeline if step["name"].endswith("JointFeaturizer"))
    options = {key: value for key, value in given.items() if key != "name"}
    return JointOptions.read({**options, "random_seed": seed}, "JointFeaturizer")


def _train(examples: Sequence[Example], seed: int) -> tuple[JointPredictor, float]:
    from bot.ml.training import train_joint

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        trained = train_joint(examples, _options(seed), Path(scratch) / "work")
        seconds = time.monotonic() - began
        checkpoint.save(trained, examples, Path(scratch) / "model")
        return checkpoint.load_predictor(Path(scratch) / "model"), seconds


def _read_all(examples: Sequence[Example], reader: MessageReader) -> list[Example]:
    return [replace(example, reading=reader.read(example.text)) for example in examples]


def _ask(predictor: JointPredictor, reader: MessageReader, asked: Sequence[Example]) -> Outcome:
    truth, found, spans = [], [], []
    for example in asked:
        reading = reader.read(example.text)
        parse = predictor.parse(example.text, reading)
        intent = base_intent(parse.ranking[0].name) if parse.ranking else ""
        # Of a retrieval intent the label in full: which question it is.
        of_it = [r.name for r in parse.responses if base_intent(r.name) == intent]
        found.append(of_it[0] if of_it else intent)
        truth.append(example.intent or "")
        spans.append([_bare(item.span) for item in resolve(parse.spans, reading.hits)])
    right = [a == b for a, b in zip(truth, found, strict=True)]
    gold = [[_bare(span) for span in example.spans] for example in asked]
    return Outcome(right, weighted_f1(truth, found), span_f1(gold, spans))


def _bare(span: Span) -> Span:
    return replace(span, confidence=1.0)


def _milliseconds(reader: MessageReader, texts: Sequence[str]) -> float:
    took = []
    for text in texts:
        began = time.perf_counter()
        reader.read(text)
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def demo_table(seeds: int) -> str:
    """Write the demo's rows as Markdown: means over seeds, and the paired test on jargon."""
    lines = [
        "| components | jargon: accuracy | intent F1 | entity F1 | own tests: accuracy "
        "| entity F1 | 1 typo | 2 typos | p50 ms | jargon against none |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    results = {row: _results(f"demo-{row.replace(' ', '-')}", seeds) for row in ROWS}
    for row, found in results.items():
        if not found:
            continue
        cells = [
            _mean(found, "jargon", "accuracy"),
            _mean(found, "jargon", "intent_f1"),
            _mean(found, "jargon", "entity_f1"),
            _mean(found, "tests", "accuracy"),
            _mean(found, "tests", "entity_f1"),
            _mean(found, "1 typo", "accuracy"),
            _mean(found, "2 typo", "accuracy"),
            f"{median(result['ms'] for result in found):.2f}",
            _compared(found, results["none"], "jargon") if row != "none" else "-",
        ]
        lines.append(f"| {row} ({len(found)}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def typo_table(sets: Sequence[str], shots: str, seeds: int) -> str:
    """Write what typos cost with and without the speller as Markdown."""
    lines = [
        "| set | clean | clean, corrected | 1 typo | corrected | loss left | 2 typos | corrected "
        "| loss left |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in sets:
        found = _results(f"{name}-{shots}", seeds)
        if name == "demo" or not found:
            continue
        score = {
            key: mean(result[key]["accuracy"] for result in found)
            for key in found[0]
            if key != "train_s"
        }
        clean = score["0 as typed"]
        cells = [f"{clean:.3f}", f"{score['0 corrected']:.3f}"]
        for count in (1, 2):
            typed, corrected = score[f"{count} as typed"], score[f"{count} corrected"]
            left = (clean - corrected) / max(1e-9, clean - typed)
            cells += [f"{typed:.3f}", f"{corrected:.3f}", f"{100 * left:.0f} %"]
        lines.append(f"| {name}, {shots} ({len(found)}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def _p_value(first: str, second: str) -> float:
    """Compare two models that read the same messages; each character says whether one was right."""
    won = sum(a > b for a, b in zip(first, second, strict=True))
    lost = sum(a < b for a, b in zip(first, second, strict=True))
    return mcnemar_two_sided(won, lost)


def _compared(found: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]], key: str) -> str:
    pairs = list(zip(found, other, strict=False))
    if not pairs:
        return "-"
    gain = mean(a[key]["accuracy"] - b[key]["accuracy"] for a, b in pairs)
    worst = max(_p_value(a[key]["right"], b[key]["right"]) for a, b in pairs)
    return f"{100 * gain:+.1f}, p {worst:.2g}"


def _mean(found: Sequence[dict[str, Any]], part: str, key: str) -> str:
    return f"{mean(result[part][key] for result in found):.3f}"


def _results(name: str, seeds: int) -> list[dict[str, Any]]:
    paths = [RESULTS / f"{name}-s{seed}.json" for seed in range(1, seeds + 1)]
    return [json.loads(path.read_text("utf-8")) for path in paths if path.is_file()]
