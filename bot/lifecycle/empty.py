"""`bot init --empty`: put a minimal assistant in the place of the demo bank.

Nothing is deleted: what was there is moved into a folder of its own below `.bot/`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

from bot.errors import ProjectError
from bot.lifecycle.checks.space import MODELS

TEMPLATE = Path(__file__).parent / "template"
REPLACED = ("domain.yml", "data", "actions", "tests/nlu", "tests/stories", "tests/actions")
# They count and pin its data, or ask for its answers.
DEMO_ONLY = (
    "tests/test_assistant_data.py",
    "tests/test_jargon_set.py",
    "tests/digests.json",
    "tests/attributes",
    "tests/jargon",
    "tests/paraphrases",
)
STATE_FOLDER = ".bot"
# Python files carry this ending, so that no tool takes them for modules of this package.
_SUFFIX = ".template"
DEMO_INTENT = "not_banking"
NAMING_FILES = ("config.yml", "bot.toml")
_NAMING = re.compile(rf"\s*out_of_scope\s*[:=]\s*[\"']?{DEMO_INTENT}\b")


def empty_project(*, ask: bool, root: Path = Path(".")) -> bool:
    """Replace domain, data, actions and the assistant's own tests.

    Args:
        ask: show what is going to be moved and wait for a yes; with uncommitted changes, refuse.
        root: the project's folder.

    Returns:
        False where a person said no; then nothing was changed.

    Raises:
        ProjectError: this is no project, or git holds no copy of what would be moved.
    """
    if not (root / "config.yml").is_file():
        raise ProjectError(
            f"There is no 'config.yml' in '{root.resolve()}'.",
            "Call this from the project's folder.",
        )
    moved = [Path(name) for name in REPLACED + DEMO_ONLY if (root / name).exists()]
    moved += sorted(path.relative_to(root) for path in (root / MODELS).glob("*.tar.gz"))
    backup = _new_backup(root)
    if ask:
        _refuse_uncommitted(root)
        if not _is_wanted(moved, backup.relative_to(root)):
            print("Nothing was changed.")
            return False
    _replace(root, moved, backup)
    _unname_demo_intent(root, backup)
    print(
        f"The demo lies in '{backup.relative_to(root)}'; delete that folder when you are sure.\n"
        f"Next: change 'assistant_id' in config.yml, add intents in data/nlu/ and domain.yml, "
        f"and run 'make chat'."
    )
    return True


def _new_backup(root: Path) -> Path:
    name = f"demo-backup-{datetime.now():%Y%m%d-%H%M%S}"
    folder = root / STATE_FOLDER / name
    number = 1
    while folder.exists():
        number += 1
        folder = root / STATE_FOLDER / f"{name}-{number}"
    return folder


def _refuse_uncommitted(root: Path) -> None:
    """Refuse while git does not hold what would be moved; without git there is nothing to ask."""
    try:
        status = subprocess.run(
            ["git", "status", "--porcelain", "--", *REPLACED, *DEMO_ONLY],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return
    changed = [line[3:] for line in status.stdout.splitlines()] if not status.returncode else []
    if changed:
        shown = ", ".join(changed[:5]) + (", ..." if len(changed) > 5 else "")
        raise ProjectError(
            f"{len(changed)} files that would be replaced are not committed: {shown}.",
            "Commit or stash them, or add '--yes': they are moved to a backup either way.",
        )


def _is_wanted(moved: list[Path], backup: Path) -> bool:
    print(f"These are moved to '{backup}', and a minimal assistant takes their place:")
    for path in moved:
        print(f"  {path}")
    try:
        answer = input("Empty the project? [y/N] ")
    except EOFError:  # nobody is there to ask
        return False
    return answer.strip().lower() in ("y", "yes")


def _replace(root: Path, moved: list[Path], backup: Path) -> None:
    """Write the new files aside first, so that a full disk is met before anything is moved."""
    backup.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=backup.parent) as scratch:
        staged = Path(scratch) / "new"
        _copy_template(staged)
        undo: list[tuple[Path, Path]] = []
        try:
            for path in moved:
                _move(root / path, backup / path, undo)
            for name in REPLACED:
                _move(staged / name, root / name, undo)
        except OSError as error:
            for source, target in reversed(undo):
                shutil.move(target, source)
            raise ProjectError(
                f"The project could not be emptied ({error}); everything is where it was.",
                "Mend what it names and try again.",
            ) from error


def _unname_demo_intent(root: Path, backup: Path) -> None:
    """Take the demo's out-of-scope intent out of the files that stay; they name it by a line."""
    for name in NAMING_FILES:
        path = root / name
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.is_file() else []
        kept = [line for line in lines if not _NAMING.match(line)]
        if len(kept) < len(lines):
            shutil.copy2(path, backup / name)
            scratch = path.with_name(f".{name}.new")
            scratch.write_text("".join(kept), "utf-8")
            scratch.replace(path)
            print(f"{name} does not name '{DEMO_INTENT}' any more.")


def _move(source: Path, target: Path, undo: list[tuple[Path, Path]]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
    undo.append((source, target))


def _copy_template(target: Path) -> None:
    for path in sorted(TEMPLATE.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".pyo"):
            copy = target / str(path.relative_to(TEMPLATE)).removesuffix(_SUFFIX)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
