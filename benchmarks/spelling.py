"""The speller on public data sets: dictionary from one half of the training texts, slips in the
other half.

    python -m benchmarks.spelling FOLDER

The test splits are not opened. The settings were chosen with seed 7: other seeds, other halves and
slips, are what to report. A word that stays wrong costs little: the encoder reads it as it
was typed. A right word that is changed costs more, so its share is what the margin is set by.
"""

from __future__ import annotations

import csv
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.typos import KINDS, space_slip, with_typos
from bot.ml.text import apply_edits
from bot.types import Edit
from bot.vocabulary.spelling import Speller
from bot.vocabulary.spelling_words import count_words
from bot.vocabulary.tokenizing import WordTokenizer

SETS = ("BANKING77", "HWU64")


@dataclass(frozen=True)
class Score:
    """Shares of words: of those with a slip, and of the others.

    `reachable` is the share of slips that left no right word and at least four letters, and whose
    word is known: no speller that looks at single words could mend the others.
    """

    data: str
    slips: str
    words: int
    reachable: float
    right: float
    wrong: float
    left: float
    clean_touched: float
    p50_ms: float

    def row(self) -> str:
        """Give the numbers as a row of Markdown."""
        shares = (self.reachable, self.right, self.wrong, self.left)
        cells = [self.data, self.slips, str(self.words), *(f"{share:.1%}" for share in shares)]
        return f"| {' | '.join(cells)} | {self.clean_touched:.3%} | {self.p50_ms:.3f} |"


def run(data: Path, seed: int = 11, json_file: Path | None = None) -> list[Score]:
    """Print a row for each data set and kind of slip; `clean` is the share of changed words."""
    scores = []
    print("| data | slips | words | reachable | corrected | wrongly | left | clean | p50 ms |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in SETS:
        known, asked = halves(texts_of(name, data), seed)
        tokenizer = WordTokenizer("en")
        speller = Speller.build(count_words(known, tokenizer.tokenize), ())
        for kinds in (KINDS, *((kind,) for kind in KINDS)):
            score = measure(name, speller, tokenizer, asked, kinds, seed)
            scores.append(score)
            print(score.row())
        print(
            f"\n{name}, a space dropped or misplaced: {spaces(speller, tokenizer, asked, seed)}\n"
        )
    if json_file:
        json_file.write_text(json.dumps([asdict(score) for score in scores], indent=2), "utf-8")
    return scores


def texts_of(name: str, data: Path) -> list[str]:
    """Give the training texts of a data set."""
    if name == "BANKING77":
        with (data / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
            return [" ".join(row["text"].split()) for row in csv.DictReader(file)]
    path = data / "few_shot" / name / "train" / "seq.in"
    return path.read_text(encoding="utf-8").splitlines()


def halves(texts: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Split texts in two by chance; a text that occurs twice is in one half only."""
    order = sorted(set(texts))
    random.Random(seed).shuffle(order)
    return order[: len(order) // 2], order[len(order) // 2 :]


def measure(
    name: str,
    speller: Speller,
    tokenizer: WordTokenizer,
    texts: Sequence[str],
    kinds: Sequence[str],
    seed: int,
) -> Score:
    """Count what becomes of one slip in each text, and of all words of the texts without slips."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    times = []
    for text in texts:
        spans = tokenizer.tokenize(text)
        began = time.perf_counter()
        touched = speller.correct(text, spans)
        times.append(time.perf_counter() - began)
        counts["words"] += len(spans)
        counts["touched"] += len(touched)
        typed, slips = with_typos(text, rng, kinds)
        for start, end, meant in slips:
            counts["slips"] += 1
            wrong = typed[start:end]
            counts["reachable"] += (
                not speller.knows(wrong) and len(wrong) > 3 and speller.knows(meant)
            )
            edits = speller.correct(typed, tokenizer.tokenize(typed))
            counts[outcome(edits, start, end, meant)] += 1
    slips_made = max(1, counts["slips"])
    return Score(
        name,
        "all" if len(kinds) > 1 else kinds[0],
        counts["slips"],
        counts["reachable"] / slips_made,
        counts["right"] / slips_made,
        counts["wrong"] / slips_made,
        counts["left"] / slips_made,
        counts["touched"] / max(1, counts["words"]),
        median(times) * 1000,
    )


def spaces(
    speller: Speller, tokenizer: WordTokenizer, texts: Sequence[str], seed: int
) -> dict[str, str]:
    """Say which share of texts with one misplaced space became what they were.

    Where one of two words was mended, as `purchaser ecently` to `purchaser recently`, it is half.
    """
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for text in texts:
        typed = space_slip(text, rng)
        if typed == text:
            continue
        edits = speller.correct(typed, tokenizer.tokenize(typed))
        read = apply_edits(typed, edits)
        counts["right" if read.lower() == text.lower() else "half" if edits else "left"] += 1
    return {key: f"{count / sum(counts.values()):.1%}" for key, count in sorted(counts.items())}


def outcome(edits: Sequence[Edit], start: int, end: int, meant: str) -> str:
    """Say what became of a slip at `start:end`: right, wrong or left."""
    over = [edit for edit in edits if edit.start < end and start < edit.end]
    if not over:
        return "left"
    same = len(over) == 1 and (over[0].start, over[0].end) == (start, end)
    return "right" if same and over[0].replacement.lower() == meant.lower() else "wrong"


if __name__ == "__main__":
    import sys

    run(Path(sys.argv[1]))
