"""What the log says about the bot, and the messages behind each number.

Days are in UTC. The database counts; `messages` gives what is behind a number by the same filters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t
from bot.feedback.drift import drift
from bot.feedback.project import Project
from bot.feedback.selection import (
    CORRECTED,
    DAY_S,
    EPOCH,
    FALLBACK,
    LABEL,
    LIVE,
    MESSAGES,
    MODEL,
    REVIEWED,
    SAID,
    THUMB_DOWN,
    Selection,
    read_cursor,
    selection,
)
from bot.feedback.store import Store

N_BINS = 1000  # of a confidence; a median is exact to half a bin
PAGE = 50


class Cell(NamedTuple):
    """Messages that are alike in all that is counted."""

    day: int
    model: str
    suggested: str | None
    label: str | None
    reviewed: int
    corrected: int
    fallback: int
    down: int
    messages: int
    first: float
    last: float


def insights(
    store: Store,
    project: Project,
    *,
    start: float | None = None,
    end: float | None = None,
    model: str | None = None,
    channel: str | None = None,
) -> dict[str, Any]:
    """Give the numbers of the insights page, as docs/reference/review-api.md describes them.

    Args:
        store: the feedback store.
        project: what the live messages are compared with.
        start: first time, in seconds since 1970.
        end: the time before which it ends.
        model: only what this model answered.
        channel: only what came from this channel.
    """
    chosen = Selection(start=start, end=end, model=model, channel=channel)
    with store.read() as db:
        cells = _cells(db, chosen)
        bins = _bins(db, chosen)
        totals = _totals(db, chosen, cells)
        drifted = drift(
            db, project, chosen, [(c.day, c.model, c.suggested, c.messages) for c in cells]
        )
    return {
        "volume": _volume(cells),
        "totals": totals,
        "intents": _intents(cells),
        "confusions": _confusions(cells),
        "confidence": [
            {
                "day": _day(day),
                "model": name,
                "median": quantile(counts, 0.5),
                "p10": quantile(counts, 0.1),
            }
            for (day, name), counts in sorted(bins.items())
        ],
        "drift": [{**row, "day": _day(row["day"])} for row in drifted],
        "models": _models(cells, bins),
    }


def messages(
    store: Store, /, *, after: str | None = None, limit: int = PAGE, **filters: Any
) -> dict[str, Any]:
    """Give a page of the messages behind a number, newest first.

    Args:
        store: the feedback store.
        after: what the page before gave as `next`.
        limit: messages a page.
        **filters: the fields of `bot.feedback.selection.Selection`, as values or as strings.

    Raises:
        BotError: a filter or the cursor makes no sense.
    """
    turns = t.turns.c
    columns = (
        turns.id,
        turns.text,
        turns.time,
        LABEL.label("label"),
        LIVE.c.confidence,
        turns.fallback,
        turns.thumb,
        turns.conversation_id,
        turns.status,
    )
    wanted = sa.select(*columns).select_from(MESSAGES).where(*selection(filters).where())
    if after:
        time, own = read_cursor(after)
        # The first condition is what an index on the time can begin at.
        wanted = wanted.where(turns.time <= time, sa.or_(turns.time < time, turns.id < own))
    wanted = wanted.order_by(turns.time.desc(), turns.id.desc()).limit(limit + 1)
    with store.read() as db:
        rows = db.execute(wanted).all()
    items = [
        {
            "id": row.id,
            "text": row.text,
            "time": row.time,
            "label": row.label,
            "confidence": row.confidence,
            "fallback": bool(row.fallback),
            "thumb": row.thumb,
            "conversation": row.conversation_id,
            "status": row.status,
        }
        for row in rows[:limit]
    ]
    last = items[-1] if len(rows) > limit else None
    return {"items": items, "next": last and f"{last['time']!r}_{last['id']}"}


def _floor(db: Connection, number: Any) -> Any:
    if db.dialect.name == "postgresql":  # where a cast rounds
        number = sa.func.floor(number)
    return sa.cast(number, sa.Integer)


def _day_of(db: Connection) -> Any:
    return _floor(db, t.turns.c.time / DAY_S)


def _as_number(test: Any) -> Any:
    return sa.case((test, 1), else_=0)


def _cells(db: Connection, chosen: Selection) -> list[Cell]:
    columns = (
        _day_of(db),
        MODEL,
        SAID,
        LABEL,
        _as_number(REVIEWED),
        _as_number(CORRECTED),
        _as_number(FALLBACK),
        _as_number(THUMB_DOWN),
    )
    named = [column.label(f"c{place}") for place, column in enumerate(columns)]
    time = t.turns.c.time
    counted = (sa.func.count(), sa.func.min(time), sa.func.max(time))
    wanted = sa.select(*named, *counted).select_from(MESSAGES).where(*chosen.where())
    by = [sa.text(column.name) for column in named]
    return [Cell(*row) for row in db.execute(wanted.group_by(*by))]


def _bins(db: Connection, chosen: Selection) -> dict[tuple[int, str], Counter[int]]:
    """Count the confidences a day and model in bins."""
    place = _floor(db, LIVE.c.confidence * N_BINS)
    named = [c.label(f"c{n}") for n, c in enumerate((_day_of(db), MODEL, place))]
    wanted = sa.select(*named, sa.func.count()).select_from(MESSAGES)
    wanted = wanted.where(*chosen.where(), LIVE.c.confidence.isnot(None))
    found: dict[tuple[int, str], Counter[int]] = defaultdict(Counter)
    for day, model, bin_, n in db.execute(wanted.group_by(*(sa.text(c.name) for c in named))):
        found[day, model][min(max(bin_, 0), N_BINS - 1)] += n
    return found


def quantile(bins: Counter[int], share: float) -> float:
    """Give the confidence that a share of what was counted does not exceed."""
    wanted, seen = share * sum(bins.values()), 0
    for place in sorted(bins):
        seen += bins[place]
        if seen >= wanted:
            return round((place + 0.5) / N_BINS, 4)
    return 0.0


def _totals(db: Connection, chosen: Selection, cells: list[Cell]) -> dict[str, Any]:
    turns = t.turns.c
    talked = sa.select(sa.func.count(sa.distinct(turns.conversation_id)))
    # A rating is kept with the turn it followed, which may be a button.
    rated = sa.select(sa.func.avg(turns.rating)).where(*chosen.where(any_kind=True))
    rating = db.execute(rated.where(turns.rating.isnot(None))).scalar()
    total = sum(cell.messages for cell in cells)
    return {
        "messages": total,
        "conversations": db.execute(talked.where(*chosen.where())).scalar(),
        "fallback_rate": _share(sum(c.messages for c in cells if c.fallback), total),
        "thumbs_down": sum(c.messages for c in cells if c.down),
        "rating": None if rating is None else round(float(rating), 2),
    }


def _volume(cells: list[Cell]) -> list[dict[str, Any]]:
    days: dict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        days[cell.day].append(cell)
    return [
        {
            "day": _day(day),
            "messages": sum(c.messages for c in found),
            "fallbacks": sum(c.messages for c in found if c.fallback),
            "thumbs_down": sum(c.messages for c in found if c.down),
        }
        for day, found in sorted(days.items())
    ]


def _intents(cells: list[Cell]) -> list[dict[str, Any]]:
    total, reviewed, corrected = Counter[str](), Counter[str](), Counter[str]()
    for cell in cells:
        if cell.label is not None:
            total[cell.label] += cell.messages
            reviewed[cell.label] += cell.messages * cell.reviewed
            corrected[cell.label] += cell.messages * cell.corrected
    return [
        {
            "label": label,
            "messages": n,
            "reviewed": reviewed[label],
            "corrected": corrected[label],
            "correction_rate": _share(corrected[label], reviewed[label]),
        }
        for label, n in sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _confusions(cells: list[Cell]) -> list[dict[str, Any]]:
    pairs = Counter[tuple[str, str]]()
    for cell in cells:
        if cell.corrected and cell.suggested is not None and cell.label is not None:
            pairs[cell.suggested, cell.label] += cell.messages
    return [
        {"suggested": suggested, "label": label, "messages": n}
        for (suggested, label), n in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _models(cells: list[Cell], bins: dict[tuple[int, str], Counter[int]]) -> list[dict[str, Any]]:
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.model].append(cell)
    rows = []
    for model, own in found.items():
        total = sum(c.messages for c in own)
        counted: Counter[int] = sum(
            (counts for (_, name), counts in bins.items() if name == model), Counter()
        )
        rows.append(
            {
                "model": model,
                "messages": total,
                "fallback_rate": _share(sum(c.messages for c in own if c.fallback), total),
                "thumbs_down_rate": _share(sum(c.messages for c in own if c.down), total),
                "confidence": quantile(counted, 0.5),
                "first": min(c.first for c in own),
                "last": max(c.last for c in own),
            }
        )
    return sorted(rows, key=lambda row: -row["last"])


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _day(number: int) -> str:
    return date.fromordinal(EPOCH + number).isoformat()
