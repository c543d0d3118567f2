"""`bot promote` and `bot rollback`: change which model is live, in one step.

What a kill leaves behind is the old state or the new one. First the archive is put in place, older
by its time than what is there, so that nothing loads it by accident; then its card; then the live
pointer, and with that it is done. What follows only helps plain `rasa run`, which knows no pointer.
"""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from bot.errors import ProjectError
from bot.evaluation.verdict import from_json
from bot.feedback.export_files import clear, write
from bot.lifecycle.card_facts import ENDING, describe
from bot.lifecycle.cards import Card, check_digest, digest_of
from bot.lifecycle.contents import inspect
from bot.lifecycle.registry import Pointer, Registry, noted

_CHUNK = 1 << 20
_SCRATCH = ".writing"  # no ending that Rasa reads, and what `clear` removes


def promote(
    registry: Registry, model: Path, *, force: bool = False, why: str = "", command: str = ""
) -> Card:
    """Make a candidate the live model.

    Args:
        registry: of the project's models.
        model: a path, or a name among the candidates and models.
        force: go on without a passing verdict, or with a card that is not genuine; never with an
            archive that differs from its card or would import strange classes.
        why: the reason, which the card keeps; needed with `force`.
        command: as it was typed, for the card.

    Returns:
        The card of the model that is live now.

    Raises:
        ProjectError: it must not go live, or somebody else is changing what is live.
    """
    if force and not why.strip():
        raise ProjectError(
            "A promotion by force needs a reason, which the card keeps.", "Add --why TEXT."
        )
    with registry.sole_writer():
        _clear(registry)
        archive = registry.find(model)
        before = _pointer(registry, force)
        card = _card(registry, archive, force)
        if not force:
            _check_verdict(card, before)
        card = noted(
            card,
            when=now(),
            command=command or "bot promote",
            what="forced" if force else "promoted",
            why=why.strip(),
        )
        placed = _place(registry, archive, card)
        return _go_live(registry, card, _after(before, card.model), placed, archive)


def rollback(registry: Registry, to: Path | None = None, *, command: str = "") -> Card:
    """Make an earlier live model live again, by default the last one.

    Args:
        registry: of the project's models.
        to: another model that was live once.
        command: as it was typed, for the card.

    Returns:
        The card of the model that is live now.

    Raises:
        ProjectError: there is none, or it must not be opened.
    """
    with registry.sole_writer():
        _clear(registry)
        before = registry.pointer()
        model = _target(registry, before, to)
        archive = registry.archive(model)
        if not archive.is_file():
            raise ProjectError(
                f"The earlier model '{archive}' is gone.", "Name another by --to MODEL."
            )
        card = registry.verify(archive)
        if card is None or not card.was_live:
            raise ProjectError(f"{model} was never live.", f"'bot promote {model}' judges it.")
        card = noted(card, when=now(), command=command or "bot rollback", what="rolled back")
        earlier = before.earlier
        if model in earlier:
            pointer = Pointer(model, earlier[: earlier.index(model)], now())
        else:
            pointer = _after(before, model)
        return _go_live(registry, card, pointer, archive, archive)


