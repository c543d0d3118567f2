"""The queue in a terminal: driven through a pipe, and through a terminal of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.project import Project
from bot.feedback.proposals import proposed
from bot.feedback.store import Store
from bot.review.entity_line import read_entities
from bot.review.label_search import search
from bot.review.terminal_view import plain, written
from review.filled import fill_store, messages, write_project
from review.scorers import by_name
from review.serving import KEY

ROOT = Path(__file__).parents[2]
RUN = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from bot.feedback.project import Project
from bot.feedback.store import Store
from bot.review.terminal import review_in_terminal
from bot.settings import ReviewSettings
from scorers import by_name
store = Store({url!r}, {key!r}.encode())
settings = ReviewSettings(overlap={overlap!r})
project = Project.load(Path({folder!r}))
code = review_in_terminal(store, project, by_name({scorer!r}), {reviewer!r}, settings)
store.close()
sys.exit(code)
"""
ESCAPE = re.compile(r"\x1b[\[\]()][0-9;?]*[a-zA-Z]?")


class Place:
    """A project with a filled store, and the command on it."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]] | None = None) -> None:
        self.folder = write_project(folder)
        self.url = f"sqlite:///{folder}/feedback.sqlite"
        self.store = Store(self.url, KEY.encode())
        fill_store(self.store, rows)

    def command(self, reviewer: str, overlap: float = 0.0, scorer: str | None = None) -> list[str]:
        code = RUN.format(
            tests=str(Path(__file__).parent),
            url=self.url,
            key=KEY,
            overlap=overlap,
            folder=str(self.folder),
            scorer=scorer,
            reviewer=reviewer,
        )
        return [sys.executable, "-c", code]

    def pipe(self, *lines: str, reviewer: str = "ana", **options: Any) -> str:
        """Type lines through a pipe; give what was shown."""
        done = subprocess.run(
            self.command(reviewer, **options),
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return done.stdout

    def annotations(self) -> dict[int, Any]:
        with self.store.read() as db:
            return {row.turn_id: row for row in db.execute(sa.select(t.annotations))}

    def status(self, turn: int) -> str:
        with self.store.read() as db:
            return str(db.execute(sa.select(t.turns.c.status).where(t.turns.c.id == turn)).scalar())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.store.close()


def test_a_pipe_decides(place: Place) -> None:
    shown = place.pipe(
        "",  # 1: the suggestion
        "2",  # 2: the second candidate
        "",
        "/pay bi",  # 3: searched
        "",
        "d not for training",  # 4
        "s",  # 5
        "o",  # 6
        "",
        "q",
    )
    found = place.annotations()
    assert {turn: (row.status, row.label) for turn, row in found.items()} == {
        1: ("submitted", "transfer_money"),
        2: ("submitted", "pay_bill"),
        3: ("submitted", "pay_bill"),
        4: ("discarded", None),
        5: ("skipped", None),
        6: ("submitted", "out_of_scope"),
    }
    assert (found[1].suggested, found[2].suggested) == ("transfer_money", "greet")
    assert place.status(1) == "accepted" and place.status(5) == "open"
    (payee,) = json.loads(found[1].entities)
    assert (payee["entity"], payee["value"]) == ("payee", "[NAME_1]")
    assert "The bot did not understand." in shown
    assert "send [NAME_1] 50 quid" in shown
    assert "bot    Hello!" in shown
    assert "'settle the gas bill' is an example of pay_bill" in shown  # the guard's warning
    assert "5 messages decided;" in shown
    assert "\x1b" not in shown


def test_groups_are_answered_together(place: Place) -> None:
    shown = place.pipe(*["s"] * 8, "g 1", "", "q")
    # The member that was taken out comes up by itself, with the one of the same text.
    assert "with it 1  whats my balance" in shown
    assert "= check_balance (3 messages)" in shown
    assert {turn: place.status(turn) for turn in (20, 21, 22, 23)} == {
        20: "accepted",
        21: "open",
        22: "accepted",
        23: "accepted",
    }
    place.pipe("d", "q")
    assert place.status(21) == "discarded"


def test_what_was_taken_back_is_not_counted(place: Place) -> None:
    assert "0 messages decided;" in place.pipe("d", "u", "s", "u", "u", "q")
    assert "1 message decided;" in place.pipe("s", "d", "u", "d", "q")


def test_undo_brings_the_message_back(place: Place) -> None:
    shown = place.pipe("", "2", "", "u", "u", "u", "", "q")
    assert shown.count("Took back: submit.") == 2
    assert "There is nothing to undo." in shown
    assert {n: row.label for n, row in place.annotations().items()} == {1: "transfer_money"}
    assert place.status(2) == "open"


def test_entities_are_edited_as_text(place: Place) -> None:
    shown = place.pipe("e amount=50; payee=", "e colour=red", "e amount=70", "", "q")
    (amount,) = json.loads(place.annotations()[1].entities)
    assert (amount["entity"], amount["start"], amount["end"]) == ("amount", 14, 16)
    assert "no entity 'colour'" in shown
    assert "'70' is not in the message" in shown


def test_a_new_intent_is_proposed(place: Place) -> None:
    shown = place.pipe("n ask weather", "n bad name! no", "n get_weather Asks for rain.", "", "q")
    assert proposed(place.store) == {
        "ask": "weather",
        "bad": "name! no",
        "get_weather": "Asks for rain.",
    }
    assert place.annotations()[1].label == "get_weather"
    assert "unknown_intent" not in shown


def test_what_is_wrong_is_told_and_nothing_is_lost(place: Place) -> None:
    shown = place.pipe("/nothing like it xyz", "9", "5", "x", "g 7", "n !", "?", "c why not", "q")
    for sentence in (
        "No intent is like 'nothing like it xyz'",
        "No key '9'",
        "There are 3 candidates",
        "No key 'x'",
        "'7' does not name members",
        "cannot be called '!'",
        "accept what is chosen",
    ):
        assert sentence in shown
    draft = place.annotations()[1]
    assert (draft.status, draft.note) == ("draft", "why not")
    again = place.pipe("", "q")
    assert "note       why not" in again
    assert place.annotations()[1].note == "why not"


def test_a_choice_that_was_not_accepted_is_a_draft(place: Place) -> None:
    place.pipe("/check_balance", "e amount=50")
    draft = place.annotations()[1]
    assert (draft.status, draft.label) == ("draft", "check_balance")
    assert [entity["value"] for entity in json.loads(draft.entities)] == ["[NAME_1]", "50"]
    place.pipe("", "q")
    assert place.annotations()[1].status == "submitted"
    assert place.annotations()[1].label == "check_balance"


def test_the_end_of_the_input_is_an_end(place: Place) -> None:
    assert "1 message decided;" in place.pipe("")
    assert "Nothing is left to review." in place.pipe(*["d"] * 20)
    assert "Nothing is left to review." in place.pipe()


def test_two_answers_are_needed_where_messages_overlap(place: Place) -> None:
    place.pipe("", "q", overlap=0.999999)
    assert place.status(1) == "open"
    # The same person does not get it again; another does, and does not see the first answer.
    assert "send [NAME_1] 50 quid" not in place.pipe("q").split("message    ")[1]
    shown = place.pipe("", "q", reviewer="ben", overlap=0.999999)
    assert "ana" not in shown
    assert place.status(1) == "accepted"


def test_a_text_cannot_forge_the_screen(tmp_path: Path) -> None:
    rows = messages()[:1]
    rows[0]["text"] = "\x1b[2Jhello\r= accepted\x9b31m\u202eevil [bold]not bold[/bold] [NAME_1]"
    place = Place(tmp_path, rows)
    shown = place.pipe("q")
    assert not set(shown) & {"\x1b", "\r", "\x9b", "\u202e"}
    assert "[bold]not bold[/bold] [NAME_1]" in shown
    place.store.close()


def test_the_models_own_suggestions_are_shown(place: Place) -> None:
    shown = place.pipe("q", scorer="letters")
    assert "like: send 20 pounds to my mum" in shown


def _sit_down() -> None:
    """Let Ctrl-C be a signal, also where the tests themselves run in the background."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A terminal that a person sits at."""

    def __init__(self, command: list[str], **environment: str) -> None:
        self.controller, terminal = pty.openpty()
        self.before = termios.tcgetattr(terminal)
        self.kept = os.dup(terminal)
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
        self.process = subprocess.Popen(
            command,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=_sit_down,
            env={**env, "TERM": "xterm", "COLUMNS": "100", **environment},
        )
        os.close(terminal)
        self.raw = ""

    def read(self, until: str, timeout_s: float = 20.0) -> str:
        """Wait until something is shown; give all that was shown since the last call."""
        begun, seen = time.monotonic(), b""
        while until not in (text := ESCAPE.sub("", seen.decode(errors="replace"))):
            assert time.monotonic() - begun < timeout_s, f"{until!r} was not shown: {text}"
            if select.select([self.controller], [], [], 0.2)[0]:
                try:
                    seen += os.read(self.controller, 65536)
                except OSError:
                    assert until in text, text
        self.raw += seen.decode(errors="replace")
        return text

    def type(self, keys: str) -> None:
        os.write(self.controller, keys.encode())

    def end(self) -> int:
        code = self.process.wait(timeout=30)
        assert termios.tcgetattr(self.kept) == self.before, "the terminal was not given back"
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.kept)
        os.close(self.controller)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def run(command: list[str], **environment: str) -> Terminal:
        opened.append(Terminal(command, **environment))
        return opened[-1]

    yield run
    for found in opened:
        found.close()


