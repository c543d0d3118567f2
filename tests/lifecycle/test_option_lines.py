"""Options written into config.yml: only what was asked for changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.errors import ProjectError
from bot.lifecycle.option_lines import option_lines, with_options, write_options

ROOT = Path(__file__).parent.parent.parent
FEATURIZER = "JointFeaturizer"
BLOCK = """\
# Ours, since 2024.
recipe: default.v1
pipeline:
- name: WhitespaceTokenizer   # plain
- name: "bot.components.featurizer.JointFeaturizer"  # both heads
  epochs:   6   # few
  learning_rate: 1e-4

# The rest
- name: bot.components.classifier.JointClassifier
policies:
    - {name: RulePolicy, core_fallback_threshold: 0.3}
"""


def test_only_the_values_change() -> None:
    new = with_options(BLOCK, FEATURIZER, {"epochs": 12, "learning_rate": 0.00003})
    wanted = BLOCK.replace("epochs:   6 ", "epochs:   12 ").replace("1e-4", "0.00003")
    assert new == wanted
    assert yaml.safe_load(new)["pipeline"][1]["learning_rate"] == 3e-5


def test_what_was_not_there_comes_below_the_name() -> None:
    new = with_options(BLOCK, FEATURIZER, {"batch_size": 16, "fine_tune": "top_layers"})
    line = "# both heads\n"
    assert new == BLOCK.replace(line, f"{line}  batch_size: 16\n  fine_tune: top_layers\n")


def test_line_ends_of_windows_stay() -> None:
    text = BLOCK.replace("\n", "\r\n")
    new = with_options(text, FEATURIZER, {"batch_size": 16, "epochs": 3})
    assert new is not None
    assert new.count("\n") == new.count("\r\n") == text.count("\n") + 1


def test_a_step_in_braces_and_the_last_line_of_a_file() -> None:
    text = "pipeline: [{name: a.JointFeaturizer, epochs: 6}]"
    new = with_options(text, FEATURIZER, {"epochs": 7, "batch_size": 8})
    assert new == "pipeline: [{name: a.JointFeaturizer, batch_size: 8, epochs: 7}]"
    bare = "pipeline:\n  - name: a.JointFeaturizer"
    assert with_options(bare, FEATURIZER, {"epochs": 7}) == f"{bare}\n    epochs: 7"


def test_the_demos_own_config_keeps_every_other_byte() -> None:
    text = (ROOT / "config.yml").read_text("utf-8")
    new = with_options(text, FEATURIZER, {"epochs": 11, "batch_size": 16})
    assert new is not None
    changed = [(a, b) for a, b in zip(text.splitlines(), new.splitlines(), strict=True) if a != b]
    assert [b.strip() for _, b in changed] == ["epochs: 11", "batch_size: 16"]


@pytest.mark.parametrize(
    "text",
    [
        "pipeline:\n- name: WhitespaceTokenizer\n",
        "pipeline: nothing\n",
        "",
        "pipeline:\n- name: a.JointFeaturizer\n  epochs:\n",
        "n: &n 6\npipeline:\n- name: a.JointFeaturizer\n  epochs: *n\n",
    ],
    ids=["no such step", "no list", "empty", "no value", "an anchor elsewhere"],
)
def test_what_cannot_be_changed_surely_is_refused_and_left(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ProjectError, match=r"config\.yml: .*nothing was written.*epochs: 7"):
        write_options(path, FEATURIZER, {"epochs": 7})
    assert path.read_text("utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_small_numbers_are_written_in_full() -> None:
    lines = option_lines({"learning_rate": 1.2e-05, "epochs": 4, "fine_tune": "full"})
    assert lines == ["learning_rate: 0.000012", "epochs: 4", "fine_tune: full"]
    assert yaml.safe_load(lines[0]) == {"learning_rate": 1.2e-05}
