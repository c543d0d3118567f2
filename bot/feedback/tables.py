"""The tables of the feedback store as SQLAlchemy knows them, and why each is there.

`conversations`
    One row a sender. The sender itself is never stored, only its pseudonym; the row carries what
    must be remembered between two ingests: the numbers of the masks, when sessions began.
`turns`
    One row a user message, with its context. `kind` says what it is: a `message` that a person
    typed is what reviewers see; `payload` (a tapped button, `/intent`), `external` (a reminder)
    and `empty` rows are context only, so that the bot's answer to a button is not taken for the
    answer to the message before it. The rest belongs to the queue: `priority` and `reasons` (JSON:
    why, in words), `status` (`open`, `accepted`, `discarded`, `disputed`), `group_id` (near-
    duplicates share one, the id of the turn that stands for them) and `head` (0: another turn of
    the group stands for this one).
`suggestions`
    What a model said about a turn; one row a turn and model, so that a new model can score the
    old turns beside what was said live.
`annotations`
    What a person decided; one row a turn and reviewer, so that several people can decide about
    the same turn, and their disagreement stays visible for adjudication. `label` is a full label
    (`faq/opening_hours`, `out_of_scope`), `suggested` the label that was shown as the machine's.
    The one that counts for a turn is `turns.annotation_id`.
`decisions`, `decided`
    One row a keystroke of a reviewer, which may be about a whole group, and what it replaced of
    each turn: this is what "undo" puts back.
`leases`
    Which reviewer has a turn on the screen, and until when, so that two do not do the same work.
`proposed_intents`
    Intents that a reviewer made, which the domain does not have yet.
`corrections`
    Stretches of a conversation as they should have gone, in the steps of a Rasa story.
`label_checks`
    Examples of the training data that are probably labelled wrongly, and what a person said.
`term_suggestions`, `term_uses`
    Words of the log that may become terms of the vocabulary and what a person said, and the turns
    that each was found in. `written` says that what was accepted is in a file.
`shadow`
    What a candidate and the live model make of a turn, and in words how they differ. The pair
    stands in `metadata`; there is one at a time.
`cursors`
    How far each source was read. Written in the transaction that writes what was read.
`quarantine`
    Events that could not be read: where they lie and why, and their shape, never their content.
`forgotten`
    Pseudonyms of people who asked to be forgotten, and when: a log file that is read again must
    not bring them back.
`metadata`
    Facts about the store itself: the check of its key, the end of what retention removed, the
    models of the last ranking and of the shadow.
`migrations`
    Which steps made these tables what they are (`bot.feedback.migrations`).

The indices serve one access path each: `turns_key` and `conversations_sender` the ingest,
`turns_place` the context of a turn, `turns_message` the thumbs, `turns_queue` a page of the queue
(keyset: `(priority, id)` below the last one seen, so page 10,000 costs what page 1 costs),
`turns_disagreement` and `turns_new` the same where a filter chooses, `turns_group` near-duplicates,
`turns_members` how many wait behind others, `turns_time` retention and the insights,
`turns_fallback`, `turns_thumbs_down` and `turns_rated` the conversations in which something rare
happened, `term_uses_turn` forgetting.
"""

# No `from __future__ import annotations` here: it would define the name of a table.
import sqlalchemy as sa

metadata_of_tables = sa.MetaData()
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