def test_single_keys_decide(place: Place, terminal: Callable[..., Terminal]) -> None:
    person = terminal(place.command("ana"))
    person.read("chosen")
    person.type("\r")
    person.read("= transfer_money")
    person.read("chosen")
    person.type("\x1b[A")  # an arrow is no key of ours, and no q or d either
    person.type("ä2")
    assert "No key 'ä'" in person.read("pay_bill")
    person.type("\n")
    person.read("= pay_bill")
    person.read("chosen")
    person.type("/")
    person.read("Intent:")
    person.type("chebal\t")  # completed letter by letter
    time.sleep(0.5)
    person.type("\r")
    person.read("chosen")
    person.type("e")
    person.read("Entities:")
    person.type("amount=gas\r")
    person.read("amount=gas")
    person.type("\r")
    person.read("= check_balance")
    person.type("q")
    person.read("3 messages decided")
    assert person.end() == 0
    found = place.annotations()
    labels = {turn: row.label for turn, row in found.items()}
    assert labels == {1: "transfer_money", 2: "pay_bill", 3: "check_balance"}
    assert json.loads(found[3].entities)[0]["value"] == "gas"
    assert "\x1b[" in person.raw  # there is colour


@pytest.mark.parametrize("way", ["ctrl-c", "ctrl-d", "ctrl-c in a question", "hang up"])
def test_leaving_keeps_everything(
    place: Place, terminal: Callable[..., Terminal], way: str
) -> None:
    person = terminal(place.command("ana"), NO_COLOR="1")
    person.read("chosen")
    person.type("\r")
    person.read("= transfer_money")
    person.read("chosen")
    person.type("c")
    person.read("Note:")
    person.type("think again\r")
    person.read("think again")
    if way == "ctrl-c in a question":
        person.type("c")
        person.read("Note:")
    else:
        person.type("2")
        person.read("chosen")
    if way == "hang up":
        os.kill(person.process.pid, signal.SIGHUP)
    else:
        person.type("\x04" if way == "ctrl-d" else "\x03")
    shown = person.read("1 message decided;")
    assert "Traceback" not in shown, shown
    assert person.end() == 0
    draft = place.annotations()[2]
    assert (draft.status, draft.note) == ("draft", "think again")
    assert draft.label == ("greet" if "question" in way else "pay_bill")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", person.raw)  # no colour


