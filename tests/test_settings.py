"""`bot.toml`: what it may say, and what it answers to a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import OptionError
from bot.settings import FeedbackSettings, ProjectSettings, ReviewSettings, project_settings

ROOT = Path(__file__).parent.parent


def test_a_project_needs_no_file(tmp_path: Path):
    assert project_settings(tmp_path / "bot.toml") == ProjectSettings()


def test_the_demo_states_its_defaults_and_its_own_intent():
    # `out_of_scope` is what the two-stage fallback reads as "none of the offered meanings".
    its_own = ReviewSettings(out_of_scope="not_banking")
    assert project_settings(ROOT / "bot.toml") == ProjectSettings(review=its_own)


def test_what_is_said_counts_and_the_rest_has_its_default(tmp_path: Path):
    path = tmp_path / "bot.toml"
    path.write_text("[feedback]\nheld_out_share = 0\n[review]\nport = 8080\n")
    assert project_settings(path) == ProjectSettings(
        FeedbackSettings(held_out_share=0.0), ReviewSettings(port=8080)
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[review]\nport = \n", "line 2"),
        ("[reviews]\nport = 1\n", "unknown section [reviews]. Did you mean 'review'?"),
        ("port = 5007\n", "unknown section [port]."),
        ("[review]\nprot = 1\n", "no option 'prot'. Did you mean 'port'?"),
        ("[review]\nport = '5007'\n", "port is '5007'; it takes a int"),
        ("[review]\nport = true\n", "port is True"),
        ("[review]\nport = 0\n", "ports go from 1 to 65535"),
        ("[feedback]\nheld_out_share = 1.0\n", "a share from 0 to below 1"),
        ("[review]\noverlap = nan\n", "overlap is nan"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, content: str, told: str):
    path = tmp_path / "bot.toml"
    path.write_text(content)
    with pytest.raises(OptionError) as raised:
        project_settings(path)
    assert told in str(raised.value) and str(path) in str(raised.value)
