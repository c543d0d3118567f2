"""One person's words taken out of the files that `bot export` writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bot.feedback import provenance, quarantine
from bot.feedback.export import HELD_OUT, TRAINING, files_of, is_writable
from bot.feedback.export_files import changes, clear, sole_writer, write


@dataclass
class Cleaned:
    """What was taken out of the files, and what stands in the way of the rest."""

    files: list[tuple[Path, provenance.Origin]] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)


def clean(sender: str, folders: Iterable[Path]) -> Cleaned:
    """Write the generated files anew without one person.

    Args:
        sender: the pseudonym of the person.
        folders: those of `data/feedback` and `tests/held_out` that there are.

    Raises:
        BotError: an export is running, or a file cannot be written.
    """
    done = Cleaned()
    for folder in folders:
        root = folder.parent.parent
        listed = root / quarantine.LIST
        if not (folder.is_dir() or listed.is_file()):
            continue
        with sole_writer(root):
            clear([folder, listed.parent])
            _clean_folder(folder, sender, done)
            left = [item for item in quarantine.read(listed) if item.conversation != sender]
            write(changes({listed: _bytes(quarantine.written(left))}))
    return done


def _clean_folder(folder: Path, sender: str, done: Cleaned) -> None:
    side = HELD_OUT if folder.name == HELD_OUT.name else TRAINING
    if broken := provenance.broken(folder):
        done.postponed.append(
            f"{folder / provenance.FILE} has lines that cannot be read, the first is {broken[0]}; "
            f"mend them"
        )
    mine = list(provenance.find(sender, [folder]))
    if not mine:
        return
    origins, lines = provenance.without(folder, sender)
    # What somebody has broken by hand must not keep the rest from being forgotten.
    made = files_of(side, [origin for origin in origins if is_writable(origin)])
    # The list of origins is the last: while it names the person, a second call finds the rest.
    made[provenance.FILE] = lines or None
    write(changes({folder / name: content for name, content in made.items()}))
    done.files += mine


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
