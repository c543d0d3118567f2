"""`bot models`, and what `bot promote` and `bot rollback` print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.errors import ProjectError
from bot.lifecycle.card_facts import ENDING
from bot.lifecycle.cards import Card, check_digest
from bot.lifecycle.checks.archives import newest_model
from bot.lifecycle.promote import promote, rollback
from bot.lifecycle.registry import MODELS, NO_KEY, Pointer, Registry


@dataclass(frozen=True)
class Row:
    """A model in the table.

    Attributes:
        model: its name.
        state: `live`, `earlier`, `candidate`, or `other` for one that never went live.
        card: what is known of it; None without a card, or with one that is not genuine.
        check: `ok`, `digest only`, `no card`, or what is wrong.
        problem: the sentence behind that; empty where nothing is wrong.
    """

    model: str
    state: str
    card: Card | None
    check: str
    problem: str = ""


def show_models(key: bytes | None, models: Path = MODELS) -> bool:
    """Print the models; say whether the live one is genuine."""
    registry = Registry(models, key)
    pointer, wrong = _pointer(registry)
    rows = list(list_models(registry, pointer))
    console = Console()
    if not rows:
        console.print(f"There is no model in '{models}' yet. Train one with 'make train'.")
        return not wrong
    console.print(_table(rows))
    for problem in filter(None, [wrong, *(row.problem for row in rows)]):
        console.print(problem, style="red", markup=False)
    if key is None:
        console.print(NO_KEY, style="yellow", markup=False)
    if note := _newest_is_another(registry, pointer):
        console.print(note, style="yellow", markup=False)
    live_is_fine = all(row.check in ("ok", "digest only") for row in rows if row.state == "live")
    return live_is_fine and not wrong


def list_models(registry: Registry, pointer: Pointer) -> Iterator[Row]:
    """Yield the live model, the earlier ones, the candidates and the others; latest first."""
    lying = _names(registry.models)
    known = [name for name in (pointer.live, *reversed(pointer.earlier)) if name]
    for number, name in enumerate(known):
        yield _row(registry, registry.archive(name), "earlier" if number else "live")
    for name in sorted(_names(registry.candidates) - set(known), reverse=True):
        yield _row(registry, registry.candidates / f"{name}{ENDING}", "candidate")
    for name in sorted(lying - set(known), reverse=True):
        row = _row(registry, registry.archive(name), "other")
        state = "earlier" if row.card and row.card.was_live else "other"
        yield Row(row.model, state, row.card, row.check, row.problem)


def promote_model(model: Path, key: bytes | None, *, force: bool, why: str, command: str) -> None:
    """Promote a model and say so."""
    registry = Registry(MODELS, key)
    card = promote(registry, model, force=force, why=why, command=command)
    _say_live(registry, card)


def roll_back(to: Path | None, key: bytes | None, *, command: str) -> None:
    """Go back to an earlier model and say so."""
    registry = Registry(MODELS, key)
    card = rollback(registry, to, command=command)
    _say_live(registry, card)


def _say_live(registry: Registry, card: Card) -> None:
    print(f"{card.model} is live.")
    if before := registry.pointer().earlier:
        print(f"'bot rollback' goes back to {before[-1]}.")
    if registry.key is None:
        print(f"Warning: {NO_KEY}")


def _pointer(registry: Registry) -> tuple[Pointer, str]:
    try:
        return registry.pointer(), ""
    except ProjectError as error:
        return Pointer(), str(error)


def _names(folder: Path) -> set[str]:
    return {path.name.removesuffix(ENDING) for path in folder.glob(f"*{ENDING}") if path.is_file()}


def _row(registry: Registry, archive: Path, state: str) -> Row:
    model = archive.name.removesuffix(ENDING)
    if not archive.is_file():
        return Row(model, state, None, "gone", f"'{archive}' is gone.")
    card = None
    try:
        card = registry.card(model)
        if card is None:
            return Row(model, state, None, "no card")
        check_digest(card, archive)
    except ProjectError as error:
        return Row(model, state, card, "wrong", str(error))
    return Row(model, state, card, "ok" if registry.key is not None else "digest only")


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("model", "state", "trained", "intents", "entities", "stories", "gate", "card"):
        table.add_column(column, overflow="fold")
    for row in rows:
        scores: dict[str, Any] = (row.card.scores if row.card else None) or {}
        table.add_row(
            row.model,
            row.state,
            row.card.trained_at[:16] if row.card else "",
            _share(scores.get("intent_weighted_f1")),
            _share(scores.get("entity_f1")),
            f"{scores['stories_right']} of {scores['stories']}" if scores.get("stories") else "",
            _verdict(row.card),
            row.check,
            style="bold" if row.state == "live" else "",
        )
    return table


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _verdict(card: Card | None) -> str:
    """Say what the gate decided, and whether somebody overruled it."""
    if card is None:
        return ""
    said = "not judged" if card.verdict is None else "refused"
    if card.verdict and card.verdict.get("passed"):
        said = "passed"
    forced = [entry for entry in card.history if entry["what"] == "forced"]
    return f"{said}, forced: {forced[-1].get('why', '')}" if forced else said


def _newest_is_another(registry: Registry, pointer: Pointer) -> str:
    """Say where plain Rasa would load something else than the live model."""
    if pointer.live is None or not any(registry.models.glob(f"*{ENDING}")):
        return ""
    newest = newest_model(registry.models).name
    if newest == registry.archive(pointer.live).name:
        return ""
    return (
        f"'{newest}' is newer than the live model: plain `rasa run` would load it. 'bot serve' "
        f"serves the live one."
    )
