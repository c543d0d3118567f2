"""`bot vocabulary suggest`, and what `bot export` makes of the answers, as people call them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from projects import write_archive
from tokenizers import Tokenizer

from bot.cli import FAILED, USER_ERROR, main
from bot.feedback import tables as t
from bot.feedback.checked_terms import decide_term, term_suggestions
from bot.feedback.store import Store
from bot.lifecycle.suggest import pieces_of
from bot.ml.encoder import find_encoder

KEY = "the key of the tests, no secret."
NLU = """\
version: "3.1"
nlu:
- intent: book
  examples: |
    - can I book a check-up
    - I need a filling
    - book a [root canal](treatment) next week
- intent: greet
  examples: |
    - hello
"""
TERMS = """\
# ours
vocabulary:
  - term: root canal treatment
    entity: treatment
    aliases: [root canal]
"""
TEXTS = (
    *("rct next week?", "need an RCT on monday", "how much is rct"),
    *("invis please", "how much is invis", "is invis \x1b[2J free"),
    *("grubhub is late", "call grubhub", "my grubhub"),
    *("call [PHONE_1]", "[PHONE_1]", "[PHONE_1] please"),
)
REVIEWED = Path("data/vocabulary/reviewed.yml")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT_FEEDBACK_KEY", KEY)
    monkeypatch.setenv("BOT_FEEDBACK_URL", f"sqlite:///{tmp_path}/feedback.sqlite")
    monkeypatch.setenv("COLUMNS", "100")
    files = {
        "config.yml": "language: en\n",
        "domain.yml": 'version: "3.1"\nintents: [book, greet]\nentities: [treatment]\n',
        "endpoints.yml": "{}\n",
        "data/nlu/nlu.yml": NLU,
        "data/vocabulary/terms.yml": TERMS,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@contextmanager
def opened(root: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{root}/feedback.sqlite", KEY.encode())
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def log(root: Path) -> None:
    """A store with messages, each of another person."""
    with opened(root) as store, store.write() as db:
        for number, text in enumerate(TEXTS, 1):
            talk = {"id": number, "sender": str(number), "n_turns": 1, "state": "{}"}
            db.execute(t.conversations.insert().values(**talk))
            row = dict.fromkeys(("actions", "replies", "reasons"), "[]") | {"thumbs": "{}"}
            row |= {"kind": "message", "fallback": "", "status": "open", "key": f"k{number}"}
            numbers = {"rephrase": 0, "complete": 1, "priority": 0.0, "position": 1, "time": 1.0}
            own = {"conversation_id": number, "text": text}
            db.execute(t.turns.insert().values(**row, **numbers, **own))


def suggest(*options: str) -> int:
    return main(["vocabulary", "suggest", *options])


def words(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert suggest("--json", *options) == 0
    return [one["word"] for one in json.loads(capsys.readouterr().out)]


def decide(root: Path, **decisions: dict[str, str]) -> None:
    with opened(root) as store:
        ids = {item["word"]: item["id"] for item in term_suggestions(store)["items"]}
        for word, said in decisions.items():
            decide_term(store, "ana", ids[word], **said)  # type: ignore[arg-type]


def test_a_table_is_printed(log: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert suggest() == 0
    said = capsys.readouterr().out
    for line in ("rct ", "- how much is rct", "- need an RCT on monday", "3 words to look at"):
        assert line in said
    assert "Perhaps an alias of root canal treatment: the initials of" in " ".join(said.split())
    assert "\x1b" not in said and "PHONE" not in said
    assert "wait" not in said


def test_json_holds_everything(log: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert suggest("--json") == 0
    first, *others = json.loads(capsys.readouterr().out)
    assert first == {
        "word": "grubhub",
        "count": 3,
        "conversations": 3,
        "contexts": ["grubhub is late", "call grubhub", "my grubhub"],
        "reasons": ["unknown", "shattered"],
        "why": "No training example and no dictionary has it; the encoder reads it in 4 pieces.",
        "alias_of": None,
        "alias_why": None,
        "entity": None,
        "score": 3.0,
    }
    assert [one["word"] for one in others] == ["invis", "rct"]


def test_options_limit_what_is_listed(log: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert words(capsys, "--top", "1") == ["grubhub"]
    assert words(capsys, "--least", "4") == []
    for option in ("--least", "--top"):
        assert suggest(option, "0") == USER_ERROR
        assert f"{option} is 0" in capsys.readouterr().err


def test_an_empty_store_names_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert suggest() == 0
    assert "Run: bot ingest" in capsys.readouterr().out


def test_the_newest_models_tokenizer_counts(
    log: None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = find_encoder("all-MiniLM-L6-v2").folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    assert pieces_of(tokenizer)("grubhub") == 4
    tokenizer.add_tokens(["grubhub"])
    member = {"components/a/tokenizer.json": tokenizer.to_str().encode()}
    write_archive(root / "models" / "new.tar.gz", member, keep=True)
    assert words(capsys) == ["grubhub", "invis", "rct"]  # of one score now
    suggest("--json")
    assert "shattered" not in capsys.readouterr().out


def test_accepted_words_get_into_the_vocabulary(
    log: None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert suggest("--queue") == 0
    assert "3 words wait on the review page" in capsys.readouterr().out
    decide(
        root,
        rct={"decision": "alias", "name": "root canal treatment"},
        invis={"decision": "term", "name": "clear aligner", "entity": "treatment",
               "definition": "A brace: it straightens."},
        grubhub={"decision": "rejected"},
    )  # fmt: skip
    before = (root / "data/vocabulary/terms.yml").read_text()
    assert main(["export", "--check"]) == FAILED
    assert "Would add to data/vocabulary: invis (clear aligner), rct" in capsys.readouterr().out
    assert not REVIEWED.exists() and (root / "data/vocabulary/terms.yml").read_text() == before
    assert main(["export"]) == 0
    assert "Added to data/vocabulary: invis (clear aligner), rct" in capsys.readouterr().out
    assert REVIEWED.read_text() == (
        "vocabulary:\n  - term: clear aligner\n    entity: treatment\n    aliases: [invis]\n"
        '    definition: "A brace: it straightens."\n'
    )
    after = (root / "data/vocabulary/terms.yml").read_text()
    assert after == before.replace("[root canal]", "[root canal, rct]")
    content = REVIEWED.read_bytes()
    assert main(["export"]) == main(["export", "--check"]) == 0
    assert "data/vocabulary" not in capsys.readouterr().out
    assert REVIEWED.read_bytes() == content
    assert words(capsys, "--queue") == []  # neither known nor rejected words come again
    assert main(["vocabulary", "check"]) == 0


def test_what_a_person_takes_out_again_stays_out(
    log: None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suggest("--queue")
    decide(root, invis={"decision": "term", "name": "invis"})
    assert main(["export"]) == 0
    assert REVIEWED.read_text() == "vocabulary:\n  - term: invis\n"
    REVIEWED.unlink()
    assert main(["export"]) == 0
    assert not REVIEWED.exists()


def test_an_interrupted_export_is_finished(
    log: None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suggest("--queue")
    decide(root, invis={"decision": "term", "name": "clear aligner"})
    assert main(["export"]) == 0
    content = REVIEWED.read_bytes()
    with opened(root) as store, store.write() as db:
        db.execute(t.term_suggestions.update().values(written=0))  # killed before this was noted
    assert main(["export"]) == 0
    assert REVIEWED.read_bytes() == content
    with opened(root) as store, store.read() as db:
        column = t.term_suggestions.c
        found = db.execute(sa.select(column.written).where(column.word == "invis")).scalar_one()
    assert found == 1


def test_what_cannot_be_written_is_told_and_the_rest_is(
    log: None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suggest("--queue")
    decide(
        root,
        rct={"decision": "alias", "name": "root canal treatment"},
        invis={"decision": "term", "name": "invis", "entity": "gone"},
        grubhub={"decision": "term", "name": "Grubhub"},
    )
    taken = "vocabulary:\n  - {term: remote control toy, aliases: [rct]}\n"
    (root / "data/vocabulary/taken.yml").write_text(taken)
    capsys.readouterr()
    assert main(["export"]) == 0
    said = capsys.readouterr().out
    assert "Not added: invis. The domain has no entity 'gone'." in said
    assert "Not added: rct (root canal treatment). data/vocabulary/" in said
    assert "Added to data/vocabulary: Grubhub." in said
    assert (root / "data/vocabulary/taken.yml").read_text() == taken
    (root / "data/vocabulary/taken.yml").unlink()
    assert main(["export"]) == 0
    assert "Added to data/vocabulary: rct (root canal treatment)." in capsys.readouterr().out


def test_forgotten_people_leave_nothing(
    log: None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suggest("--queue")
    with opened(root) as store, store.write() as db:
        for number in (1, 2, 3):
            own = t.conversations.c.id == number
            mask = store.pseudonym(f"person {number}")
            db.execute(t.conversations.update().where(own).values(sender=mask))
    for number in (1, 2, 3):
        assert main(["forget", "--sender", f"person {number}"]) == 0
    with opened(root) as store:
        left = {item["word"] for item in term_suggestions(store)["items"]}
    content = b"".join(path.read_bytes() for path in root.glob("feedback.sqlite*"))
    assert left == {"invis", "grubhub"}
    assert b"how much is rct" not in content and b"how much is invis" in content
