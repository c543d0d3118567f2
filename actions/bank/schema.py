"""The tables.

A ledger line moves one positive sum from one account to another, so a line cannot make or lose
money; balances are summed, never stored. What leaves the bank goes to an `outside` account.
"""

from __future__ import annotations

VERSION = 1

STATEMENTS = (
    """CREATE TABLE customer (
        id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL)""",
    """CREATE TABLE contact (
        sender_id TEXT PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),
        first_seen TEXT NOT NULL, last_seen TEXT NOT NULL)""",
    """CREATE TABLE account (
        id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer(id), name TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN
            ('current', 'savings', 'joint', 'euro', 'pot', 'credit', 'outside')),
        currency TEXT NOT NULL, overdraft INTEGER NOT NULL DEFAULT 0 CHECK (overdraft >= 0),
        number TEXT NOT NULL DEFAULT '', sort_code TEXT NOT NULL DEFAULT '',
        iban TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE card (
        id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),
        account_id INTEGER NOT NULL REFERENCES account(id), card_type TEXT NOT NULL,
        last_four TEXT NOT NULL CHECK (length(last_four) = 4),
        state TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'cancelled')))""",
    """CREATE TABLE limit_setting (
        id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),
        card_id INTEGER REFERENCES card(id), limit_type TEXT NOT NULL,
        amount INTEGER NOT NULL CHECK (amount BETWEEN 0 AND maximum), maximum INTEGER NOT NULL,
        UNIQUE (customer_id, card_id, limit_type))""",
    """CREATE TABLE payee (
        id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),
        name TEXT NOT NULL, nickname TEXT NOT NULL DEFAULT '', UNIQUE (customer_id, name))""",
    """CREATE TABLE payment (
        id INTEGER PRIMARY KEY, idempotency_key TEXT NOT NULL UNIQUE, reference TEXT UNIQUE,
        customer_id INTEGER NOT NULL REFERENCES customer(id),
        source_id INTEGER NOT NULL REFERENCES account(id),
        target_id INTEGER REFERENCES account(id), payee_id INTEGER REFERENCES payee(id),
        recipient TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
        state TEXT NOT NULL CHECK (state IN ('pending', 'completed', 'cancelled')),
        scheduled_for TEXT NOT NULL, created_at TEXT NOT NULL, note TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE ledger (
        id INTEGER PRIMARY KEY, reference TEXT UNIQUE, booked_at TEXT NOT NULL,
        from_account INTEGER NOT NULL REFERENCES account(id),
        to_account INTEGER NOT NULL REFERENCES account(id) CHECK (to_account <> from_account),
        amount INTEGER NOT NULL CHECK (amount > 0),
        state TEXT NOT NULL CHECK (state IN ('booked', 'pending', 'declined')),
        merchant TEXT NOT NULL, category TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
        card_id INTEGER REFERENCES card(id), payment_id INTEGER REFERENCES payment(id))""",
    "CREATE INDEX ledger_from ON ledger (from_account, booked_at)",
    "CREATE INDEX ledger_to ON ledger (to_account, booked_at)",
    """CREATE TRIGGER ledger_one_currency BEFORE INSERT ON ledger
        WHEN (SELECT currency FROM account WHERE id = NEW.from_account)
          <> (SELECT currency FROM account WHERE id = NEW.to_account)
        BEGIN SELECT RAISE(ABORT, 'a ledger line has one currency'); END""",
    """CREATE TRIGGER ledger_lines_stay BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'ledger lines are never deleted'); END""",
    """CREATE TABLE regular_payment (
        id INTEGER PRIMARY KEY, idempotency_key TEXT UNIQUE,
        customer_id INTEGER NOT NULL REFERENCES customer(id),
        account_id INTEGER NOT NULL REFERENCES account(id),
        target_id INTEGER REFERENCES account(id),
        kind TEXT NOT NULL CHECK (kind IN ('standing order', 'direct debit', 'subscription')),
        recipient TEXT NOT NULL, category TEXT NOT NULL,
        amount INTEGER NOT NULL CHECK (amount > 0),
        every INTEGER NOT NULL CHECK (every > 0), unit TEXT NOT NULL, weekday INTEGER, day INTEGER,
        first_date TEXT NOT NULL, next_date TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('active', 'cancelled')))""",
    """CREATE TABLE incoming (
        id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),
        payer TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, due TEXT NOT NULL)""",
    """CREATE TABLE dispute (
        id INTEGER PRIMARY KEY, reference TEXT UNIQUE,
        customer_id INTEGER NOT NULL REFERENCES customer(id),
        ledger_id INTEGER NOT NULL UNIQUE REFERENCES ledger(id), reason TEXT NOT NULL,
        state TEXT NOT NULL, created_at TEXT NOT NULL)""",
    """CREATE TABLE card_order (
        id INTEGER PRIMARY KEY, idempotency_key TEXT NOT NULL UNIQUE, reference TEXT UNIQUE,
        card_id INTEGER NOT NULL REFERENCES card(id), reason TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('ordered', 'posted', 'arrived')),
        ordered_on TEXT NOT NULL, expected_on TEXT NOT NULL)""",
    """CREATE TABLE hand_over (
        id INTEGER PRIMARY KEY, reference TEXT UNIQUE, sender_id TEXT NOT NULL,
        reason TEXT NOT NULL, created_at TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'taken', 'closed')))""",
    """CREATE VIEW account_balance AS
        SELECT a.*,
            COALESCE((SELECT SUM(amount) FROM ledger l
                      WHERE l.to_account = a.id AND l.state = 'booked'), 0)
          - COALESCE((SELECT SUM(amount) FROM ledger l
                      WHERE l.from_account = a.id AND l.state = 'booked'), 0) AS balance,
            COALESCE((SELECT SUM(amount) FROM ledger l
                      WHERE l.from_account = a.id AND l.state = 'pending'), 0) AS held
        FROM account a""",
)
