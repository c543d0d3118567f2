"""The section `[evaluation]` of `bot.toml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import OptionError
from bot.evaluation.rejecting import Costs
from bot.settings import EvaluationSettings, project_settings


def test_the_defaults_are_those_of_the_curve() -> None:
    defaults = EvaluationSettings()
    assert Costs() == Costs(defaults.wrong_answer, defaults.fallback)


def test_what_is_said_counts(tmp_path: Path) -> None:
    path = tmp_path / "bot.toml"
    path.write_text("[evaluation]\nwrong_answer = 10\nfallback = 0\n")
    assert project_settings(path).evaluation == EvaluationSettings(10.0, 0.0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("wrong_answer = -1", "wrong_answer is -1"),
        ("fallback = inf", "fallback is inf"),
        ("fallback = nan", "fallback is nan"),
        ("fallback = 'dear'", "fallback is 'dear'"),
        ("wrong_answr = 1", "Did you mean 'wrong_answer'?"),
        ("wrong_answer = 0\nfallback = 0", "no mistake costs anything"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "bot.toml"
    path.write_text(f"[evaluation]\n{content}\n")
    with pytest.raises(OptionError) as raised:
        project_settings(path)
    assert told in str(raised.value)
