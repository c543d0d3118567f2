"""Messages without labels, from every kind of file, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ProjectError
from bot.lifecycle.corpus import read_corpus


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return written


NLU = """version: "3.1"
nlu:
- intent: order
  examples: |
    - a [large](size) pizza
    - [two]{"entity": "number", "value": "2"} of them
- synonym: large
  examples: |
    - huge
"""


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "hi\r\n\n  where is   my card \nhi\n", ["hi", "where is my card"]),
        ("b.txt", "\ufeffone\ntwo", ["one", "two"]),
        (
            "c.csv",
            'Text,category\n"a, b",x\n"two\nlines",y\n\nlast,z\n',
            ["a, b", "two lines", "last"],
        ),
        ("d.csv", "id,text\n1,hi\n2,\n", ["hi"]),
        ("e.jsonl", '{"text": "hi", "n": 1}\n\n{"text": "caf\\u00e9"}\n', ["hi", "caf\u00e9"]),
        ("f.yml", NLU, ["a large pizza", "two of them"]),
    ],
)
def test_messages_of_each_kind_of_file(  # type: ignore[no-untyped-def]
    name: str, content: str, expected: list[str], write
) -> None:
    assert list(read_corpus([write(name, content)]).texts) == expected


def test_each_message_counts_once_across_files(write) -> None:  # type: ignore[no-untyped-def]
    files = [write("a.txt", "Hi\n\nWhere\n"), write("b.csv", "text\nhi\nwhere\nnew\n\u00a0\n")]
    corpus = read_corpus(files)
    assert corpus.texts == ("Hi", "Where", "new")
    assert (corpus.repeated, corpus.empty) == (2, 2)


@pytest.mark.parametrize(
    ("name", "content", "line", "said"),
    [
        ("a.docx", "x", None, "is of no kind"),
        ("b.json", "x", None, "Did you mean '.jsonl'"),
        ("c.txt", b"fine\ncaf\xe9\n", 2, "not in UTF-8"),
        ("d.txt", "fine\nbi\0nary\n", 2, "NUL"),
        ("e.csv", "message\nhi\n", 1, "no columns 'text'"),
        ("f.csv", "text,text\nhi,ho\n", 1, "2 columns 'text'"),
        ("g.csv", "", 1, "no columns 'text'"),
        ("h.csv", 'text,n\n"two\nlines",1\na, b, c\n', 4, "3 cells"),
        ("i.csv", 'text\nfine\n"open\n', 3, "no CSV"),
        ("j.jsonl", '{"text": "hi"}\n{"text": \n', 2, "no JSON"),
        ("k.jsonl", '{"text": "hi"}\n\n{"txt": "hi"}\n', 3, "no text under 'text'"),
        ("l.jsonl", '["hi"]\n', 1, "no text under 'text'"),
        ("m.yml", "nlu:\n- intent: a\n  examples: |\n   - hi\n  - b: [\n", 5, "no YAML"),
        ("n.yml", "stories: []\n", None, "no examples of intents"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(  # type: ignore[no-untyped-def]
    name: str, content: str | bytes, line: int | None, said: str, write
) -> None:
    path = write(name, content)
    with pytest.raises(ProjectError, match=".") as caught:
        read_corpus([path])
    assert said in str(caught.value)
    assert (caught.value.file, caught.value.line) == (path, line)
    assert caught.value.remedy


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"gone\.txt: The file cannot be read: No such file"):
        read_corpus([tmp_path / "gone.txt"])
