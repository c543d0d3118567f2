"""`bot vocabulary suggest`: the log says which words the vocabulary should have."""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.engine import Connection
from tokenizers import Tokenizer

from bot.errors import BotError
from bot.feedback.logged import LoggedMessage, read_messages
from bot.feedback.store import Store
from bot.feedback.terms import (
    Proposal,
    decided,
    digest_of,
    keep_proposals,
    waiting_told,
)
from bot.lifecycle.checks.sources import DATA_FOLDER
from bot.lifecycle.live_model import find_model
from bot.lifecycle.vocabulary import project_place
from bot.ml.encoder import find_encoder
from bot.ml.options import BUNDLED_ENCODER
from bot.vocabulary.loading import FOLDER
from bot.vocabulary.log_counts import Logged
from bot.vocabulary.suggesting import LEAST, Suggestion
from bot.vocabulary.suggesting import suggest as find_suggestions
from bot.vocabulary.taught import Taught
from bot.vocabulary.terms import Vocabulary
from bot.vocabulary.training_data import read_project_data

TOP = 50
_MODELS = Path("models")
_TOKENIZER = "tokenizer.json"
_WIDEST = 120  # characters of a message that are shown


def suggest(
    *,
    key: bytes,
    url: str,
    least: int = LEAST,
    top: int = TOP,
    as_json: bool = False,
    queue: bool = False,
) -> None:
    """Print the words that the vocabulary should have, and put them before reviewers if asked.

    Args:
        key: the key of the feedback store.
        url: the feedback store.
        least: conversations that a word must stand in.
        top: how many words at most.
        as_json: print JSON instead of a table.
        queue: let people decide about them on the review page.

    Raises:
        BotError: the store, the vocabulary or the tokenizer cannot be used.
    """
    for name, value in (("--least", least), ("--top", top)):
        if value < 1:
            raise BotError(f"{name} is {value}. Give a whole number from 1.")
    place = project_place()
    vocabulary = place.load()
    taught = Taught(_training_texts(), vocabulary, place.language)
    pieces = pieces_of(_tokenizer())
    with closing(Store(url, key)) as store:
        done = decided(store)
        with store.read() as db:
            log = _Log(db)
            found = find_suggestions(log, taught, least=least, pieces=pieces)
        open_ones = [one for one in found if digest_of(store, one.key) not in done][:top]
        if queue:
            _queue(store, open_ones, vocabulary)
        waiting = waiting_told(store) if queue else ""
    if as_json:
        print(json.dumps([_as_json(one) for one in open_ones], indent=2, ensure_ascii=False))
    else:
        _print(open_ones, log.messages, least)
    if waiting:
        print(waiting, file=sys.stderr if as_json else sys.stdout)


def pieces_of(tokenizer: Tokenizer) -> Callable[[str], int]:
    """Give a function that says into how many pieces a tokenizer cuts a word."""
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def pieces(word: str) -> int:
        return len(tokenizer.encode(word, add_special_tokens=False).ids)

    return pieces


class _Log:
    """The messages of a store, from the beginning each time somebody goes through them."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.messages = 0

    def __iter__(self) -> Iterator[Logged]:
        self.messages = 0
        for message in read_messages(self._db):
            self.messages += 1
            yield _logged(message)


def _logged(message: LoggedMessage) -> Logged:
    marks = tuple(
        (mark["start"], mark["end"], str(mark["entity"]), str(mark.get("value") or ""))
        for mark in message.entities
        if isinstance(mark.get("start"), int) and isinstance(mark.get("end"), int)
    )
    return Logged(
        message.id,
        message.conversation,
        message.text,
        message.misunderstood,
        message.label,
        marks,
    )


def _queue(store: Store, found: list[Suggestion], vocabulary: Vocabulary) -> None:
    proposals = [
        Proposal(
            word=one.word,
            key=one.key,
            count=one.count,
            conversations=one.conversations,
            why=one.why,
            score=one.score,
            alias_of=one.alias_of,
            alias_why=one.alias_why,
            entity=one.entity,
            turns=one.places,
        )
        for one in found
    ]
    keep_proposals(store, proposals, [(term.name, term.entity) for term in vocabulary.terms])


def _training_texts() -> list[str]:
    folder = Path(DATA_FOLDER)
    if not folder.is_dir():
        return []
    return [message.text for message in read_project_data(folder, FOLDER).messages]


def _tokenizer() -> Tokenizer:
    """Give the tokenizer of the live model, or the bundled encoder's where there is none."""
    if any(_MODELS.glob("*.tar.gz")):
        with tarfile.open(find_model(None, _MODELS)) as tar:
            for member in tar:
                if PurePosixPath(member.name).name == _TOKENIZER:
                    file = tar.extractfile(member)
                    if file is not None:
                        return Tokenizer.from_str(file.read().decode())
    return Tokenizer.from_file(str(find_encoder(BUNDLED_ENCODER).folder / _TOKENIZER))


def _print(found: list[Suggestion], messages: int, least: int) -> None:
    console = Console(highlight=False)
    if found:
        table = Table(box=None, pad_edge=False)
        table.add_column("word", overflow="fold")
        for column in ("messages", "conversations"):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("why, and where", overflow="fold")
        for one in found:
            about = [f"{one.why}{_guess(one)}", *(f"- {_shown(text)}" for text in one.contexts)]
            cells = (one.word, f"{one.count:,}", f"{one.conversations:,}", "\n".join(about))
            table.add_row(*map(Text, cells))
        console.print(table)
        console.print()
    if not messages:
        print("The feedback store holds no messages. Run: bot ingest")
        return
    told = f"{len(found):,} {'word' if len(found) == 1 else 'words'}"
    print(f"{told} to look at, from {messages:,} messages, each in {least} conversations or more.")


def _guess(one: Suggestion) -> str:
    alias = f" Perhaps an alias of {one.alias_of}: {one.alias_why}." if one.alias_of else ""
    return alias + (f" Reviewers marked it as {one.entity}." if one.entity else "")


def _shown(text: str) -> str:
    """Make a message safe for a terminal, and short."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    short = " ".join(plain.split())
    return short if len(short) <= _WIDEST else f"{short[: _WIDEST - 1]}…"


def _as_json(one: Suggestion) -> dict[str, object]:
    found = asdict(one)
    del found["places"], found["key"]
    return found
