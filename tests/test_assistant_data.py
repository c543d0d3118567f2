"""The assistant's own data: enough of it, of one mind, and its tests never learned from.

`python tests/test_assistant_data.py` records the test files as they are now. Do so only for a
reason, and write the reason into CHANGELOG.md.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DIGESTS = ROOT / "tests" / "digests.json"
TEST_FILES = (
    "tests/nlu/*.yml",
    "tests/jargon/*.yml",
    "tests/paraphrases/*.yml",
    "tests/stories/*.yml",
    "tests/attributes/*.yml",
)
TESTED = ("tests/nlu", "tests/jargon", "tests/paraphrases")
TOO_LIKE = 0.9
_MARKUP = re.compile(r"\[([^]\[]+)](?:\((\w+)[^)]*\)|\{([^}]*)\})")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Message:
    """One message of a data file, without its entity markup."""

    file: str
    intent: str
    text: str
    entities: tuple[str, ...] = ()


def read_message(file: str, intent: str, marked: str) -> Message:
    entities = []
    for match in _MARKUP.finditer(marked):
        described = match[2] or json.loads("{" + match[3] + "}")["entity"]
        entities.append(described)
    return Message(file, intent, _MARKUP.sub(r"\1", marked).strip(), tuple(entities))


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    return content


def listed(examples: str | list[Any]) -> Iterator[str]:
    """Yield the items of an `examples` block, written as one text or as a list."""
    if isinstance(examples, str):
        for line in examples.splitlines():
            if line.strip():
                assert line.lstrip().startswith("-"), f"no list item: {line!r}"
                yield line.strip()[1:].strip()
    else:
        for item in examples:
            yield (item["text"] if isinstance(item, dict) else item).strip().removeprefix("- ")


def nlu_messages(folder: str, root: Path = ROOT) -> list[Message]:
    """Read the messages of all intents below a folder."""
    return [
        read_message(path.relative_to(root).as_posix(), block["intent"], example)
        for path in sorted((root / folder).rglob("*.yml"))
        for block in load(path).get("nlu") or []
        if "intent" in block
        for example in listed(block["examples"])
    ]


def stories(folder: str, root: Path = ROOT) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path.relative_to(root).as_posix(), story)
        for path in sorted((root / folder).rglob("*.yml"))
        for story in load(path).get("stories") or []
    ]


def story_messages(folder: str, root: Path = ROOT) -> list[Message]:
    """Read what users say in stories; intents in slash notation are no messages."""
    return [
        read_message(file, step.get("intent", ""), step["user"].strip())
        for file, story in stories(folder, root)
        for step in story["steps"]
        if isinstance(step.get("user"), str) and not step["user"].lstrip().startswith("/")
    ]


def normal(text: str) -> str:
    """Fold case and width, and drop punctuation and symbols."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (
        c if unicodedata.category(c)[0] in "LNM" else " " if c.isspace() or c in "-/" else ""
        for c in folded
    )
    return " ".join("".join(kept).split())


def near_duplicates(learned: Iterable[Message], tested: Iterable[Message]) -> list[str]:
    """Name each message to learn from that says the same as a test message.

    Messages of one or two words are left out, since anybody types them; short ones must be the
    same, longer ones only nearly so.
    """
    fuzz = pytest.importorskip("rapidfuzz", reason="pip install rapidfuzz")
    by_text = {normal(message.text): message for message in learned}
    by_text = {text: message for text, message in by_text.items() if len(text.split()) > 2}
    texts = list(by_text)
    found = []
    for message in tested:
        text = normal(message.text)
        if len(text.split()) <= 2:
            continue
        minimum = TOO_LIKE if len(text) > 12 else 1.0
        matches = fuzz.process.extract(
            text,
            texts,
            scorer=fuzz.distance.Levenshtein.normalized_similarity,
            score_cutoff=minimum,
            limit=None,
        )
        for twin, score, _ in matches:
            source = by_text[twin]
            if score == 1.0 or len(twin) > 12:
                found.append(
                    f"{score:.2f} {source.file}: {source.text!r} ({source.intent}) ~ "
                    f"{message.file}: {message.text!r} ({message.intent})"
                )
    return found


def digests(root: Path = ROOT) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(
            path.read_bytes().replace(b"\r\n", b"\n")
        ).hexdigest()
        for pattern in TEST_FILES
        for path in sorted(root.glob(pattern))
    }


def conflicts(messages: Iterable[Message]) -> list[str]:
    """Name each text that carries two intents, or the same intent twice."""
    places: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        places[normal(message.text) or message.text].append(message)
    return [
        f"{text!r}: {', '.join(sorted({f'{m.intent} in {m.file}' for m in said}))}"
        for text, said in places.items()
        if len({m.intent for m in said}) > 1
    ]


def test_the_test_data_are_those_on_record() -> None:
    recorded = json.loads(DIGESTS.read_text(encoding="utf-8"))
    found = digests()
    changed = sorted(name for name in {*recorded, *found} if recorded.get(name) != found.get(name))
    assert not changed, (
        f"Changed, new or lost: {', '.join(changed)}. Scores before and after cannot be compared. "
        f"If that is meant, note the change with its reason in CHANGELOG.md and run "
        f"'python tests/test_assistant_data.py'."
    )


def test_there_is_enough_to_test_with() -> None:
    assert len(nlu_messages("tests/nlu")) >= 600
    assert len(stories("tests/stories")) >= 40
    names = [story["story"] for _, story in stories("tests/stories")]
    assert len(names) == len(set(names))


