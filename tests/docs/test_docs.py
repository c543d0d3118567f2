"""The documentation says what the code does: commands, options, defaults, links and paths."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.command_line import build_parser
from bot.ml.dialogue.options import StoryOptions
from bot.ml.options import JointOptions
from bot.ml.ranking_options import RankingOptions

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md")) + [page for page in [ROOT / "README.md"] if page.is_file()]
CLI = DOCS / "reference" / "cli.md"
CONFIG = DOCS / "reference" / "config.md"
POLICY = ROOT / "bot" / "components" / "action_failure_policy.py"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

# Written by programs or by the reader, or inside a model folder: they need not exist here.
GENERATED = (
    "adaptation.*",
    "encoders/*",
    ".bot/*",
    ".bank/*",
    ".rasa/*",
    ".venv*",
    "../larkfield/overrides.txt",
    "components/*",
    "config.json",
    "curves.*",
    "dialogue.onnx",
    "dialogue.safetensors",
    "data/feedback/*",
    "tests/held_out/*",
    "results/feedback/*",
    "encoder.onnx",
    "encoder/*",
    "heads.safetensors",
    "intent_errors.json",
    "manifest.json",
    "model.json",
    "model.safetensors",
    "models/*",
    "no-stories.json",
    "ranking.json",
    "ranking.safetensors",
    "rasa/core/processor.py",
    "report.*",
    "response_selection_*.json",
    "responses.json",
    "results*",
    "texts.safetensors",
    "tokenizer.json",
    "trackers.sqlite",
    "data/nlu/authorised_people.yml",
    "tests/held_out/",
    "tests/nlu/authorised_people.yml",
    "tests/stories/test_authorised_people.yml",
)
NOT_A_PATH = re.compile(r"^(faq|chitchat)/|^/|^https?:|^sentence-transformers/")
FILE_ENDINGS = (".py", ".yml", ".md", ".toml", ".sh", ".txt", ".json", ".lock", ".onnx",
                ".safetensors", ".sqlite", ".png")  # fmt: skip


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands() -> dict[str, argparse.ArgumentParser]:
    """Give the parser of every command."""
    parser = build_parser()
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def options_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {
        name: action
        for action in parser._actions
        for name in action.option_strings
        if name.startswith("--") and name != "--help"
    }


def section(text: str, heading: str) -> str:
    """Give what stands under a heading of the second level; nothing where there is none."""
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return match[1] if match else ""


def rows(text: str) -> dict[str, list[str]]:
    """Give the cells of each table row by the first code span in its first cell."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = CODE.match(cells[0]) if line.startswith("|") else None
        if name:
            found[name[1]] = cells
    return found


def prose(text: str) -> str:
    return FENCE.sub("", text)


def paths_in(text: str) -> Iterator[str]:
    """Yield what looks like a path of this repository among the code spans outside of fences."""
    for code in CODE.findall(prose(text)):
        looks_so = re.fullmatch(r"[\w.*/-]+", code) and ("/" in code or code.endswith(FILE_ENDINGS))
        if looks_so and re.search(r"[a-z]", code) and not NOT_A_PATH.match(code):
            yield code


def is_known(path: str) -> bool:
    if any(fnmatch(path, pattern) or fnmatch(path, f"{pattern}/") for pattern in GENERATED):
        return True
    return (ROOT / path).exists() or ("*" in path and any(ROOT.glob(path)))


def make_targets() -> set[str]:
    """Give what `make help` lists, read as its awk line reads it."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+): .*## ", text, re.MULTILINE))


def policy_defaults() -> dict[str, Any]:
    """Read the policy's defaults from its source: importing it would load Rasa."""
    tree = ast.parse(POLICY.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    function = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "get_default_config"
    )
    value = next(node.value for node in function.body if isinstance(node, ast.Return))
    assert isinstance(value, ast.Dict)
    return {
        key.value: item.value if isinstance(item, ast.Constant) else constants[item.id]
        for key, item in zip(value.keys, value.values, strict=True)
    }


def shown_default(cell: str) -> Any:
    return yaml.safe_load(cell.strip("`"))


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_option_is_documented(name: str) -> None:
    part = section(CLI.read_text(encoding="utf-8"), f"`bot {name}`")
    assert part, f"docs/reference/cli.md has no section '## `bot {name}`'"
    documented = {first.split()[0]: cells for first, cells in rows(part).items()}
    options = options_of(commands()[name])
    assert set(documented) == set(options)
    for option, action in options.items():
        default = action.default
        if default is None or isinstance(default, bool):
            continue
        assert documented[option][1].strip("`") == str(default), option


def test_no_command_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^## `bot ([\w-]+)`$", CLI.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(headings) == set(commands())


