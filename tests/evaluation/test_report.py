from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bot.errors import ProjectError
from bot.evaluation import measure, report
from bot.evaluation.report import PipelineScores


def scores(intent_f1: float = 0.95, entity_f1: float = 0.93) -> PipelineScores:
    return PipelineScores(
        name="ours",
        intent_f1=intent_f1,
        entity_f1=entity_f1,
        train_s=None,
        train_mb=None,
        load_s=2.0,
        serve_mb=700.0,
        parse_p50_ms=3.21,
        parse_p99_ms=9.0,
        archive_mb=60.0,
    )


@pytest.mark.parametrize(
    ("row", "stories", "named"),
    [
        (scores(), 1.0, None),
        (scores(intent_f1=report.INTENT_FLOOR - 0.001), 1.0, "intent F1"),
        (scores(entity_f1=report.ENTITY_FLOOR - 0.001), 1.0, "entity F1"),
        (scores(), report.STORY_FLOOR - 0.01, "story accuracy"),
    ],
)
def test_a_score_below_its_floor_is_named(
    row: PipelineScores, stories: float, named: str | None
) -> None:
    console = Console(file=io.StringIO(), width=200)
    assert report._floors_hold(row, stories, console) is (named is None)
    assert (named or "") in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_markdown_table_has_a_cell_for_each_column() -> None:
    lines = report.as_markdown([scores()], 0.98).splitlines()
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert "| ours | 0.950 | 0.930 | - | - | 2.0 |" in lines[2]
    assert lines[-1] == "Test stories right: 98.0%"


def test_entity_f1_is_the_trained_extractors(tmp_path: Path) -> None:
    for extractor, score in (("RegexEntityExtractor", 0.1), ("JointClassifier", 0.9)):
        content = {"weighted avg": {"f1-score": score}}
        (tmp_path / f"{extractor}_report.json").write_text(json.dumps(content))
    assert report._entity_f1(tmp_path) == 0.9


def test_without_entities_there_is_no_score(tmp_path: Path) -> None:
    assert report._entity_f1(tmp_path) is None
    rows = [replace(scores(), entity_f1=None)]
    assert "| - |" in report.as_markdown(rows, 1.0)
    assert report._floors_hold(rows[0], 1.0, Console())


def test_a_missing_report_of_rasa_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"rasa\.log"):
        report._read(tmp_path / "intent_report.json")


def test_a_child_is_measured_by_its_own_time_and_memory(tmp_path: Path) -> None:
    code = "import time; block = bytearray(200 * 2**20); time.sleep(0.3)"
    cost = measure._run([sys.executable, "-c", code], tmp_path / "log", {})
    assert cost.seconds >= 0.3
    assert 200 <= cost.peak_mb <= 300


def test_a_failing_child_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="out of cheese"):
        measure._run(
            [sys.executable, "-c", "raise SystemExit('out of cheese')"], tmp_path / "log", {}
        )