def now() -> str:
    """Give the time, UTC, ISO 8601 to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _target(registry: Registry, before: Pointer, to: Path | None) -> str:
    """Give the name of the model to go back to."""
    if before.live is None:
        raise ProjectError(
            "No model was promoted yet, so there is none to go back to.",
            "'bot models' lists the models; 'bot promote' makes one live.",
        )
    if to is not None:
        model = to.name.removesuffix(ENDING)
        if model == before.live:
            raise ProjectError(f"{model} is live already.")
        return model
    if not before.earlier:
        raise ProjectError(
            f"Before {before.live} no model was live.",
            "Another one goes live by 'bot promote MODEL --force --why TEXT'.",
        )
    return before.earlier[-1]


def _pointer(registry: Registry, force: bool) -> Pointer:
    """Read the pointer; by force, one that is not genuine counts as none."""
    try:
        return registry.pointer()
    except ProjectError:
        if not force:
            raise
        return Pointer()


def _card(registry: Registry, archive: Path, force: bool) -> Card:
    """Give the card of an archive that may be opened; by force, a new one where none is genuine."""
    contents = inspect(archive, registry.project)
    try:
        card = registry.card(archive.name.removesuffix(ENDING))
    except ProjectError:
        if not force:
            raise
        card = None
    if card is not None:
        check_digest(card, archive)
        return card
    if not force:
        raise ProjectError(
            f"Nobody has judged '{archive}': it has no card.",
            "'bot improve' trains, evaluates and judges. To promote it all the same: "
            "--force --why TEXT.",
        )
    return describe(archive, contents, project=registry.project)


def _check_verdict(card: Card, before: Pointer) -> None:
    """Refuse a model that the gate did not let pass, or held against another live model."""
    if card.model == before.live:
        raise ProjectError(f"{card.model} is live already.")
    remedy = "To promote it all the same: --force --why TEXT."
    if card.verdict is None:
        raise ProjectError(
            f"The gate has not judged {card.model}.", f"'bot improve' does. {remedy}"
        )
    verdict = from_json(card.verdict)
    if not verdict.passed:
        raise ProjectError("\n  ".join([verdict.headline, *verdict.reasons]) + "\n", remedy)
    if verdict.candidate != card.model or before.live not in (verdict.live, None):
        raise ProjectError(
            f"The gate held {verdict.candidate} against {verdict.live or 'no model'}, but "
            f"{before.live} is live now.",
            f"Judge it anew. {remedy}",
        )


def _after(before: Pointer, model: str) -> Pointer:
    """Give the pointer once another model is live."""
    if before.live in (model, None):
        return Pointer(model, before.earlier, now())
    kept = (name for name in before.earlier if name not in (model, before.live))
    return Pointer(model, (*kept, str(before.live)), now())


def _place(registry: Registry, archive: Path, card: Card) -> Path:
    """Copy the archive to where live ones lie, whole or not at all; it stays where it was."""
    target = registry.archive(card.model)
    if target.exists():
        check_digest(card, target)
        return target
    scratch = target.with_name(f".{target.name}{_SCRATCH}")
    try:
        digest = _copy(archive, scratch)
        if digest != card.manifest["sha256"]:
            raise ProjectError(f"'{archive}' was changed while it was copied.", "Try again.")
        others = [path.stat().st_mtime_ns for path in registry.models.glob(f"*{ENDING}")]
        if others:
            before_all = min(others) - 10**9
            os.utime(scratch, ns=(before_all, before_all))
        os.replace(scratch, target)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        raise ProjectError(
            f"'{target}' cannot be written ({error.strerror}).",
            "The live model stays. Make room or give the right to write, and try again.",
        ) from error
    finally:
        with suppress(OSError):
            scratch.unlink()
    return target


def _copy(source: Path, target: Path) -> str:
    """Copy a file down to the disk and give the SHA-256 of what was written."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as written:
        while chunk := read.read(_CHUNK):
            digest.update(chunk)
            written.write(chunk)
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()


def _go_live(registry: Registry, card: Card, pointer: Pointer, placed: Path, source: Path) -> Card:
    """Write the card and then the pointer, which is the step; then tidy up."""
    files = registry.card_files(card)
    write({**files, registry.pointer_file: registry.pointer_content(pointer)})
    os.utime(placed)  # plain `rasa run` loads the newest
    if source.parent.resolve() == registry.candidates.resolve():
        _remove_copy(source, placed)
    return card


def _remove_copy(candidate: Path, live: Path) -> None:
    """Remove a candidate that went live, once it is certain to be the same archive."""
    if candidate.is_file() and digest_of(candidate) == digest_of(live):
        candidate.unlink()


def _clear(registry: Registry) -> None:
    """Remove what a killed promotion left, and finish what it had decided."""
    clear([registry.models, registry.models / "registry"])
    with suppress(ProjectError):
        live = registry.pointer().live
        archive = None if live is None else registry.archive(live)
        if archive is not None and archive.is_file():
            newest = max(path.stat().st_mtime_ns for path in registry.models.glob(f"*{ENDING}"))
            if archive.stat().st_mtime_ns < newest:
                os.utime(archive)
            _remove_copy(registry.candidates / archive.name, archive)