def test_every_exit_code_is_documented() -> None:
    from bot import cli

    codes = {"0", str(cli.FAILED), str(cli.USER_ERROR), str(cli.INTERRUPTED)}
    for page in (CLI, DOCS / "how-to" / "operate.md"):
        shown = re.findall(r"^\| (\d+) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(shown) == codes, page_id(page)


def test_every_make_target_is_documented() -> None:
    text = CLI.read_text(encoding="utf-8")
    documented = {name.split()[1] for name in rows(section(text, "`make`"))}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    existing = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert make_targets(), "the Makefile's help format changed"
    assert make_targets() <= documented
    assert documented <= existing


def test_every_check_of_the_doctor_is_documented() -> None:
    source = (ROOT / "bot" / "lifecycle" / "doctor.py").read_text(encoding="utf-8")
    names = re.findall(r"^    \(\"([^\"]+)\", check_\w+\),$", source, re.MULTILINE)
    part = section(CLI.read_text(encoding="utf-8"), "`bot doctor`")
    assert names
    assert re.findall(r"^\| ([a-z_ ]+) \|", part, re.MULTILINE)[2:] == names


def test_the_floors_of_the_report_are_the_true_ones() -> None:
    source = (ROOT / "bot" / "evaluation" / "report.py").read_text(encoding="utf-8")
    floors = re.findall(r"^(?:INTENT|ENTITY|STORY)_FLOOR = ([\d.]+)$", source, re.MULTILINE)
    part = section(CLI.read_text(encoding="utf-8"), "`bot report`")
    assert len(floors) == 3
    assert re.findall(r"\b0\.\d+", part) == floors


def test_every_option_of_the_featurizer_is_documented_with_its_default() -> None:
    documented = rows(section(CONFIG.read_text(encoding="utf-8"), "JointFeaturizer"))
    documented.pop("alias")  # Rasa's own, of every featurizer
    shown = {name: shown_default(cells[2]) for name, cells in documented.items()}
    assert shown == JointOptions().as_dict()
    assert list(shown) == [field.name for field in fields(JointOptions)]


def test_every_option_of_the_ranker_is_documented_with_its_default() -> None:
    documented = rows(section(CONFIG.read_text(encoding="utf-8"), "ResponseRanker"))
    shown = {name: shown_default(cells[2]) for name, cells in documented.items()}
    assert shown == RankingOptions().as_dict()


def test_every_option_of_the_story_policy_is_documented_with_its_default() -> None:
    documented = rows(section(CONFIG.read_text(encoding="utf-8"), "StoryPolicy"))
    documented.pop("priority")  # Rasa's own, of every policy
    shown = {name: shown_default(cells[2]) for name, cells in documented.items()}
    assert shown == StoryOptions().as_dict()
    assert list(shown) == [field.name for field in fields(StoryOptions)]


def test_every_option_of_the_attribute_policy_is_documented_with_its_default() -> None:
    documented = rows(section(CONFIG.read_text(encoding="utf-8"), "AttributePolicy"))
    shown = {name: shown_default(cells[2]) for name, cells in documented.items()}
    tree = ast.parse((POLICY.parent / "attribute_policy.py").read_text(encoding="utf-8"))
    (priority,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PRIORITY"
    ]
    assert shown == {"priority": priority, "attributes": JointOptions().attributes}


def test_every_option_of_the_policy_is_documented_with_its_default() -> None:
    documented = rows(section(CONFIG.read_text(encoding="utf-8"), "ActionFailurePolicy"))
    shown = {name: shown_default(cells[2]) for name, cells in documented.items()}
    assert shown == policy_defaults()


def test_every_fine_tune_mode_is_documented() -> None:
    from bot.ml.options import FINE_TUNE_MODES

    how_to = (DOCS / "how-to" / "train.md").read_text(encoding="utf-8")
    documented = rows(section(how_to, "Which weights learn: `fine_tune`"))
    assert set(documented) == set(FINE_TUNE_MODES)


def test_every_file_of_the_model_folder_is_documented() -> None:
    """`Layout` names the files; its source is read, since the module imports ONNX Runtime."""
    tree = ast.parse((ROOT / "bot" / "ml" / "checkpoint.py").read_text(encoding="utf-8"))
    layout = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Layout")
    names = {
        node.value
        for function in layout.body
        if isinstance(function, ast.FunctionDef)
        for statement in function.body
        if isinstance(statement, ast.Return)
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    page = (DOCS / "reference" / "model-folder.md").read_text(encoding="utf-8")
    documented = set(rows(section(page, "Files")))
    assert "manifest.json" in names
    assert {name if "." in name else f"{name}/config.json" for name in names} <= documented


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_of_bot_in_examples_exist(page: Path) -> None:
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines() if language == "sh" else []:
            called = re.search(r"(?:^|[\s/])bot ([a-z][\w-]*)(.*)$", line)
            if called:
                assert called[1] in commands(), line
                known = set(options_of(commands()[called[1]]))
                assert set(OPTION.findall(called[2])) <= known, line
            made = re.match(r"(?:\w+=\S+ )*make(?: ([a-z-]+))?", line)
            if made and made[1]:
                assert made[1] in make_targets(), line


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    text = CODE.sub("", prose(page.read_text(encoding="utf-8")))
    for link in LINK.findall(text):
        if not re.match(r"[a-z]+:", link):
            target = page.parent / link.partition("#")[0] if link[0] != "#" else page
            assert target.exists(), f"{page_id(page)}: {link}"


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / link).resolve() for link in LINK.findall(index)}
    missing = [page_id(p) for p in DOCS.rglob("*.md") if p.name != "README.md" and p not in linked]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_yaml_blocks_parse(page: Path) -> None:
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language in {"yaml", "yml"}:
            assert isinstance(yaml.safe_load(block), (dict, list)), block


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_fences_are_closed(page: Path) -> None:
    assert "```" not in prose(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_paths_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path for path in paths_in(text) if not is_known(path)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see `bot/ml/gone.py`", ["bot/ml/gone.py"]),
        ("see `gone.yml` and `data/gone/`", ["gone.yml", "data/gone/"]),
        ("`faq/opening_hours`, `/stop`, `epochs`, `3.6.21`, `a b/c`", []),
        ("```sh\ncat `gone/file.py`\n```", []),
    ],
)
def test_the_search_for_paths_sees_what_it_should(text: str, found: list[str]) -> None:
    assert [path for path in paths_in(text) if not is_known(path)] == found


def test_the_table_reader_sees_what_it_should() -> None:
    text = "## A\n| option | x |\n|---|---|\n| `--warm MODEL` | `1` |\n## B\n| `no` | |\n"
    assert rows(section(text, "A")) == {"--warm MODEL": ["`--warm MODEL`", "`1`"]}
    assert section(text, "C") == ""
