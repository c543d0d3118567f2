"""`bot export`: what reviewers accepted becomes training data, and tests kept apart from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ProjectError
from bot.feedback import provenance, quarantine
from bot.feedback.accepted import Accepted, read_accepted
from bot.feedback.export import HELD_OUT, STORIES, TRAINING, files_of
from bot.feedback.export_checks import Checks
from bot.feedback.export_domain import declared_intents, is_name, with_intents
from bot.feedback.export_files import changes, clear, content_of, sole_writer, write
from bot.feedback.export_plan import Known, Plan, Planner
from bot.feedback.leakage import said_in_stories, tests_of
from bot.feedback.project import Project
from bot.feedback.relabel import Relabelling, relabel, without_lines
from bot.feedback.store import DEFAULT_URL, Store

FOLDERS = (HELD_OUT, TRAINING)  # in the order of writing: what is held out comes first
_DATA = Path("data")


def export(
    *,
    key: bytes,
    url: str = DEFAULT_URL,
    held_out_share: float = 0.2,
    add_intents: bool = False,
    check: bool = False,
    root: Path = Path("."),
) -> bool:
    """Write what reviewers accepted; say whether everything was up to date already.

    Args:
        key: the key of the feedback store.
        url: the feedback store.
        held_out_share: the share of the conversations that are kept for tests.
        add_intents: add new intents to the domain.
        check: write nothing, only say what would change.
        root: the project.

    Raises:
        BotError: something a person must mend first.
    """
    store = Store(url, key)
    try:
        with sole_writer(root):
            made = prepare(store, held_out_share, add_intents=add_intents, root=root)
            changed = changes(made.files)
            if not check:
                clear({path.parent for path in made.files})
                write(_origins_first(changed))
                write({**changed, **changes(made.list)})
    finally:
        store.close()
    print(made.told(changed, check=check))
    return not changed


@dataclass
class Prepared:
    """An export that is ready to be written.

    Attributes:
        files: the content of each generated or changed file, in the order of writing.
        list: the list of what is quarantined; not in git, so it says nothing about being up to
            date.
    """

    root: Path
    plan: Plan
    relabelling: Relabelling
    added: list[str]
    earlier: Mapping[Path, list[provenance.Origin]]
    by_hand: list[Path]
    files: dict[Path, str | bytes | None]
    list: dict[Path, str | None]

    def told(self, changed: Iterable[Path], *, check: bool) -> str:
        """Tell a person what happened, or would."""
        lines = [self._side(folder) for folder in (TRAINING, HELD_OUT)]
        if self.plan.already:
            lines.append(f"{self.plan.already:,} messages are in the training data already.")
        if self.added:
            lines.append(f"New in the domain: {', '.join(self.added)}. Say what the bot does then.")
        if n_lines := sum(map(len, self.relabelling.lines.values())):
            files = ", ".join(sorted(name for name, gone in self.relabelling.lines.items() if gone))
            lines.append(f"Label checks: {n_lines:,} examples taken out of {files}.")
        for path in self.by_hand:
            lines.append(f"{path} was not as the last export left it; it is written anew.")
        for leak in self.plan.leaks:
            lines.append(f"Held out, and trained on all the same: {leak}. Take it out of there.")
        if self.plan.quarantined:
            count = len(self.plan.quarantined)
            where = "bot export lists them in" if check else "They are listed in"
            lines.append(f"Not exported: {count:,}. {where} {quarantine.LIST}.")
            lines += quarantine.told(self.plan.quarantined)
        names = [path.relative_to(self.root).as_posix() for path in changed]
        if not names:
            return "\n".join([*lines, "Nothing had to change."])
        return "\n".join([*lines, f"{'Would change' if check else 'Changed'}: {', '.join(names)}."])

    def _side(self, folder: Path) -> str:
        now = {origin.key for origin in self.plan.origins[folder] if origin.file}
        before = {origin.key for origin in self.earlier[folder] if origin.file}
        new, gone = len(now - before), len(before - now)
        stories = sum(origin.file == STORIES[folder] for origin in self.plan.origins[folder])
        purpose = "to train on" if folder == TRAINING else "held out for tests"
        more = f", {stories:,} of them stories" if stories else ""
        return f"{folder}: {len(now):,} {purpose}{more} ({new:,} new, {gone:,} taken back)."


def prepare(store: Store, share: float, *, add_intents: bool, root: Path) -> Prepared:
    """Decide what an export writes.

    Raises:
        BotError: something a person must mend first.
    """
    project = Project.load(root)
    earlier = {folder: provenance.read(root / folder) for folder in FOLDERS}
    with store.read() as db:
        accepted = read_accepted(db, [origin for some in earlier.values() for origin in some])
    examples = [x for x in project.examples if not x.file.startswith(f"{TRAINING.as_posix()}/")]
    relabelling = relabel(accepted.checks, examples, earlier[TRAINING], root)
    declared = declared_intents(root)
    added = _new_intents(accepted, declared) if add_intents else []
    checks = Checks(project, declared | {*added}, accepted.proposed)
    said = [
        (text, place)
        for text, place in said_in_stories(root / _DATA, root)
        if not place.file.startswith(f"{TRAINING.as_posix()}/")
    ]
    known = Known(earlier, examples, said, list(tests_of(root)))
    plan = Planner(known, accepted, relabelling, checks, share).plan()
    files: dict[Path, str | bytes | None] = {}
    by_hand = []
    for folder in FOLDERS:
        files |= {
            root / folder / name: x for name, x in files_of(folder, plan.origins[folder]).items()
        }
        by_hand += _by_hand(root, folder, earlier[folder])
    if added:
        path, content = with_intents(root, added)
        files[path] = content
    for name, gone in sorted(relabelling.lines.items()):
        if gone:
            files[root / name] = without_lines(root / name, gone)
    listed = {root / quarantine.LIST: quarantine.written(plan.quarantined)}
    return Prepared(root, plan, relabelling, added, earlier, by_hand, files, listed)


def _new_intents(accepted: Accepted, declared: frozenset[str]) -> list[str]:
    """Give the intents that annotations use and the domain lacks; retrieval intents need more."""
    used = {origin.label or "" for origin in accepted.examples}
    return sorted(label for label in used - declared if is_name(label))


def _origins_first(changed: Mapping[Path, bytes | None]) -> dict[Path, bytes | None]:
    """Give provenance of what is written and of what still is: no kill leaves words without it."""
    both: dict[Path, bytes | None] = {}
    for path, content in changed.items():
        old = content_of(path) if path.name == provenance.FILE else None
        if old is not None:
            lines = dict.fromkeys([*old.splitlines(keepends=True), *_lines(content)])
            both[path] = b"".join(lines)
        elif path.name == provenance.FILE:
            both[path] = content
    return both


def _lines(content: bytes | None) -> list[bytes]:
    return (content or b"").splitlines(keepends=True)


def _by_hand(root: Path, folder: Path, earlier: Iterable[provenance.Origin]) -> list[Path]:
    """Give the generated files that people have changed since."""
    try:
        made = files_of(folder, earlier)
    except ProjectError:  # somebody has changed what the files follow from
        return []
    del made[provenance.FILE]
    wanted = changes({root / folder / name: content for name, content in made.items()})
    return [path.relative_to(root) for path in wanted if path.is_file()]