conversations = sa.Table(
    "conversations",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("n_turns", sa.Integer, nullable=False),
    sa.Column("first_at", sa.Float),
    sa.Column("last_at", sa.Float),
    sa.Column("state", sa.Text, nullable=False),
)
turns = sa.Table(
    "turns",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("conversation_id", _ID, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("time", sa.Float, nullable=False),
    sa.Column("session_at", sa.Float),
    sa.Column("channel", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("model", sa.Text),
    sa.Column("fallback", sa.Text, nullable=False),
    sa.Column("rephrase", sa.Integer, nullable=False),
    sa.Column("picked", sa.Text),
    sa.Column("actions", sa.Text, nullable=False),
    sa.Column("replies", sa.Text, nullable=False),
    sa.Column("thumb", sa.Text),
    sa.Column("thumbs", sa.Text, nullable=False),
    sa.Column("rating", sa.Integer),
    sa.Column("rating_comment", sa.Text),
    sa.Column("rating_at", sa.Float),
    sa.Column("complete", sa.Integer, nullable=False),
    sa.Column("priority", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("group_id", _ID),
    sa.Column("reasons", sa.Text, nullable=False, default="[]"),
    sa.Column("head", sa.Integer, nullable=False, default=1),
    sa.Column("annotation_id", _ID),
)
suggestions = sa.Table(
    "suggestions",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("turn_id", _ID, sa.ForeignKey("turns.id"), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("confidence", sa.Float),
    sa.Column("ranking", sa.Text, nullable=False),
    sa.Column("entities", sa.Text, nullable=False),
    sa.UniqueConstraint("turn_id", "model"),
)
annotations = sa.Table(
    "annotations",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("turn_id", _ID, sa.ForeignKey("turns.id"), nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("entities", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("suggested", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("adjudicates", sa.Integer, nullable=False, default=0),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.UniqueConstraint("turn_id", "reviewer"),
)
decisions = sa.Table(
    "decisions",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("undone_at", sa.Float),
)
decided = sa.Table(
    "decided",
    metadata_of_tables,
    sa.Column("decision_id", _ID, sa.ForeignKey("decisions.id"), primary_key=True),
    sa.Column("turn_id", _ID, sa.ForeignKey("turns.id"), primary_key=True),
    sa.Column("before", sa.Text, nullable=False),
)
leases = sa.Table(
    "leases",
    metadata_of_tables,
    sa.Column("turn_id", _ID, sa.ForeignKey("turns.id"), primary_key=True),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)
proposed_intents = sa.Table(
    "proposed_intents",
    metadata_of_tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)
corrections = sa.Table(
    "corrections",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("conversation_id", _ID, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("first_turn_id", _ID, sa.ForeignKey("turns.id"), nullable=False),
    sa.Column("last_turn_id", _ID, sa.ForeignKey("turns.id"), nullable=False),
    sa.Column("steps", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.UniqueConstraint("conversation_id", "reviewer", "first_turn_id", "kind"),
)
label_checks = sa.Table(
    "label_checks",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("suggested", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("model", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("decided_label", sa.Text),
    sa.Column("reviewer", sa.Text),
    sa.Column("updated_at", sa.Float, nullable=False),
)
term_suggestions = sa.Table(
    "term_suggestions",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("word", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("conversations", sa.Integer, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("alias_of", sa.Text),
    sa.Column("alias_why", sa.Text),
    sa.Column("entity", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("decided_name", sa.Text),
    sa.Column("decided_entity", sa.Text),
    sa.Column("definition", sa.Text, nullable=False, default=""),
    sa.Column("reviewer", sa.Text),
    sa.Column("written", sa.Integer, nullable=False, default=0),
    sa.Column("updated_at", sa.Float, nullable=False),
)
term_uses = sa.Table(
    "term_uses",
    metadata_of_tables,
    sa.Column("suggestion_id", _ID, sa.ForeignKey("term_suggestions.id"), primary_key=True),
    sa.Column("turn_id", _ID, sa.ForeignKey("turns.id"), primary_key=True),
)
shadow = sa.Table(
    "shadow",
    metadata_of_tables,
    sa.Column("turn_id", _ID, sa.ForeignKey("turns.id"), primary_key=True),
    sa.Column("live_label", sa.Text, nullable=False),
    sa.Column("candidate_label", sa.Text, nullable=False),
    sa.Column("live_asks", sa.Integer, nullable=False),
    sa.Column("candidate_asks", sa.Integer, nullable=False),
    sa.Column("entities_differ", sa.Integer, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
)
cursors = sa.Table(
    "cursors",
    metadata_of_tables,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("position", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)
quarantine = sa.Table(
    "quarantine",
    metadata_of_tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("sender", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("shape", sa.Text, nullable=False),
    sa.Column("found_at", sa.Float, nullable=False),
    sa.UniqueConstraint("source", "place", "digest"),
)
forgotten = sa.Table(
    "forgotten",
    metadata_of_tables,
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("forgotten_at", sa.Float, nullable=False),
)
metadata = sa.Table(
    "metadata",
    metadata_of_tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
migrations = sa.Table(
    "migrations",
    metadata_of_tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("applied_at", sa.Float, nullable=False),
)

# What waits for review. In words of its own, not in parameters: SQLite uses the index `turns_queue`
# only where it can read that the query asks for nothing outside of it.
IN_QUEUE = sa.text(
    "turns.kind = 'message' AND turns.status = 'open' AND turns.complete = 1 AND turns.head = 1"
)