def test_a_dumb_terminal_will_do(place: Place, terminal: Callable[..., Terminal]) -> None:
    person = terminal(place.command("ana"), TERM="dumb")
    person.read("chosen")
    person.type("/")
    person.read("Intent:")
    person.type("check_balance\r")
    person.read("chosen")
    person.type("\r")
    person.read("= check_balance")
    person.type("q")
    person.read("1 message decided")
    assert person.end() == 0
    assert place.annotations()[1].label == "check_balance"


def test_nobody_reading_is_no_error(place: Place) -> None:
    process = subprocess.Popen(
        place.command("ana"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None and process.stdin is not None
    process.stdout.close()
    _, told = process.communicate(b"\n" * 3, timeout=60)
    assert b"Traceback" not in told
    assert process.returncode in (0, 1)
    assert 1 not in place.annotations() or place.annotations()[1].status == "submitted"


def test_a_search_finds_what_was_meant() -> None:
    labels = ["transfer_money", "check_balance", "faq/opening_hours", "balance", "greet"]
    assert search("balance", labels) == ["balance"]
    assert search("BALANCE ch", labels) == ["check_balance"]
    assert search("bal", labels) == ["balance", "check_balance"]
    assert search("tranfser mony", labels)[0] == "transfer_money"
    assert search("zzzzqq", labels) == []


TEXT = "move 50 from current to savings, then 50 more"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("amount=50", [("amount", None, 5, 7)]),
        ("amount=50; amount=50", [("amount", None, 5, 7), ("amount", None, 38, 40)]),
        (
            "account:from=Current; account:to = savings",
            [("account", "from", 13, 20), ("account", "to", 24, 31)],
        ),
        ("payee=", []),
    ],
)
def test_entities_are_read_from_a_line(tmp_path: Path, line: str, expected: list[Any]) -> None:
    project = Project.load(write_project(tmp_path))
    old = [{"start": 0, "end": 4, "entity": "payee", "value": "move"}]
    found = read_entities(line, TEXT, old if "payee" in line else [], project)
    assert [(e["entity"], e["role"], e["start"], e["end"]) for e in found] == expected
    if found:
        assert read_entities(written(found), TEXT, [], project) == found
        assert read_entities("payee=move", TEXT, found, project)[1:] == found


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "names no entities"),
        ("amount", "names no entities"),
        ("amont=50", "no entity 'amont'"),
        ("amount=60", "not in the message"),
        ("amount:up=50", "no role 'up'"),
        ("amount=50; payee=50 from; payee=move 50", "already marked"),
    ],
)
def test_a_line_that_is_none_is_told(tmp_path: Path, line: str, sentence: str) -> None:
    project = Project.load(write_project(tmp_path))
    with pytest.raises(BotError, match=sentence):
        read_entities(line, TEXT, [], project)


def test_plain_keeps_what_people_write() -> None:
    assert plain("Größe 日本 👍🏽 é") == "Größe 日本 👍🏽 é"
    assert plain("a\tb\rc") == "a\ufffdb\ufffdc"
    assert plain("You have:\n- £5\r\n\n- £6") == "You have: / - £5 / - £6"
    assert by_name(None) is None
