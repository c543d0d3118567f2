"""How fast words are found, and in how much memory: 100,000 made-up terms, 30,000 words.

    python -m benchmarks.vocabulary_speed

Each row is measured in a process of its own, so that memory is that of the row alone. Seconds are
those of the processor, so that other work on the machine counts little; milliseconds are of the
clock. spaCy's
PhraseMatcher over the same terms stands beside our search.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bot.vocabulary.spelling_words import english
from bot.vocabulary.terms import Form, Term, Vocabulary

ROOT = Path(__file__).parent.parent
SEED = 7
TERMS = 100_000
WORDS = 30_000
MESSAGE = "Could you please tell me why my card payment at Tesco failed?"
WITH_NUMBERS = "please send £1,250.00 to a/c 12345678 sort code 12-34-56 by 12/03/2026 at 14:30 ok"
_SYLLABLES = (
    "ba",
    "ko",
    "ri",
    "ten",
    "mar",
    "lo",
    "fin",
    "der",
    "su",
    "pa",
    "gel",
    "os",
    "quin",
    "tor",
)
_ROUNDS = 3_000


def run(json_file: Path | None = None) -> dict[str, Any]:
    """Print a table of seconds, megabytes and milliseconds a message, and give the numbers."""
    rows = {}
    print("| what | CPU seconds | MB | p50 ms | p95 ms |")
    print("|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in JOBS:
            row = _in_a_process(name, folder)
            rows[name] = row
            times = [f"{row[key]:.3f}" if key in row else "" for key in ("p50_ms", "p95_ms")]
            print(f"| {name} | {row['seconds']:.2f} | {row['mb']:.0f} | {' | '.join(times)} |")
    if json_file:
        json_file.write_text(json.dumps(rows, indent=2), "utf-8")
    return rows


def _in_a_process(name: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.vocabulary_speed", name, folder]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def made_up_terms(number: int = TERMS) -> tuple[Term, ...]:
    """Give terms of one to three made-up words, each with one alias; the same ones each time."""
    rng = random.Random(SEED)

    def word() -> str:
        return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4)))

    terms = []
    for place in range(number):
        words = [word() for _ in range(rng.choice((1, 1, 2, 2, 3)))]
        alias = f"{words[0][0]}/{words[-1]}" if place % 10 == 0 else f"{words[0]} {word()}"
        name = " ".join(words)
        form = Form(alias, case_sensitive=False)
        terms.append(Term(name, (form,), None, name, "", False, "en", Path("x.yml"), place + 1))
    return tuple(terms)


def made_up_messages(terms: Sequence[Term], number: int = _ROUNDS) -> list[list[str]]:
    """Give messages of twelve words; every other one holds terms."""
    rng = random.Random(SEED + 1)
    plain = MESSAGE.rstrip("?").split()
    messages = []
    for place in range(number):
        words = rng.choice(terms).name.split() if place % 2 else []
        messages.append([*plain[:5], *words, *plain[5:], "now"][:12])
    return messages


def _timed(call: Callable[[Any], object], items: Sequence[Any]) -> dict[str, float]:
    times = []
    for item in items:
        began = time.perf_counter()
        call(item)
        times.append((time.perf_counter() - began) * 1000)
    return {"p50_ms": median(times), "p95_ms": quantiles(times, n=20)[-1]}


class _Lap:
    """Seconds and megabytes from its beginning to `row`."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._memory = self._process.memory_info().rss
        self._began = time.process_time()

    def row(self, **more: float) -> dict[str, float]:
        seconds = time.process_time() - self._began
        megabytes = (self._process.memory_info().rss - self._memory) / 1e6
        return {"seconds": seconds, "mb": megabytes, **more}


def _import_without_torch(_: Path) -> dict[str, float]:
    lap = _Lap()
    from bot.vocabulary import blank_spacy

    blank_spacy.blank("en")
    return lap.row()


def _import_with_torch(_: Path) -> dict[str, float]:
    lap = _Lap()
    import spacy

    spacy.blank("en")
    return lap.row()


def _tokenize(text: str) -> dict[str, float]:
    from bot.vocabulary.tokenizing import WordTokenizer

    lap = _Lap()
    tokenizer = WordTokenizer("en", ("a/c", "o/d"))
    return lap.row() | _timed(tokenizer.tokenize, [text] * _ROUNDS)


