"""Label checks put into effect: doubtful examples are taken out of the files people wrote.

One that a reviewer relabelled moves to `data/feedback/nlu.yml`, one that was removed is gone. The
line must still hold the example, or exactly one other line of the file; every other byte of the
file stays as it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.feedback.export import TRAINING, read_marked
from bot.feedback.project import TrainingExample
from bot.feedback.provenance import NLU, RELABELLED, Origin
from bot.feedback.quarantine import Quarantined

GONE = ("relabelled", "removed")


@dataclass
class Relabelling:
    """What label checks come to.

    Attributes:
        origins: examples with their new label.
        lines: what is taken out, by file: line from 1 and the example that it holds.
        quarantined: checks that could not be put into effect, and why.
        replaced: lines that are taken out only if their new label can be used, by turn.
        undone: turns of checks whose line stays for that reason.
    """

    origins: list[Origin] = field(default_factory=list)
    lines: dict[str, dict[int, TrainingExample]] = field(default_factory=lambda: defaultdict(dict))
    quarantined: list[Quarantined] = field(default_factory=list)
    replaced: dict[str, tuple[str, int]] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)

    def keep_line(self, turn: str) -> None:
        """Leave an example where it is, because the relabelled one cannot be written."""
        if turn in self.replaced:
            file, line = self.replaced.pop(turn)
            del self.lines[file][line]
            self.undone.add(turn)


def relabel(
    checks: Iterable[Any],
    examples: Sequence[TrainingExample],
    earlier: Iterable[Origin],
    root: Path,
) -> Relabelling:
    """Find what label checks change.

    Args:
        checks: rows of `label_checks`.
        examples: the training data.
        earlier: what earlier exports wrote.
        root: the project.
    """
    done = {origin.turn: origin for origin in earlier if origin.turn.startswith(RELABELLED)}
    places: dict[tuple[str, str, str], list[TrainingExample]] = defaultdict(list)
    left: Counter[tuple[str, str]] = Counter()
    for example in examples:
        places[example.file, example.text, example.label].append(example)
        left[example.file, example.label] += 1
    found = Relabelling()
    for check in checks:
        turn = RELABELLED + check.digest
        if check.status not in GONE:
            if turn in done:  # decided otherwise since: the label it had comes back
                found.origins.append(_origin(done.pop(turn), check.label, check))
            continue
        known = places[check.file, check.text, check.label]
        if Path(check.file).parent == TRAINING:
            if known:
                found.quarantined.append(_annotated(check))
            continue
        place = next((example for example in known if example.line == check.line), None)
        place = place or (known[0] if len(known) == 1 else None)
        if place is None and known:
            found.quarantined.append(_ambiguous(check, known))
        elif place is None and check.status == "relabelled" and turn not in done:
            found.quarantined.append(_missing(check))
        elif place is not None and left[place.file, place.label] == 1:
            found.quarantined.append(_last(check, place))
        elif place is not None:
            left[place.file, place.label] -= 1
            _take_out(found, check, place, root)
        if check.status == "relabelled" and turn in done and place is None:
            found.origins.append(_origin(done[turn], check.decided_label, check))
        done.pop(turn, None)
    found.origins += done.values()  # checks of another store
    return found


def _take_out(found: Relabelling, check: Any, place: TrainingExample, root: Path) -> None:
    turn = RELABELLED + check.digest
    written = _line(root / place.file, place)
    if written is None:
        found.quarantined.append(_unreachable(check, place))
        return
    found.lines[place.file][place.line] = place
    if check.status == "relabelled":
        text, entities = read_marked(written)
        found.replaced[turn] = (place.file, place.line)
        blank = Origin(NLU, "", turn, text, entities=tuple(entities))
        found.origins.append(_origin(blank, check.decided_label, check))


def _origin(origin: Origin, label: str | None, check: Any) -> Origin:
    return Origin(
        file=NLU,
        sender="",
        turn=origin.turn,
        text=origin.text,
        time=check.updated_at,
        model=check.model,
        suggested=check.label,
        label=label,
        reviewer=check.reviewer,
        entities=origin.entities,
    )


def _line(path: Path, place: TrainingExample) -> str | None:
    """Give an example as it is written, None where it is no line of a block of examples."""
    lines = path.read_bytes().decode("utf-8-sig").split("\n")
    if place.line > len(lines):
        return None
    line = lines[place.line - 1].strip()
    if not line.startswith("-"):
        return None
    written = line[1:].strip("\n\r ")
    return written if read_marked(written)[0] == place.text else None


def without_lines(path: Path, numbers: Iterable[int]) -> bytes:
    """Give a file without some of its lines, every other byte as it was."""
    gone = set(numbers)
    lines = path.read_bytes().split(b"\n")
    return b"\n".join(line for number, line in enumerate(lines, 1) if number not in gone)


def _ambiguous(check: Any, known: Sequence[TrainingExample]) -> Quarantined:
    lines = ", ".join(str(example.line) for example in known)
    return _told(
        check,
        "ambiguous",
        f"{check.file} holds it on the lines {lines}, and no longer on line {check.line}.",
        "Take the wrong one out by hand.",
    )


def _missing(check: Any) -> Quarantined:
    return _told(
        check,
        "gone",
        f"{check.file}:{check.line} no longer holds it as {check.label}.",
        "Run `bot rank` again, so that the check is about the file as it is.",
    )


def _unreachable(check: Any, place: TrainingExample) -> Quarantined:
    return _told(
        check,
        "unreachable",
        f"{place.file}:{place.line} is no plain line of a block of examples.",
        "Change it by hand.",
    )


def _last(check: Any, place: TrainingExample) -> Quarantined:
    return _told(
        check,
        "last_example",
        f"{place.file}:{place.line} is the last example of {place.label} in that file.",
        "Write another one there, or take the intent out of the file by hand.",
    )


def _annotated(check: Any) -> Quarantined:
    return _told(
        check,
        "annotated",
        f"{check.file} comes from annotations.",
        "Annotate the message anew: open it in what is done on the review page.",
    )


def _told(check: Any, code: str, reason: str, remedy: str) -> Quarantined:
    return Quarantined(
        turn=RELABELLED + check.digest,
        conversation="",
        text=check.text,
        label=check.decided_label or check.label,
        code=code,
        reason=reason,
        remedy=remedy,
    )
