"""A message with all that a reviewer must see to decide about it, as the API gives it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t
from bot.feedback.deciding import Gone, annotation_rows, chunks
from bot.feedback.neighbours import Neighbours
from bot.feedback.project import Project
from bot.feedback.settling import DISPUTED, OPEN
from bot.feedback.store import Store

CANDIDATES = 5
COMPARED = 2  # of the likeliest labels, the nearest examples are shown
_SHARE = 0.0001


class Items:
    """Puts items together from the store, the project and the model's suggestions."""

    def __init__(
        self,
        store: Store,
        project: Project,
        neighbours: Neighbours | None = None,
        model: str | None = None,
    ) -> None:
        """Take what items are made of; `model` is whose suggestions go before those said live."""
        self.store = store
        self.project = project
        self.neighbours = neighbours
        self.model = model
        self._labels = frozenset(project.intents)
        self._entities = frozenset(entity.name for entity in project.entities)

    def item(self, turn_id: int, reviewer: str, *, with_others: bool = False) -> dict[str, Any]:
        """Give a message by its id.

        Raises:
            Gone: there is no such message.
        """
        with self.store.read() as db:
            (item,) = self.items(db, [turn_id], reviewer, with_others=with_others) or (None,)
        if item is None:
            raise Gone(f"There is no message {turn_id} any more. Go on with the next one.")
        return item

    def items(
        self, db: Connection, turn_ids: Sequence[int], reviewer: str, *, with_others: bool = False
    ) -> list[dict[str, Any]]:
        """Give several messages in the order of their ids as given."""
        turns, places = t.turns.c, t.conversations.c
        query = sa.select(t.turns, places.n_turns).select_from(t.turns.join(t.conversations))
        query = query.where(turns.id.in_(list(turn_ids)), turns.kind == "message")
        rows = {row.id: row for row in db.execute(query)}
        annotations = annotation_rows(db, list(rows))
        suggestions = self._suggestions(db, list(rows))
        return [
            self._item(
                db,
                rows[number],
                suggestions.get(number),
                annotations.get(number, {}),
                reviewer,
                with_others,
            )
            for number in turn_ids
            if number in rows
        ]

    def texts(self, turn_ids: Sequence[int]) -> dict[int, str]:
        """Give the texts of those messages that are there."""
        turns, found = t.turns.c, {}
        with self.store.read() as db:
            for some in chunks(turn_ids):
                query = sa.select(turns.id, turns.text)
                rows = db.execute(query.where(turns.id.in_(some), turns.kind == "message"))
                found.update({row.id: row.text for row in rows})
        return found

    def text(self, turn_id: int) -> str:
        """Give the text of a message.

        Raises:
            Gone: there is no such message.
        """
        found = self.texts([turn_id])
        if turn_id not in found:
            raise Gone(f"There is no message {turn_id} any more. Go on with the next one.")
        return found[turn_id]

    def status(self, turn_id: int) -> str | None:
        """Give the status of a message, None where there is none."""
        with self.store.read() as db:
            query = sa.select(t.turns.c.status).where(t.turns.c.id == turn_id)
            found: str | None = db.execute(query).scalar_one_or_none()
        return found

    def suggested(self, turn_id: int) -> tuple[str | None, str | None]:
        """Give the label that is shown as the machine's, and the model that said it."""
        with self.store.read() as db:
            row = self._suggestions(db, [turn_id]).get(turn_id)
        return (None, None) if row is None else (row.label, row.model)

    def _item(
        self,
        db: Connection,
        row: Any,
        said: Any,
        annotations: Mapping[str, Any],
        reviewer: str,
        with_others: bool,
    ) -> dict[str, Any]:
        candidates = [] if said is None else self._candidates(said)
        thumbs = json.loads(row.thumbs)
        comments = [thumb.get("comment") for thumb in thumbs.values() if thumb.get("comment")]
        times, group = self._group(db, row, reviewer)
        own = annotations.get(reviewer)
        others = [_annotation(a) for name, a in sorted(annotations.items()) if name != reviewer]
        item = {
            "id": row.id,
            "text": row.text,
            "time": row.time,
            "channel": row.channel,
            "model": row.model,
            "status": row.status,
            "reasons": json.loads(row.reasons),
            "suggestion": None if said is None else self._suggestion(said, row.model),
            "candidates": candidates,
            "entities": [] if said is None else self._spans(said.entities, row.text),
            "picked": row.picked,
            "thumb": row.thumb,
            "thumb_comment": comments[0] if comments else None,
            "times": times,
            "group": group,
            "neighbours": self._neighbours(row.text, candidates),
            "conversation": {
                "id": row.conversation_id,
                "position": row.position,
                "turns": row.n_turns,
            },
            "annotation": None if own is None else _annotation(own),
            "others": [other for other in others if other["status"] != "draft"],
        }
        if not with_others:
            item["others"] = []
        return item

    def _suggestions(self, db: Connection, turn_ids: Sequence[int]) -> dict[int, Any]:
        """Give the suggestion of each turn: the model's own, else what was said live."""
        found: dict[int, Any] = {}
        for some in chunks(turn_ids):
            columns = t.suggestions.c
            query = sa.select(t.suggestions).where(columns.turn_id.in_(some)).order_by(columns.id)
            for row in db.execute(query):
                if row.turn_id not in found or row.model == self.model:
                    found[row.turn_id] = row
        return found

    def _suggestion(self, said: Any, live: str | None) -> dict[str, Any]:
        return {
            "label": said.label,
            "confidence": said.confidence,
            "source": "model" if said.model == self.model != live else "live",
        }

    def _candidates(self, said: Any) -> list[dict[str, Any]]:
        """Give the likeliest labels that a reviewer may choose, best first."""
        ranked = [] if said.label is None else [(said.label, said.confidence or 0.0)]
        ranked += [(name, score) for name, score in json.loads(said.ranking) if score >= _SHARE]
        found: dict[str, float] = {}
        for name, score in ranked:
            if name in self._labels:
                found.setdefault(name, score)
        # The suggestion stays first: key 1 must be what Enter is.
        return [
            {"label": name, "confidence": score} for name, score in list(found.items())[:CANDIDATES]
        ]

    def _spans(self, entities: str, text: str) -> list[dict[str, Any]]:
        """Give the model's entities that the domain knows, without overlaps."""
        found: list[dict[str, Any]] = []
        for entity in json.loads(entities):
            start, end = entity.get("start"), entity.get("end")
            fits = type(start) is int and type(end) is int and 0 <= start < end <= len(text)
            if not fits or entity.get("entity") not in self._entities:
                continue
            if any(start < other["end"] and other["start"] < end for other in found):
                continue
            found.append(_span(entity, text))
        return sorted(found, key=lambda span: span["start"])

    def _group(self, db: Connection, row: Any, reviewer: str) -> tuple[int, list[dict[str, Any]]]:
        """Give how often the very text of an item waits, and the other texts of its group."""
        if row.group_id != row.id:
            return 1, []
        turns = t.turns.c
        wanted = turns.status.in_({OPEN, row.status if row.status == DISPUTED else OPEN})
        query = (
            sa.select(turns.id, turns.text)
            .where(turns.group_id == row.id, turns.head == 0, wanted)
            .order_by(turns.id)
        )
        shown: dict[str, dict[str, Any]] = {}
        times = 1
        for member in db.execute(query):
            if member.text == row.text:
                times += 1
            elif member.text in shown:
                shown[member.text]["times"] += 1
            else:
                shown[member.text] = {"id": member.id, "text": member.text, "times": 1}
        said = self._suggestions(db, [member["id"] for member in shown.values()])
        for member in shown.values():
            known = said.get(member["id"])
            member["entities"] = (
                [] if known is None else self._spans(known.entities, member["text"])
            )
        return times, list(shown.values())

    def _neighbours(
        self, text: str, candidates: Iterable[Mapping[str, Any]]
    ) -> dict[str, list[dict[str, Any]]]:
        if self.neighbours is None:
            return {}
        labels = [candidate["label"] for candidate in candidates][:COMPARED]
        return {label: self.nearest(text, label) for label in labels}

    def nearest(self, text: str, label: str) -> list[dict[str, Any]]:
        """Give the training examples of a label that are nearest to a text."""
        if self.neighbours is None:
            return []
        found = self.neighbours.nearest(text, label)
        return [{"text": near.text, "similarity": near.similarity} for near in found]


def _span(entity: Mapping[str, Any], text: str) -> dict[str, Any]:
    start, end = entity["start"], entity["end"]
    return {
        "start": start,
        "end": end,
        "entity": entity["entity"],
        "role": entity.get("role") or None,
        "group": entity.get("group") or None,
        "value": entity.get("value") or text[start:end],
    }


def _annotation(row: Any) -> dict[str, Any]:
    return {
        "reviewer": row.reviewer,
        "status": row.status,
        "label": row.label,
        "entities": json.loads(row.entities),
        "note": row.note,
        "adjudicates": bool(row.adjudicates),
        "updated_at": row.updated_at,
    }
