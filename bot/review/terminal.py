"""`bot review --cli`: the queue in a terminal, one message after the other, by single keys.

What is typed but not decided is kept as a draft at once, so that a broken line loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bot.errors import BotError
from bot.feedback import proposals
from bot.feedback.deciding import Conflict, Gone
from bot.feedback.project import Project
from bot.feedback.scoring import Scorer
from bot.feedback.settling import DRAFT, SKIPPED
from bot.feedback.store import Store
from bot.feedback.terms import waiting_told
from bot.feedback.transcripts import conversation
from bot.review import bodies
from bot.review.desk import Desk
from bot.review.entity_line import read_entities
from bot.review.keyboard import ENTER, Key, Keyboard, hang_up_ends
from bot.review.label_search import search
from bot.review.pace import Pace
from bot.review.terminal_view import HELP, View
from bot.settings import ReviewSettings


def review_in_terminal(
    store: Store,
    project: Project,
    scorer: Scorer | None,
    reviewer: str,
    settings: ReviewSettings | None = None,
) -> int:
    """Work through the queue until it is empty, or the reviewer leaves; give the exit code.

    Args:
        store: the feedback store.
        project: whose intents and entities can be chosen.
        scorer: the model whose suggestions are shown; None for what was said live.
        reviewer: who decides.
        settings: the section `[review]` of `bot.toml`.
    """
    desk = Desk(store, project, settings or ReviewSettings(), scorer)
    desk.start()
    keyboard = Keyboard()
    sitting = Sitting(desk, reviewer, keyboard, View())
    try:
        with hang_up_ends(), keyboard.single_keys():
            sitting.run()
    except (EOFError, KeyboardInterrupt):
        pass
    finally:
        desk.stop()
        sitting.close()
    return 0


class Sitting:
    """One reviewer at one terminal."""

    def __init__(self, desk: Desk, reviewer: str, keyboard: Keyboard, view: View) -> None:
        self._desk, self._reviewer = desk, reviewer
        self._keyboard, self._view = keyboard, view
        self._pace = Pace()
        self._item: dict[str, Any] = {}
        self._label: str | None = None
        self._entities: list[dict[str, Any]] = []
        self._note = ""
        self._undone: int | None = None
        self._chosen = False
        self._keys: dict[str, Callable[[Key], bool]] = {
            ENTER: self._accept,
            "/": self._search,
            "o": self._out_of_scope,
            "n": self._new_intent,
            "e": self._mark,
            "g": self._leave_out,
            "d": self._discard,
            "s": self._skip,
            "c": self._write_note,
            "u": self._undo,
            "?": self._help,
        }

    def run(self) -> None:
        """Show one message after the other; ends where nothing is left."""
        told = f"You review as {self._reviewer}. Press ? for the keys, q to quit."
        self._view.say(f"{told} {waiting_told(self._desk.store)}".strip())
        while self._next():
            while True:
                key = self._keyboard.key()
                if key.name == "q":
                    return
                try:
                    if self._press(key):
                        break
                except (Gone, Conflict) as error:
                    self._view.say(str(error), "yellow")
                    break
                except BotError as error:
                    self._view.say(str(error), "yellow")
        self._view.say("Nothing is left to review.")

    def close(self) -> None:
        """Keep what was chosen but not decided, and say what was done."""
        if self._chosen:
            with suppress(BotError):
                self._keep_draft()
        left = self._desk.queue.left(self._reviewer).messages
        self._view.say(f"\n{self._pace.words(left)}")

    def _press(self, key: Key) -> bool:
        """Do what a key stands for; say whether the message is dealt with."""
        if key.name in "12345" and key.name:
            return self._choose(int(key.name))
        if key.name in self._keys:
            return self._keys[key.name](key)
        if key.name:
            self._view.say(f"No key {key.name!r}. Press ? for the keys.", "yellow")
        return False

    def _next(self) -> bool:
        """Take the message that was undone last, else the next one; show it."""
        while True:
            number, self._undone = self._undone, None
            if number is None:
                number = self._desk.queue.next(self._reviewer)
            else:
                self._desk.queue.lease(self._reviewer, number)
            if number is None:
                return False
            try:
                self._item = self._desk.items.item(number, self._reviewer)
            except Gone:
                continue
            self._begin()
            self._show()
            return True

    def _begin(self) -> None:
        """Start from the suggestion, or from the reviewer's own draft."""
        item, own = self._item, self._item["annotation"]
        self._label = next((known["label"] for known in item["candidates"]), None)
        self._entities, self._note, self._chosen = item["entities"], "", False
        if own is not None and own["status"] in (DRAFT, SKIPPED):
            self._note = own["note"] or ""
            if own["label"] or own["entities"]:
                self._label, self._entities = own["label"] or self._label, own["entities"]

    def _show(self) -> None:
        left = self._desk.queue.left(self._reviewer).messages
        today = self._desk.queue.done_today(self._reviewer)
        self._view.say(f"\n--- {left} left, {today} done today", "dim")
        place = self._item["conversation"]["id"]
        talk = conversation(self._desk.store, place, self._item["id"])
        self._view.talk(talk["turns"] if talk else [], self._item["id"])
        self._view.item(self._item, self._entities)
        if self._note:
            self._view.pair("note", self._note)
        self._show_choice()

    def _show_choice(self) -> None:
        if self._label is None:
            self._view.say("No suggestion. Press / to search an intent.", "yellow")
            return
        self._view.pair("chosen", self._label, "bold green")
        number, text = self._item["id"], self._item["text"]
        for notice in self._desk.guards.check(self._reviewer, text, self._label, number):
            self._view.say(f"! {notice.message}", "yellow")

    def _keep_draft(self) -> None:
        self._desk.decisions.draft(
            self._reviewer,
            self._item["id"],
            label=self._label,
            entities=self._entities,
            note=self._note or None,
        )

    def _set_label(self, label: str) -> bool:
        self._label, self._chosen = label, True
        self._show_choice()
        return False

    def _choose(self, place: int) -> bool:
        candidates = self._item["candidates"]
        if place > len(candidates):
            raise BotError(f"There are {len(candidates)} candidates. Press / to search an intent.")
        return self._set_label(candidates[place - 1]["label"])

    def _out_of_scope(self, key: Key) -> bool:
        return self._set_label(self._desk.settings.out_of_scope)

    def _search(self, key: Key) -> bool:
        labels = self._desk.labels()
        wanted = self._keyboard.line("Intent: ", key, labels)
        if not wanted:
            return False
        found = search(wanted, labels)
        if not found:
            raise BotError(f"No intent is like {wanted!r}. Press n to propose a new one.")
        if len(found) == 1:
            return self._set_label(found[0])
        self._item["candidates"] = [{"label": label, "confidence": 0.0} for label in found]
        for place, label in enumerate(found, 1):
            self._view.pair(f"  {place}", label)
        return False

    def _new_intent(self, key: Key) -> bool:
        said = self._keyboard.line("New intent, and what it means: ", key)
        name, _, description = said.partition(" ")
        if not name:
            return False
        proposals.propose(
            self._desk.store, self._reviewer, bodies.new_intent(name), description.strip()
        )
        return self._set_label(name)

    def _mark(self, key: Key) -> bool:
        line = self._keyboard.line("Entities: ", key)
        text, project = self._item["text"], self._desk.project
        self._entities = read_entities(line, text, self._entities, project)
        self._keep_draft()
        self._view.pair("entities", "")
        self._view.entities(self._entities)
        return False

    def _leave_out(self, key: Key) -> bool:
        group = self._item["group"]
        said = self._keyboard.line("Which of the group come up by themselves (1 2 ...): ", key)
        if not all(part.isdecimal() and 0 < int(part) <= len(group) for part in said.split()):
            raise BotError(f"{said!r} does not name members of the group. They are numbered.")
        out = {int(part) for part in said.split()}
        self._item["group"] = [m for place, m in enumerate(group, 1) if place not in out]
        self._view.say(f"{len(self._item['group'])} are answered with the message.")
        return False

    def _write_note(self, key: Key) -> bool:
        said = self._keyboard.line("Note: ", key)
        self._note = bodies.note({"note": said}) or ""
        self._keep_draft()
        self._view.pair("note", self._note)
        return False

    def _accept(self, key: Key) -> bool:
        if self._label is None:
            raise BotError("There is no suggestion to accept. Press / to search an intent.")
        item = self._item
        suggested, model = self._desk.items.suggested(item["id"])
        self._desk.decisions.submit(
            self._reviewer,
            item["id"],
            self._desk.known_label(self._label),
            self._entities,
            group={member["id"]: member["entities"] for member in item["group"]},
            note=self._note or None,
            suggested=suggested,
            model=model,
        )
        return self._decided(f"{self._label}")

    def _discard(self, key: Key) -> bool:
        group = [member["id"] for member in self._item["group"]]
        number = self._item["id"]
        self._desk.decisions.discard(self._reviewer, number, group=group, note=self._note or None)
        return self._decided("discarded")

    def _decided(self, words: str) -> bool:
        item, self._chosen = self._item, False
        n = item["times"] + sum(member["times"] for member in item["group"])
        self._pace.decided(n)
        self._view.say(f"= {words}" + (f" ({n} messages)" if n > 1 else ""), "green")
        return True

    def _skip(self, key: Key) -> bool:
        self._desk.decisions.skip(self._reviewer, self._item["id"], note=self._note or None)
        self._chosen = False
        self._pace.decided(0)
        self._view.say("= skipped")
        return True

    def _undo(self, key: Key) -> bool:
        undone = self._desk.decisions.undo(self._reviewer)
        if undone is None:
            raise BotError("There is nothing to undo.")
        if self._chosen:
            self._keep_draft()
        self._pace.took_back()
        self._view.say(f"Took back: {undone.action}.")
        self._undone = undone.turn_id
        return True

    def _help(self, key: Key) -> bool:
        self._view.say(HELP)
        return False
