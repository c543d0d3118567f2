"""Intents and entities of public data sets: ours beside the same encoder frozen, and Rasa's DIET.

Every job is `rasa train nlu` with the pipeline of `config.yml` and one answer to each test message.
Jobs are independent: each leaves one JSON file, and what is there is not run again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.nlu_data import FULL, SETS, shots_of
from bot.evaluation.rejecting import auroc

RESULTS = Path("results/benchmarks/nlu")
PICTURE = Path("docs/pictures/nlu-shots.png")
FIRST_SEED = 42
DIET_EPOCHS = (1, 3)  # the time of an epoch is the difference's half
# Accuracy; sources in docs/benchmarks.md.
PUBLISHED = {
    ("banking77", "5"): "CPFT 80.9, ICDA 84.0",
    ("banking77", "10"): "CPFT 87.2, ICDA 89.8",
    ("banking77", FULL): "ConvFiT 94.4, SPACE-3 94.9",
    ("clinc150", "5"): "CPFT 92.3, ICDA 92.6",
    ("clinc150", "10"): "CPFT 94.2, ICDA 94.8",
    ("clinc150", FULL): "SPACE-2 97.8, SPACE-3 97.9",
    ("hwu64", "5"): "CPFT 82.0, ICDA 82.5",
    ("hwu64", "10"): "CPFT 87.1, ICDA 87.4",
    ("hwu64", FULL): "SPACE-3 94.1, SPACE-2 94.3",
    ("snips", FULL): "JointBERT 98.6, span F1 97.0",
    ("atis", FULL): "JointBERT 97.5, span F1 96.1",
}


@dataclass(frozen=True)
class Job:
    """One training and its test."""

    set: str
    shots: str
    pipeline: str
    seed: int
    data: str
    options: dict[str, Any] = field(default_factory=dict)
    only_train: bool = False

    @property
    def name(self) -> str:
        """The name of its file."""
        options = "".join(f"-{key}-{value}" for key, value in sorted(self.options.items()))
        return f"{self.set}-{self.shots}-{self.pipeline}{options}-s{self.seed}"


def run(
    data: Path,
    *,
    sets: Sequence[str],
    shots: Sequence[str],
    seeds: int,
    against: Sequence[str],
    options: dict[str, Any],
    json_file: Path | None,
) -> None:
    """Run what is missing of the jobs, print the tables, and draw the picture."""
    jobs = list(plan(data, sets, shots, seeds, against, options))
    for number, job in enumerate(jobs, 1):
        if not (RESULTS / f"{job.name}.json").is_file():
            print(f"[{number}/{len(jobs)}] {job.name}", flush=True)
            _run(job)
    wanted = {job.name for job in jobs}
    rows = [row for row in read() if _name(row) in wanted]
    print(f"\n{table(rows)}\n\n{outside_table(rows)}\n\n{speed_table(rows)}")
    if json_file:
        json_file.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    from benchmarks.nlu_picture import draw

    draw(rows, PICTURE)


def plan(
    data: Path,
    sets: Sequence[str],
    shots: Sequence[str],
    seeds: int,
    against: Sequence[str],
    options: dict[str, Any],
) -> Iterator[Job]:
    """List the jobs: ours first; peers, one seed each, last, since they take longest."""
    place = str(data.resolve())
    pairs = [(name, size) for size in shots for name in sets if size in shots_of(name)]
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for name, size in pairs:
            yield Job(name, size, "ours", seed, place, options)
    for peer in against:
        for name, size in pairs:
            if peer != "diet-speed":
                yield Job(name, size, peer, FIRST_SEED, place)
            elif size == FULL:
                for epochs in DIET_EPOCHS:
                    yield Job(name, size, peer, FIRST_SEED, place, {"epochs": epochs}, True)


def _run(job: Job) -> None:
    out, log = RESULTS / f"{job.name}.json", RESULTS / "logs" / f"{job.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    description = {**asdict(job), "pipeline": job.pipeline.removesuffix("-speed")}
    command = [sys.executable, "-m", "benchmarks.nlu_job", json.dumps(description), str(out)]
    with log.open("w", encoding="utf-8") as file:
        if subprocess.run(command, stdout=file, stderr=file, check=False).returncode:
            print(f"  failed: see {log}", flush=True)


def read(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Read all results that are there, each under the pipeline that its file names."""
    rows = []
    for path in sorted(folder.glob("*.json")):
        row = json.loads(path.read_text("utf-8"))
        row["pipeline"] += "-speed" * row["only_train"]
        rows.append(row)
    return rows