def _tokenize_new_words(_: Path) -> dict[str, float]:
    from bot.vocabulary.tokenizing import WordTokenizer

    texts = [", ".join(message) + "?" for message in _all_different()]
    lap = _Lap()
    tokenizer = WordTokenizer("en", ("a/c", "o/d"))
    return lap.row() | _timed(tokenizer.tokenize, texts)


def _all_different() -> list[list[str]]:
    names = [word for term in made_up_terms(30_000) for word in term.name.split()]
    return [names[place * 12 : place * 12 + 12] for place in range(2_000)]


def _build_matcher(folder: Path) -> dict[str, float]:
    from bot.vocabulary.matching import TermMatcher

    terms = made_up_terms()
    lap = _Lap()
    matcher = TermMatcher.build(Vocabulary(terms), "en")
    row = lap.row()
    matcher.save(folder)
    return row | _timed(matcher.match, made_up_messages(terms))


def _load_matcher(folder: Path) -> dict[str, float]:
    from bot.vocabulary.matching import TermMatcher

    messages = made_up_messages(made_up_terms(3_000))
    lap = _Lap()
    matcher = TermMatcher.load(folder)
    return lap.row() | _timed(matcher.match, messages)


def _phrase_matcher(_: Path) -> dict[str, float]:
    from bot.vocabulary.blank_spacy import blank

    vocab = blank("en").vocab
    from spacy.matcher import PhraseMatcher
    from spacy.tokens import Doc

    terms = made_up_terms()
    lap = _Lap()
    matcher = PhraseMatcher(vocab, attr="LOWER")
    for number, term in enumerate(terms):
        docs = [Doc(vocab, words=form.text.split()) for form in term.forms]
        matcher.add(str(number), docs)
    return lap.row() | _timed(
        lambda words: matcher(Doc(vocab, words=words)), made_up_messages(terms)
    )


def _counts() -> dict[str, int]:
    commonest = sorted(english().items(), key=lambda item: -item[1])[:WORDS]
    return {word: 2 + int(share * 1e6) for word, share in commonest if word.isalpha()}


def _build_speller(folder: Path) -> dict[str, float]:
    from bot.vocabulary.spelling import Speller

    counts = _counts()
    lap = _Lap()
    speller = Speller.build(counts, ())
    row = lap.row()
    speller.save(folder)
    return row


def _load_speller(folder: Path) -> dict[str, float]:
    from bot.vocabulary.spelling import Speller
    from bot.vocabulary.tokenizing import WordTokenizer

    spans = WordTokenizer("en").tokenize(MESSAGE)
    lap = _Lap()
    speller = Speller.load(folder)
    return lap.row() | _timed(lambda _: speller.correct(MESSAGE, spans), range(_ROUNDS))


def _correct_slips(folder: Path) -> dict[str, float]:
    from benchmarks.typos import typo
    from bot.vocabulary.spelling import Speller
    from bot.vocabulary.tokenizing import WordTokenizer

    rng = random.Random(SEED)
    tokenizer = WordTokenizer("en")
    words = sorted(word for word in _counts() if len(word) > 4)
    typed = [f"why is my {typo(rng.choice(words), rng)} not here" for _ in range(1_000)]
    lap = _Lap()
    speller = Speller.load(folder)
    return lap.row() | _timed(lambda text: speller.correct(text, tokenizer.tokenize(text)), typed)


JOBS: dict[str, Callable[[Path], dict[str, float]]] = {
    "import spaCy without torch, blank en": _import_without_torch,
    "import spaCy with torch, blank en": _import_with_torch,
    "tokenize 12 words": lambda _: _tokenize(MESSAGE),
    "tokenize 15 words with numbers": lambda _: _tokenize(WITH_NUMBERS),
    "tokenize 12 words never seen before": _tokenize_new_words,
    "TermMatcher.build, 100,000 terms": _build_matcher,
    "TermMatcher.load, 100,000 terms": _load_matcher,
    "spaCy's PhraseMatcher, 100,000 terms": _phrase_matcher,
    "Speller.build, 30,000 words": _build_speller,
    "Speller.load, 30,000 words": _load_speller,
    "Speller.correct, a new slip in each message": _correct_slips,
}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(JOBS[sys.argv[1]](Path(sys.argv[2]))))
    else:
        run()
