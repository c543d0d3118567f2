"""Ordered, named steps that bring a feedback store to what this version expects.

A step is never changed once it was released: an older file runs what it lacks, in order, each
step in one transaction with its own record. SQLite and PostgreSQL both undo a step that fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from bot.errors import BotError

Step = Callable[[Connection], None]
STEPS: dict[str, Step] = {}
_LOCK = 0x626F74  # the advisory lock under which PostgreSQL migrates: "bot"


def migration(name: str) -> Callable[[Step], Step]:
    """Register a step; steps run in the order of registration."""

    def register(step: Step) -> Step:
        STEPS[name] = step
        return step

    return register


def migrate(engine: Engine, *, until: str | None = None) -> list[str]:
    """Apply what is missing, up to and including `until`; give the names of what was applied.

    Raises:
        BotError: the store was written by a newer version.
    """
    with engine.execution_options(immediate=True).begin() as db:
        _alone(db)
        db.execute(
            sa.text(
                "CREATE TABLE IF NOT EXISTS migrations "
                "(name TEXT PRIMARY KEY, applied_at DOUBLE PRECISION NOT NULL)"
            )
        )
    applied = []
    for name, step in STEPS.items():
        with engine.execution_options(immediate=True).begin() as db:
            _alone(db)  # another process may be at the same step
            done = set(db.execute(sa.text("SELECT name FROM migrations")).scalars())
            if unknown := sorted(done - STEPS.keys()):
                raise BotError(
                    f"The feedback store was written by a newer version: it has the migration "
                    f"{unknown[-1]}, which this version does not know. Update the project."
                )
            if name not in done:
                step(db)
                db.execute(
                    sa.text("INSERT INTO migrations (name, applied_at) VALUES (:name, :now)"),
                    {"name": name, "now": time.time()},
                )
                applied.append(name)
        if name == until:
            break
    return applied


def _alone(db: Connection) -> None:
    """Wait for other processes that migrate; on SQLite the write lock does this."""
    if db.dialect.name == "postgresql":
        db.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _run(db: Connection, statements: str) -> None:
    """Run statements that end in semicolons; `{id}` becomes a key that is never used twice."""
    sqlite = db.dialect.name == "sqlite"
    key = "INTEGER PRIMARY KEY AUTOINCREMENT" if sqlite else "BIGSERIAL PRIMARY KEY"
    for statement in statements.replace("{id}", f"id {key}").split(";"):
        if statement.strip():
            # PostgreSQL's driver takes a single percent sign for a parameter.
            db.exec_driver_sql(statement if sqlite else statement.replace("%", "%%"))


@migration("0001_log")
def _log(db: Connection) -> None:
    _run(
        db,
        """
        CREATE TABLE conversations (
            {id}, sender TEXT NOT NULL, channel TEXT, n_turns INTEGER NOT NULL,
            first_at DOUBLE PRECISION, last_at DOUBLE PRECISION, state TEXT NOT NULL
        );
        CREATE UNIQUE INDEX conversations_sender ON conversations (sender);
        CREATE TABLE turns (
            {id}, conversation_id BIGINT NOT NULL REFERENCES conversations (id),
            key TEXT NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL,
            time DOUBLE PRECISION NOT NULL, session_at DOUBLE PRECISION, channel TEXT,
            message_id TEXT, text TEXT NOT NULL, model TEXT, fallback TEXT NOT NULL,
            rephrase INTEGER NOT NULL, picked TEXT, actions TEXT NOT NULL, replies TEXT NOT NULL,
            thumb TEXT, thumbs TEXT NOT NULL, rating INTEGER, rating_comment TEXT,
            rating_at DOUBLE PRECISION, complete INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX turns_key ON turns (key);
        CREATE INDEX turns_place ON turns (conversation_id, time);
        CREATE INDEX turns_message ON turns (message_id);
        CREATE INDEX turns_time ON turns (time);
        CREATE TABLE suggestions (
            {id}, turn_id BIGINT NOT NULL REFERENCES turns (id), model TEXT NOT NULL, label TEXT,
            confidence DOUBLE PRECISION, ranking TEXT NOT NULL, entities TEXT NOT NULL,
            UNIQUE (turn_id, model)
        );
        CREATE TABLE cursors (
            source TEXT PRIMARY KEY, position TEXT NOT NULL, updated_at DOUBLE PRECISION NOT NULL
        );
        CREATE TABLE quarantine (
            {id}, source TEXT NOT NULL, place TEXT NOT NULL, digest TEXT NOT NULL, sender TEXT,
            reason TEXT NOT NULL, shape TEXT NOT NULL, found_at DOUBLE PRECISION NOT NULL,
            UNIQUE (source, place, digest)
        );
        CREATE INDEX quarantine_sender ON quarantine (sender);
        CREATE TABLE forgotten (
            sender TEXT PRIMARY KEY, forgotten_at DOUBLE PRECISION NOT NULL
        );
        CREATE TABLE metadata (name TEXT PRIMARY KEY, value TEXT NOT NULL);
        """,
    )


@migration("0002_review")
def _review(db: Connection) -> None:
    _run(
        db,
        """
        ALTER TABLE turns ADD COLUMN priority DOUBLE PRECISION NOT NULL DEFAULT 0;
        ALTER TABLE turns ADD COLUMN status TEXT NOT NULL DEFAULT 'open';
        ALTER TABLE turns ADD COLUMN group_id BIGINT;
        CREATE INDEX turns_queue ON turns (priority, id)
            WHERE kind = 'message' AND status = 'open' AND complete = 1;
        CREATE INDEX turns_group ON turns (group_id) WHERE group_id IS NOT NULL;
        CREATE TABLE annotations (
            {id}, turn_id BIGINT NOT NULL REFERENCES turns (id), reviewer TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'discarded')),
            label TEXT, entities TEXT NOT NULL, note TEXT,
            created_at DOUBLE PRECISION NOT NULL, updated_at DOUBLE PRECISION NOT NULL,
            UNIQUE (turn_id, reviewer)
        );
        """,
    )


@migration("0003_decisions")
def _decisions(db: Connection) -> None:
    _run(
        db,
        """
        ALTER TABLE turns ADD COLUMN reasons TEXT NOT NULL DEFAULT '[]';
        ALTER TABLE turns ADD COLUMN head INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE turns ADD COLUMN annotation_id BIGINT;
        DROP INDEX turns_queue;
        CREATE INDEX turns_queue ON turns (priority, id)
            WHERE kind = 'message' AND status = 'open' AND complete = 1 AND head = 1;
        CREATE INDEX turns_decided ON turns (status, id)
            WHERE status <> 'open';
        CREATE INDEX turns_members ON turns (id)
            WHERE kind = 'message' AND status = 'open' AND complete = 1 AND head = 0;
        CREATE INDEX turns_fallback ON turns (conversation_id)
            WHERE kind = 'message' AND fallback <> '';
        CREATE INDEX turns_thumbs_down ON turns (conversation_id) WHERE thumb = 'down';
        CREATE INDEX turns_rated ON turns (conversation_id, rating) WHERE rating IS NOT NULL;
        DROP TABLE annotations;
        CREATE TABLE annotations (
            {id}, turn_id BIGINT NOT NULL REFERENCES turns (id), reviewer TEXT NOT NULL,
            status TEXT NOT NULL
                CHECK (status IN ('draft', 'submitted', 'discarded', 'skipped')),
            label TEXT, entities TEXT NOT NULL, note TEXT, suggested TEXT, model TEXT,
            adjudicates INTEGER NOT NULL DEFAULT 0,
            created_at DOUBLE PRECISION NOT NULL, updated_at DOUBLE PRECISION NOT NULL,
            UNIQUE (turn_id, reviewer)
        );
        CREATE INDEX annotations_reviewer ON annotations (reviewer, updated_at);
        CREATE TABLE decisions (
            {id}, reviewer TEXT NOT NULL, action TEXT NOT NULL,
            made_at DOUBLE PRECISION NOT NULL, undone_at DOUBLE PRECISION
        );
        CREATE INDEX decisions_reviewer ON decisions (reviewer, id);
        CREATE TABLE decided (
            decision_id BIGINT NOT NULL REFERENCES decisions (id),
            turn_id BIGINT NOT NULL REFERENCES turns (id), before TEXT NOT NULL,
            PRIMARY KEY (decision_id, turn_id)
        );
        CREATE INDEX decided_turn ON decided (turn_id);
        CREATE TABLE leases (
            turn_id BIGINT PRIMARY KEY REFERENCES turns (id), reviewer TEXT NOT NULL,
            until DOUBLE PRECISION NOT NULL
        );
        CREATE TABLE proposed_intents (
            name TEXT PRIMARY KEY, description TEXT NOT NULL, reviewer TEXT NOT NULL,
            created_at DOUBLE PRECISION NOT NULL
        );
        CREATE TABLE corrections (
            {id}, conversation_id BIGINT NOT NULL REFERENCES conversations (id),
            reviewer TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('story', 'test_story')),
            name TEXT NOT NULL, first_turn_id BIGINT NOT NULL REFERENCES turns (id),
            last_turn_id BIGINT NOT NULL REFERENCES turns (id), steps TEXT NOT NULL, note TEXT,
            status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'discarded')),
            created_at DOUBLE PRECISION NOT NULL, updated_at DOUBLE PRECISION NOT NULL,
            UNIQUE (conversation_id, reviewer, first_turn_id, kind)
        );
        CREATE INDEX corrections_turn ON corrections (first_turn_id);
        CREATE INDEX corrections_last_turn ON corrections (last_turn_id);
        CREATE TABLE label_checks (
            {id}, digest TEXT NOT NULL, text TEXT NOT NULL, label TEXT NOT NULL,
            suggested TEXT NOT NULL, score DOUBLE PRECISION NOT NULL, words TEXT NOT NULL,
            file TEXT NOT NULL, line INTEGER NOT NULL, model TEXT,
            status TEXT NOT NULL CHECK (status IN ('open', 'kept', 'relabelled', 'removed')),
            decided_label TEXT, reviewer TEXT, updated_at DOUBLE PRECISION NOT NULL,
            UNIQUE (digest)
        );
        """,
    )


@migration("0004_reasons")
def _reasons(db: Connection) -> None:
    """Indices for the filters that ask for a reason, which else read turn after turn."""
    queue = "kind = 'message' AND status = 'open' AND complete = 1 AND head = 1"
    for signal in ("disagreement", "new"):
        _run(
            db,
            f"CREATE INDEX turns_{signal} ON turns (priority, id) "
            f"WHERE {queue} AND reasons LIKE '%\"{signal}\"%'",
        )


@migration("0005_terms")
def _terms(db: Connection) -> None:
    """Words of the log that may become terms; their messages are named, not copied."""
    _run(
        db,
        """
        CREATE TABLE term_suggestions (
            {id}, digest TEXT NOT NULL, word TEXT NOT NULL, count INTEGER NOT NULL,
            conversations INTEGER NOT NULL, why TEXT NOT NULL, score DOUBLE PRECISION NOT NULL,
            alias_of TEXT, alias_why TEXT, entity TEXT,
            status TEXT NOT NULL CHECK (status IN ('open', 'term', 'alias', 'rejected')),
            decided_name TEXT, decided_entity TEXT, definition TEXT NOT NULL DEFAULT '',
            reviewer TEXT, written INTEGER NOT NULL DEFAULT 0,
            updated_at DOUBLE PRECISION NOT NULL, UNIQUE (digest)
        );
        CREATE TABLE term_uses (
            suggestion_id BIGINT NOT NULL REFERENCES term_suggestions (id),
            turn_id BIGINT NOT NULL REFERENCES turns (id), PRIMARY KEY (suggestion_id, turn_id)
        );
        CREATE INDEX term_uses_turn ON term_uses (turn_id);
        """,
    )


@migration("0006_shadow")
def _shadow(db: Connection) -> None:
    """What a candidate and the live model make of the same messages."""
    _run(
        db,
        """
        CREATE TABLE shadow (
            turn_id BIGINT PRIMARY KEY REFERENCES turns (id), live_label TEXT NOT NULL,
            candidate_label TEXT NOT NULL, live_asks INTEGER NOT NULL,
            candidate_asks INTEGER NOT NULL, entities_differ INTEGER NOT NULL,
            score DOUBLE PRECISION NOT NULL, words TEXT NOT NULL
        );
        """,
    )
