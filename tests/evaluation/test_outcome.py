from __future__ import annotations

import json
from pathlib import Path

import pytest
from made import good, measured

from bot.errors import ProjectError
from bot.evaluation import outcome
from bot.evaluation.outcome import IntentCounts


def test_an_evaluation_is_read_back_unchanged(tmp_path: Path) -> None:
    evaluation = measured(good()).evaluation
    content = json.loads(json.dumps({"evaluation": outcome.to_json(evaluation)}))
    (tmp_path / "report.json").write_text(json.dumps(content))
    assert outcome.read(tmp_path / "report.json") == evaluation


def test_counts_and_accuracy_by_hand() -> None:
    evaluation = measured(good()).evaluation
    assert evaluation.accuracy == 5 / 6
    assert evaluation.per_intent() == (
        IntentCounts("book", 1, 2, 1),
        IntentCounts("faq/hours", 1, 1, 1),
        IntentCounts("greet", 2, 2, 3),
        IntentCounts("not_ours", 1, 1, 1),
    )
    assert [one.answered_right for one in evaluation.outcomes] == [1, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no JSON", "cannot be read"),
        ("[]", "no evaluation"),
        ('{"evaluation": null}', "no evaluation"),
        ('{"evaluation": {"schema": 99}}', "schema 99"),
        ('{"evaluation": [1]}', "schema"),
        ('{"evaluation": {"schema": 1}}', "cannot be read: 'outcomes'"),
    ],
)
def test_a_damaged_report_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(ProjectError) as raised:
        outcome.read(path)
    assert told in str(raised.value) and "report.json" in str(raised.value)
    assert "bot evaluate" in raised.value.remedy


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"absent\.json"):
        outcome.read(tmp_path / "absent.json")