def _name(row: dict[str, Any]) -> str:
    keys = ("set", "shots", "pipeline", "seed", "data", "options", "only_train")
    return Job(**{key: row[key] for key in keys}).name


def groups(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """Put the seeds of a set, size and pipeline together, in the order of the tables."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if not row["only_train"]:
            found.setdefault((row["set"], row["shots"], row["pipeline"]), []).append(row)
    names, sizes = list(SETS), ["5", "10", FULL]

    def place(key: tuple[str, str, str]) -> tuple[int, int, bool, str]:
        return names.index(key[0]), sizes.index(key[1]), key[2] != "ours", key[2]

    return {key: found[key] for key in sorted(found, key=place)}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write scores and costs as Markdown: percent, mean and spread of the seeds."""
    lines = [
        "| set | examples | pipeline (seeds) | accuracy | macro F1 | span F1 | token F1 | ECE "
        "| training CPU s | MB | file MB | p50 / p99 ms | published accuracy |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, size, pipeline), found in groups(rows).items():
        cells = [name, size if size == FULL else f"{size} an intent", f"{pipeline} ({len(found)})"]
        cells += [spread(found, key) for key in ("accuracy", "macro_f1", "span_f1", "token_f1")]
        cells += [spread(found, "ece")]
        cells += [f"{mean(row[key] for row in found):.0f}" for key in ("train_cpu_s", "train_mb")]
        cells += [f"{mean(row['file_mb'] for row in found):.0f}"]
        times = [mean(row[key] for row in found) for key in ("parse_p50_ms", "parse_p99_ms")]
        cells += [" / ".join(f"{ms:.1f}" for ms in times)]
        cells += [PUBLISHED.get((name, size), "") if pipeline == "ours" else ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(found: Sequence[dict[str, Any]], key: str, factor: float = 100) -> str:
    """Write mean and standard deviation; a dash where there is nothing."""
    values = [factor * row[key] for row in found if row.get(key) is not None]
    if not values:
        return "-"
    return f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def outside_table(rows: Sequence[dict[str, Any]]) -> str:
    """Write how well messages out of scope are told from the rest, as Markdown."""
    lines = [
        "| set | examples | pipeline (seeds) | AUROC | recall | accuracy in scope "
        "| with rejection |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, size, pipeline), found in groups(rows).items():
        told = [outside_scores(row) for row in found if row.get("outside")]
        if told:
            cells = [spread(told, key) for key in ("auroc", "recall", "accuracy", "kept")]
            lines.append(f"| {name} | {size} | {pipeline} ({len(told)}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def outside_scores(row: dict[str, Any]) -> dict[str, float]:
    """Score one run's rejections, at the threshold that its model chose.

    Returns:
        `recall` of the messages out of scope, `accuracy` in scope if nothing were rejected, and
        `kept` of it when rejected messages count as wrong.
    """
    inside, outside = row["inside"], row["outside"]
    right = [letter == "1" for letter in row["right"]]
    strange = [answer["strange"] for answer in (*inside, *outside)]
    is_outside = [False] * len(inside) + [True] * len(outside)

    def refused(answer: dict[str, Any]) -> bool:
        return bool(answer["rejected"]) or answer["intent"] == "oos"

    return {
        "auroc": auroc(strange, is_outside) or 0.0,
        "recall": mean(refused(answer) for answer in outside),
        "accuracy": mean(right),
        "kept": mean(ok and not refused(answer) for ok, answer in zip(right, inside, strict=True)),
    }


def speed_table(rows: Sequence[dict[str, Any]]) -> str:
    """Write seconds of training beside those of DIET's 100 epochs, from its time an epoch."""
    lines = [
        "| set | ours, CPU s | DIET, CPU s an epoch | its 100 epochs | ours of it |",
        "|---|---|---|---|---|",
    ]
    timed: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["only_train"]:
            timed.setdefault(row["set"], {})[row["options"]["epochs"]] = row["train_cpu_s"]
    for (name, size, pipeline), found in groups(rows).items():
        times = timed.get(name, {})
        if size == FULL and pipeline == "ours" and len(times) == len(DIET_EPOCHS):
            first, last = DIET_EPOCHS
            epoch = (times[last] - times[first]) / (last - first)
            whole = times[first] + (100 - first) * epoch
            ours = mean(row["train_cpu_s"] for row in found)
            lines.append(
                f"| {name} | {ours:.0f} | {epoch:.1f} | {whole:.0f} | {ours / whole:.3f} |"
            )
    return "\n".join(lines)
