"""docs/reference/bot-toml.md says what `bot.settings` reads."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import tomli

from bot.errors import OptionError
from bot.settings import ProjectSettings, project_settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "bot-toml.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| `([^`|]*)` \| ([^|]+) \|$", re.MULTILINE)
TYPES = {"number": float, "whole number": int, "text": str}
SECTIONS = {field.name: getattr(ProjectSettings(), field.name) for field in fields(ProjectSettings)}


def documented() -> dict[str, dict[str, tuple[str, str]]]:
    """Give type and default as they are written, by section and option."""
    parts = re.split(r"^## `\[(\w+)\]`$", TEXT, flags=re.MULTILINE)[1:]
    return {
        name: {row[0]: (row[1].strip(), row[2]) for row in ROW.findall(part)}
        for name, part in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_section_and_option_is_documented() -> None:
    found = {name: set(options) for name, options in documented().items()}
    assert found == {
        name: {option.name for option in fields(section)} for name, section in SECTIONS.items()
    }


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_types_and_defaults_are_the_true_ones(name: str) -> None:
    for option, (kind, default) in documented()[name].items():
        value = getattr(SECTIONS[name], option)
        assert type(value) is TYPES[kind.split(",")[0]], option
        assert type(value)(default) == value, option


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_documented_limits_hold(name: str, tmp_path: Path) -> None:
    for option, (kind, _) in documented()[name].items():
        if "from" not in kind:
            continue
        lowest, *upper = re.findall(r"\d+", kind)
        beyond = [int(lowest) - 1]
        beyond += [int(upper[0]) + ("up to" in kind)] if upper else []
        for value in beyond:
            path = tmp_path / "bot.toml"
            path.write_text(f"[{name}]\n{option} = {value}\n", encoding="utf-8")
            with pytest.raises(OptionError):
                project_settings(path)
        path.write_text(f"[{name}]\n{option} = {lowest}\n", encoding="utf-8")
        assert getattr(getattr(project_settings(path), name), option) == int(lowest)


def test_the_example_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    path = tmp_path / "bot.toml"
    path.write_text(example, encoding="utf-8")
    project_settings(path)
    assert {name: set(part) for name, part in tomli.loads(example).items()} == {
        name: set(options) for name, options in documented().items()
    }
