"""How good is dialogue learned from stories, beside Rasa's TEDPolicy, and how many does it need?

Jobs are independent: each leaves one JSON file, and what is there is not run again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

RESULTS = Path("results/benchmarks/dialogue")
PICTURE = Path("docs/pictures/dialogue-stories.png")
SEEDS = (1, 2, 3)
SHARES = (0.05, 0.1, 0.25, 0.5)
HISTORIES = (2, 10)
# Action accuracy and F1 in the logs that were published with the paper.
PUBLISHED = {
    ("modular", 10): (0.645, 0.523),
    ("modular", 2): (0.603, 0.463),
    ("modular-status", 10): (0.713, 0.631),
    ("modular-status", 2): (0.717, 0.633),
    ("e2e", 10): (0.615, 0.224),
}


@dataclass(frozen=True)
class Job:
    """One training and its test; `share` of the stories is learned from."""

    set: str
    policy: str
    history: int
    seed: int
    share: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    threads: int = 1

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.set}-{self.policy}-h{self.history}-s{self.seed}-{self.share:g}"


def run(data: Path, sets: Iterable[str], against: str | None, *, seeds: int, picture: bool) -> None:
    """Run what is missing of the jobs, then print the tables and draw the picture."""
    jobs = list(plan(list(sets), against, SEEDS[:seeds]))
    for number, job in enumerate(jobs, 1):
        if not (RESULTS / f"{job.name}.json").is_file():
            print(f"[{number}/{len(jobs)}] {job.name}", flush=True)
            _run(job, data)
    rows = read()
    print(table(rows))
    print(shares_table(rows))
    if picture:
        from benchmarks.dialogue_picture import draw

        draw(rows, PICTURE)


def plan(sets: list[str], against: str | None, seeds: Iterable[int]) -> Iterator[Job]:
    """List the jobs: ours first, what is compared with last, since it takes longest."""
    ours: list[Job] = []
    other: list[Job] = []
    for name in sets:
        histories = HISTORIES if name.startswith("modular") else (14,) if name == "demo" else (10,)
        ours += [Job(name, "story", h, seed) for h in reversed(histories) for seed in seeds]
        other += [Job(name, "ted", h, SEEDS[0]) for h in reversed(histories)]
    if "modular" in sets:
        ours += [Job("modular", "story", 10, seed, share) for share in SHARES for seed in seeds]
        other += [Job("modular", "ted", 10, SEEDS[0], share) for share in SHARES]
    yield from ours
    if against == "ted":
        yield from (job for job in other if job.set != "e2e")


def read(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Read all results that are there."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def table(rows: list[dict[str, Any]]) -> str:
    """Write the results on all stories as Markdown."""
    lines = [
        "| set | history | policy | accuracy | action F1 | whole dialogues | training CPU s | "
        "load s | above p50 ms | MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    keys = sorted({(r["set"], r["history"], r["policy"]) for r in rows if r["share"] == 1})
    for name, history, policy in sorted(keys, key=lambda k: (k[0] != "demo", k[0], -k[1], k[2])):
        group = [
            r
            for r in rows
            if (r["set"], r["history"], r["policy"], r["share"]) == (name, history, policy, 1)
        ]
        cells = [_spread(group, key, 3) for key in ("accuracy", "f1", "whole")]
        cells += [f"{mean(r['train_cpu_s'] for r in group):.0f}"]
        cells += [_measured(group, key) for key in ("load_s", "above_p50_ms")]
        cells += [f"{mean(r['peak_mb'] for r in group):.0f}"]
        lines.append(f"| {name} | {history} | {_title(policy)} | {' | '.join(cells)} |")
        if policy == "story" and (name, history) in PUBLISHED:
            published = PUBLISHED[name, history]
            cells = [f"{published[0]:.3f}", f"{published[1]:.3f}", *["-"] * 5]
            lines.append(f"| {name} | {history} | TED, published | {' | '.join(cells)} |")
    return "\n".join(lines)


def shares_table(rows: list[dict[str, Any]]) -> str:
    """Write accuracy and F1 against the share of stories as Markdown."""
    policies = sorted({r["policy"] for r in rows if r["set"] == "modular"})
    lines = [
        "| stories | " + " | ".join(f"{_title(p)}, accuracy | F1" for p in policies) + " |",
        "|---" * (1 + 2 * len(policies)) + "|",
    ]
    for share in (*SHARES, 1.0):
        cells, count = [], 0
        for policy in policies:
            group = [
                r
                for r in rows
                if (r["set"], r["history"], r["policy"], r["share"])
                == ("modular", 10, policy, share)
            ]
            count = max([count, *(r["stories"] for r in group)])
            cells += [_spread(group, key, 3) if group else "-" for key in ("accuracy", "f1")]
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _run(job: Job, data: Path) -> None:
    out = RESULTS / f"{job.name}.json"
    description = {**asdict(job), "data": str(data), "work": str(RESULTS / "work")}
    environment = {**os.environ, "OMP_NUM_THREADS": str(job.threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    log = RESULTS / "logs" / f"{job.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        module = "benchmarks.dialogue_spoken" if job.set == "e2e" else "benchmarks.dialogue_job"
        command = [sys.executable, "-m", module, json.dumps(description), str(out)]
        if subprocess.run(
            command, env=environment, stdout=file, stderr=file, check=False
        ).returncode:
            print(f"  failed: see {log}", flush=True)


def _spread(group: list[dict[str, Any]], key: str, digits: int) -> str:
    values = [row[key] for row in group]
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}"


def _measured(group: list[dict[str, Any]], key: str) -> str:
    """Give a mean; the spoken dialogues have neither a component that loads nor one that serves."""
    values = [row[key] for row in group if row.get(key)]
    return f"{mean(values):.2f}" if values else "-"


def _title(policy: str) -> str:
    return {"story": "StoryPolicy", "ted": "TED"}[policy]
