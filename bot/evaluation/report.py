"""`bot report`: what `rasa test` says of a model on messages and stories it never saw.

Each measurement runs in a process of its own, so that times and memory are those a user would
see, and a peer pipeline can be measured beside ours in the same way.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table

from bot.errors import ProjectError
from bot.evaluation.measure import ProcessCost, run_measured, run_rasa

NLU_TESTS = Path("tests/nlu")
TEST_STORIES = Path("tests/stories")
PEER_CONFIG = Path(__file__).with_name("diet.yml")
# Guards, the first a little below what is measured; see docs/benchmarks.md.
INTENT_FLOOR = 0.92
ENTITY_FLOOR = 0.90
STORY_FLOOR = 0.95


@dataclass(frozen=True)
class PipelineScores:
    """One pipeline's row in the report; times in seconds, latencies in ms, memory in MB."""

    name: str
    intent_f1: float
    entity_f1: float | None
    train_s: float | None
    train_mb: float | None
    load_s: float
    serve_mb: float
    parse_p50_ms: float
    parse_p99_ms: float
    archive_mb: float


def report(archive: Path, out: Path, *, against: str | None, check: bool) -> bool:
    """Measure a model, print a table, and leave Rasa's reports and `report.json` in `out`.

    Args:
        archive: the model. With `against`, its NLU is trained anew, so that both trainings are
            timed in one run.
        out: folder for the reports.
        against: `diet` measures Rasa's default pipeline beside it.
        check: compare with the floors.

    Returns:
        False where `check` is set and a score is below its floor.
    """
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    if against:
        rows.append(_train_and_score("fine-tuned", Path("config.yml"), out))
        rows.append(_train_and_score("DIET", PEER_CONFIG, out))
    else:
        rows.append(_score("fine-tuned", archive, out / "nlu", None))
    stories = story_accuracy(archive, out / "core")
    content = {"pipelines": [asdict(row) for row in rows], "story_accuracy": stories}
    (out / "report.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(as_markdown(rows, stories), encoding="utf-8")
    console.print(_table(rows))
    console.print(f"Test stories right: {stories:.1%}. Everything is in '{out}'.")
    return not check or _floors_hold(rows[0], stories, console)


def story_accuracy(archive: Path, out: Path) -> float:
    """Run `rasa test core` and give the share of test stories that are right to the end."""
    run_rasa(
        ["test", "core", "--model", str(archive), "--stories", str(TEST_STORIES)]
        + ["--out", str(out)],
        out,
    )
    scores = _read(out / "story_report.json")
    return float(scores["conversation_accuracy"]["accuracy"])


def _train_and_score(name: str, config: Path, out: Path) -> PipelineScores:
    folder = out / name.lower().replace(" ", "-")
    print(f"Training {name} ...", flush=True)
    cost = run_rasa(
        ["train", "nlu", "--config", str(config), "--out", str(folder / "model")]
        + ["--fixed-model-name", "nlu", "--domain", "domain.yml"],
        folder,
        fresh_cache=True,
    )
    return _score(name, folder / "model" / "nlu.tar.gz", folder / "nlu", cost)


def _score(name: str, archive: Path, out: Path, training: ProcessCost | None) -> PipelineScores:
    print(f"Testing {name} on {NLU_TESTS} ...", flush=True)
    run_rasa(
        ["test", "nlu", "--model", str(archive), "--nlu", str(NLU_TESTS), "--out", str(out)], out
    )
    served = run_measured(archive, NLU_TESTS, out)
    return PipelineScores(
        name=name,
        intent_f1=float(_read(out / "intent_report.json")["weighted avg"]["f1-score"]),
        entity_f1=_entity_f1(out),
        train_s=training.seconds if training else None,
        train_mb=training.peak_mb if training else None,
        archive_mb=archive.stat().st_size / 2**20,
        **served,
    )


def _entity_f1(out: Path) -> float | None:
    """Rasa writes one report for each extractor; take the trained one's weighted F1.

    It writes none where the test set holds no entities.
    """
    for extractor in ("JointClassifier", "DIETClassifier"):
        path = out / f"{extractor}_report.json"
        if path.is_file():
            return float(_read(path)["weighted avg"]["f1-score"])
    return None


def _read(path: Path) -> dict:  # type: ignore[type-arg]
    if not path.is_file():
        raise ProjectError(f"'rasa test' left no {path.name}; see {path.parent / 'rasa.log'}.")
    content: dict = json.loads(path.read_text(encoding="utf-8"))  # type: ignore[type-arg]
    return content


_COLUMNS = (
    ("pipeline", "name", "{}"),
    ("intent F1", "intent_f1", "{:.3f}"),
    ("entity F1", "entity_f1", "{:.3f}"),
    ("train s", "train_s", "{:.0f}"),
    ("train MB", "train_mb", "{:.0f}"),
    ("load s", "load_s", "{:.1f}"),
    ("serve MB", "serve_mb", "{:.0f}"),
    ("p50 ms", "parse_p50_ms", "{:.1f}"),
    ("p99 ms", "parse_p99_ms", "{:.1f}"),
    ("file MB", "archive_mb", "{:.0f}"),
)


def _cells(row: PipelineScores) -> list[str]:
    values = [(pattern, getattr(row, name)) for _, name, pattern in _COLUMNS]
    return ["-" if value is None else pattern.format(value) for pattern, value in values]


def _table(rows: list[PipelineScores]) -> Table:
    table = Table(title=f"Messages of {NLU_TESTS}", box=box.SIMPLE, pad_edge=False)
    for title, _, _ in _COLUMNS:  # in two lines, so that all fits into 80 columns
        first = title == "pipeline"
        justify: Literal["left", "right"] = "left" if first else "right"
        table.add_column(title.replace(" ", "\n"), justify=justify, no_wrap=first)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def as_markdown(rows: list[PipelineScores], stories: float) -> str:
    """Write the table as Markdown."""
    lines = [
        "| " + " | ".join(title for title, _, _ in _COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
        *("| " + " | ".join(_cells(row)) + " |" for row in rows),
        "",
        f"Test stories right: {stories:.1%}",
    ]
    return "\n".join(lines) + "\n"


def _floors_hold(row: PipelineScores, stories: float, console: Console) -> bool:
    floors = [
        ("intent F1", row.intent_f1, INTENT_FLOOR),
        ("entity F1", row.entity_f1, ENTITY_FLOOR),
        ("story accuracy", stories, STORY_FLOOR),
    ]
    low = [
        f"{name} {value:.3f} < {floor}"
        for name, value, floor in floors
        if value is not None and value < floor
    ]
    if low:
        console.print("Below the floor: " + "; ".join(low))
    return not low
