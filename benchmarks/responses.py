"""Does the right answer come, with many questions an answer, with one to three, and with none?

Three things rank the answers of the demo's retrieval intents on the same trained encoder: ours,
the intent head alone, and Rasa's ResponseSelector, which is trained on JointFeaturizer's features
beside them. As in `rasa test`, the intent is given, so that micro F1 is the share of right answers;
`intent too` counts a question only if the model also finds its intent.

Trained models are kept under `results/responses/` and used again for the same data and options.
"""

from __future__ import annotations

import hashlib
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.training_data import TrainingData

from benchmarks.response_selector import RasaSelectors, messages_of
from bot.components.edge import answers_of, examples_of
from bot.ml import checkpoint
from bot.ml.answers import stand_ins
from bot.ml.inference import JointPredictor
from bot.ml.options import JointOptions
from bot.ml.ranking import Ranker, build_library
from bot.types import INTENT_SEPARATOR, Example, base_intent

FEATURIZER = "bot.components.featurizer.JointFeaturizer"
KEPT = Path("results/responses")
TESTS = {"demo": Path("tests/nlu"), "paraphrases": Path("tests/paraphrases")}
GROUPS = 4
SEED = 42


@dataclass(frozen=True)
class Row:
    """How often the right answer came first; None where the part has no such question."""

    training: str
    questions: str
    n: int
    ours: float
    head: float
    selector: float | None
    with_intent: float


def run(names: Sequence[str], epochs: int, out: Path | None) -> None:
    """Train what is missing, measure, and print the tables.

    Args:
        names: trainings, such as `full`, `shots-2` and `without-0`.
        epochs: of ResponseSelector; 0 leaves it out.
        out: where to leave the numbers.
    """
    answers = answers_of(load_data("data/responses"))
    rows = []
    for name in names:
        examples = cut(examples_of(load_data("data/nlu")), name)
        predictor = trained(name, [*examples, *stand_ins(examples, answers)])
        rows += _measure(name, examples, answers, predictor, epochs)
    print("| training | questions | number | ours | intent head | ResponseSelector | intent too |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        selector = "-" if row.selector is None else f"{row.selector:.3f}"
        scores = f"{row.ours:.3f} | {row.head:.3f} | {selector} | {row.with_intent:.3f}"
        print(f"| {row.training} | {row.questions} | {row.n} | {scores} |")
    if out:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


def cut(examples: Sequence[Example], name: str) -> list[Example]:
    """Leave out questions: none for `full`, all but 2 an answer for `shots-2`.

    `without-0` leaves out all questions of every fourth answer, and of the others every fourth
    question.
    """
    asked: dict[str, list[str]] = {}
    for example in examples:
        if example.intent and INTENT_SEPARATOR in example.intent:
            asked.setdefault(example.intent, []).append(example.text)
    order = sorted(asked)
    random.Random(SEED).shuffle(order)
    kind, _, number = name.partition("-")
    dropped: set[str] = set()
    for position, label in enumerate(order):
        texts = asked[label]
        random.Random(f"{SEED} {label}").shuffle(texts)
        if kind == "shots":
            dropped |= set(texts[int(number) :])
        elif kind == "without":
            whole = position % GROUPS == int(number)
            dropped |= set(texts if whole else texts[int(number) :: GROUPS])
        elif name != "full":
            raise ValueError(f"There is no training '{name}'.")
    return [
        example for example in examples if not (example.intent in asked and example.text in dropped)
    ]


def trained(name: str, examples: Sequence[Example]) -> JointPredictor:
    """Give the joint model of these examples, from an earlier run where nothing changed."""
    options, folder = joint_options(), KEPT / name
    words = sorted(repr(example) for example in examples)
    digest = hashlib.sha256(json.dumps([words, options.as_dict()]).encode()).hexdigest()
    note = KEPT / f"{name}.sha256"
    if not note.is_file() or note.read_text("utf-8").strip() != digest:
        from bot.ml.training import train_joint

        print(f"Training {name} on {len(examples)} messages ...", flush=True)
        with tempfile.TemporaryDirectory() as workspace:
            checkpoint.save(train_joint(examples, options, Path(workspace)), examples, folder)
        note.write_text(digest + "\n", encoding="utf-8")
    return checkpoint.load_predictor(folder)


def joint_options() -> JointOptions:
    """Read the options of the joint model from the demo's configuration."""
    config = yaml.safe_load(Path("config.yml").read_text("utf-8"))
    (entry,) = [item for item in config["pipeline"] if item["name"] == FEATURIZER]
    return JointOptions.read({k: v for k, v in entry.items() if k != "name"}, "JointFeaturizer")


def questions_in(folder: Path) -> list[Example]:
    """Read the messages that ask for an answer."""
    found = examples_of(load_data(str(folder)))
    return [example for example in found if INTENT_SEPARATOR in (example.intent or "")]


def _measure(
    name: str,
    examples: Sequence[Example],
    answers: dict[str, tuple[str, ...]],
    predictor: JointPredictor,
    epochs: int,
) -> list[Row]:
    encoder = predictor.encoder
    library = build_library(
        examples, answers, lambda *read: encoder.encode(*read).sentence, encoder.digest
    )
    ranker = Ranker(library)
    known = {example.intent for example in examples}
    selectors = None
    if epochs:
        data = TrainingData(messages_of(examples), responses=load_data("data/responses").responses)
        folder = KEPT / name
        selectors = RasaSelectors(folder, data, epochs, SEED)
    rows = []
    for title, path in TESTS.items():
        asked = questions_in(path)
        parts = {"": [e for e in asked if e.intent in known]}
        parts[", no example"] = [e for e in asked if e.intent not in known]
        rows += [
            _row(name, title + suffix, part, predictor, ranker, selectors)
            for suffix, part in parts.items()
            if part
        ]
    print(f"{name}: {_microseconds(questions_in(TESTS['demo']), predictor, ranker):.0f} µs p50")
    return rows


def _row(
    name: str,
    title: str,
    asked: Sequence[Example],
    predictor: JointPredictor,
    ranker: Ranker,
    selectors: RasaSelectors | None,
) -> Row:
    ours, head, intents = [], [], []
    for example in asked:
        label = example.intent or ""
        encoded = predictor.encoder.encode(example.text)
        parse = predictor.interpret(encoded)
        ranked = ranker.rank(encoded.sentence, parse.responses)
        within = [item for item in parse.responses if base_intent(item.name) == base_intent(label)]
        ours.append(ranked[base_intent(label)][0].name == label)
        head.append(bool(within) and within[0].name == label)
        intents.append(bool(parse.ranking) and parse.ranking[0].name == base_intent(label))
    theirs = []
    if selectors:
        theirs = [selectors.answer(e.text, e.intent or "") == e.intent for e in asked]
    return Row(
        name,
        title,
        len(asked),
        _share(ours),
        _share(head),
        _share(theirs) if theirs else None,
        _share(both for both in map(all, zip(ours, intents, strict=True))),
    )


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return sum(found) / len(found)


def _microseconds(asked: Sequence[Example], predictor: JointPredictor, ranker: Ranker) -> float:
    """Median time of the ranking alone: the vector and the head's shares are there already."""
    times = []
    for example in asked:
        encoded = predictor.encoder.encode(example.text)
        parse = predictor.interpret(encoded)
        began = time.perf_counter()
        ranker.rank(encoded.sentence, parse.responses)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6