def test_the_paraphrases_are_news_and_ask_for_every_answer() -> None:
    paraphrases, tested = nlu_messages("tests/paraphrases"), nlu_messages("tests/nlu")
    found = near_duplicates(tested, paraphrases)
    assert not found, "\n" + "\n".join(sorted(found, reverse=True))
    answers = {m.intent for m in nlu_messages("data/nlu") if "/" in m.intent}
    asked = [m.intent for m in paraphrases]
    assert {label for label in answers if asked.count(label) >= 3} == set(asked) == answers


def test_there_is_enough_to_learn_from() -> None:
    messages = nlu_messages("data/nlu")
    assert len(messages) >= 1600
    assert len({message.intent.split("/")[0] for message in messages}) >= 40
    assert len({entity for message in messages for entity in message.entities}) >= 12
    assert len({m.intent for m in messages if m.intent.startswith("faq/")}) >= 20


def test_every_intent_that_is_tested_is_learned() -> None:
    learned = {message.intent for message in nlu_messages("data/nlu")}
    tested = {m.intent for folder in TESTED for m in nlu_messages(folder)}
    assert tested - {"out_of_scope", "nlu_fallback"} <= learned


def test_no_test_message_was_learned_from() -> None:
    learned = [*nlu_messages("data/nlu"), *story_messages("data/stories")]
    written = [message for folder in TESTED for message in nlu_messages(folder)]
    tested = [*written, *story_messages("tests/stories")]
    found = near_duplicates(learned, tested)
    assert not found, "\n" + "\n".join(sorted(found, reverse=True))


def test_no_message_carries_two_intents() -> None:
    found = conflicts(nlu_messages("data/nlu"))
    assert not found, "\n" + "\n".join(found)
    for folder in TESTED:
        found = conflicts(nlu_messages(folder))
        assert not found, "\n" + "\n".join(found)


def test_no_message_is_empty_or_carries_broken_markup() -> None:
    messages = [m for folder in ("data/nlu", *TESTED) for m in nlu_messages(folder)]
    broken = [m for m in messages if not m.text or re.search(r"]\(|]\{|\[\s*]", m.text)]
    assert not broken


# The checks themselves


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


NLU = """
nlu:
- intent: transfer
  examples: |
    - send [£5](amount) to [Ana]{"entity": "payee", "role": "to"} now
    - [one](n)[two](n)
- synonym: five
  examples: |
    - 5
- intent: hello
  examples:
  - text: |
      hi there
- regex: x
  examples: |
    - \\d
"""
STORIES = """
stories:
- story: one
  steps:
  - user: |
      send [£5](amount) please
    intent: transfer
  - action: done
  - user: |
      /affirm{"x": "y"}
    intent: affirm
  - intent: affirm
  - user: Good Morning!
    intent: greet
"""


def test_the_reader_reads_every_notation(tmp_path: Path) -> None:
    write(tmp_path, "data/nlu/one.yml", NLU)
    write(tmp_path, "data/stories/one.yml", STORIES)
    assert nlu_messages("data/nlu", tmp_path) == [
        Message("data/nlu/one.yml", "transfer", "send £5 to Ana now", ("amount", "payee")),
        Message("data/nlu/one.yml", "transfer", "onetwo", ("n", "n")),
        Message("data/nlu/one.yml", "hello", "hi there"),
    ]
    assert [m.text for m in story_messages("data/stories", tmp_path)] == [
        "send £5 please",
        "Good Morning!",
    ]


def test_the_reader_agrees_with_the_engine() -> None:
    """Counts what Rasa itself reads, in a process of its own that loads no TensorFlow."""
    import subprocess

    script = (
        "import sys, json; from pathlib import Path\n"
        "from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader\n"
        "names = sorted(str(p) for p in Path(sys.argv[1]).rglob('*.yml'))\n"
        "read = [m for n in names for m in RasaYAMLReader().read(n).training_examples]\n"
        "print(json.dumps([[m.get_full_intent(), m.get('text'),"
        " [e['entity'] for e in m.get('entities', [])]] for m in read]))\n"
    )
    for folder in (*TESTED, "data/nlu"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        ours = [[m.intent, m.text, list(m.entities)] for m in nlu_messages(folder)]
        assert json.loads(done.stdout.splitlines()[-1]) == ours


@pytest.mark.parametrize(
    ("learned", "tested", "alike"),
    [
        ("how much is in my account", "How much is in my account?!", True),
        ("how much is in my account", "how much is in my acount", True),
        ("how much is in my account", "what do i have in my account", False),
        ("pay my rent", "Pay my rent!", True),
        ("pay my rent", "pay my bent", False),
        ("good morning", "good morning", False),
        ("yes", "Yes.", False),
    ],
)
def test_near_duplicates_are_found(learned: str, tested: str, alike: bool) -> None:
    found = near_duplicates([Message("a", "x", learned)], [Message("b", "x", tested)])
    assert bool(found) is alike


def test_conflicts_are_found() -> None:
    one, two = Message("a", "x", "Pay it!"), Message("b", "y", "pay it")
    assert conflicts([one, two])
    assert not conflicts([one, Message("a", "x", "pay that")])


def test_a_changed_lost_or_new_test_file_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, "tests/nlu/one.yml", "a")
    write(tmp_path, "tests/stories/two.yml", "b")
    before = digests(tmp_path)
    assert set(before) == {"tests/nlu/one.yml", "tests/stories/two.yml"}
    write(tmp_path, "tests/nlu/one.yml", "a ")
    write(tmp_path, "tests/nlu/three.yml", "c")
    after = digests(tmp_path)
    assert before["tests/nlu/one.yml"] != after["tests/nlu/one.yml"]
    assert "tests/nlu/three.yml" in after


if __name__ == "__main__":
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n", encoding="utf-8")
    print(f"Recorded {len(digests())} files. Now note the change and its reason in CHANGELOG.md.")
