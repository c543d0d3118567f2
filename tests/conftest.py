"""What all tests share: no network, no telemetry, and a real encoder that trains in seconds."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bot.types import Example, Span  # noqa: E402

if TYPE_CHECKING:
    from bot.ml.options import JointOptions

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PUNCTUATION = ".,:;!?'\"()[]/#@%&+-*=£€$"
N_POSITIONS = 128


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what libraries say about each other: nobody here can mend it."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:matplotlib")


# `[berlin](city from)` has the role `from`; `[large](size #1)` has the group `1`.
ANNOTATED = {
    "greet": """
        hello
        hi there
        good morning
        hey bot
        hello again
        good evening to you
        hi
        hey there
        morning
        hello hello
    """,
    "goodbye": """
        bye
        see you later
        goodbye
        bye bye
        see you tomorrow
        have a nice day
        talk to you later
        good bye bot
        I have to leave
        until next time
    """,
    "book_flight": """
        book a flight from [berlin](city from) to [oslo](city to)
        fly me to [rome](city to)
        I need a flight from [madrid](city from)
        a ticket from [rome](city from) to [berlin](city to) please
        flight to [oslo](city to) from [paris](city from)
        book me a seat to [new york](city to)
        from [new york](city from) to [madrid](city to)
        can I fly from [oslo](city from) to [paris](city to)?
        get me to [berlin](city to), I am in [rome](city from)
        I want to fly to [madrid](city to)
    """,
    "order_pizza": """
        a [large](size #1) pizza with [ham](topping #1)
        a [small](size #1) with [tuna](topping #1), a [large](size #2) with [olives](topping #2)
        order a [small](size #1) pizza
        pizza with [olives](topping #1) please
        a [large](size #1) [ham](topping #1) pizza and a [small](size #2) [tuna](topping #2) pizza
        I want a [large](size #1) pizza with [tuna](topping #1)
        bring me a [small](size #1) pizza with [ham](topping #1)
        [large](size #1) pizza, [olives](topping #1) on top
        a pizza with [tuna](topping #1) and one with [ham](topping #2)
        two pizzas, [small](size #1) and [large](size #2)
    """,
    "faq/opening_hours": """
        when are you open
        what are your opening hours
        are you open on sunday
        until what time is the shop open
        when do you close
        at what hour do you open
        is the shop open today
        opening times please
        do you close on holidays
        how late are you open
    """,
    "faq/parking": """
        where can I park
        is there a car park
        do you have parking
        where do I leave my car
        is parking free
        how much is parking
        can I park near the shop
        parking for my car
        is there a place to park
        do I have to pay to park
    """,
}
_MARKED = re.compile(r"\[(?P<value>[^]]+)]\((?P<entity>\w+)(?: (?P<mark>#?\w+))?\)")


def read_example(marked: str, intent: str | None) -> Example:
    """Read `[berlin](city from)` as a role and `[large](size #1)` as a group."""
    text, spans, position = "", [], 0
    for match in _MARKED.finditer(marked):
        text += marked[position : match.start()]
        start, text = len(text), text + match["value"]
        mark = match["mark"] or ""
        role, group = ("", mark[1:]) if mark.startswith("#") else (mark, "")
        spans.append(Span(start, len(text), match["entity"], role or None, group or None))
        position = match.end()
    return Example(text + marked[position:], intent, tuple(spans))


@pytest.fixture(scope="session")
def tiny_examples() -> tuple[Example, ...]:
    """Sixty examples, ten for each of six labels, in an order that mixes the labels.

    Four plain intents (`greet`, `goodbye`, `book_flight`, `order_pizza`) and two retrieval
    labels (`faq/opening_hours`, `faq/parking`); `city` has the roles `from` and `to`, `size`
    and `topping` have the groups `1` and `2`. All spans begin and end with words.
    """
    columns = [
        [read_example(line.strip(), intent) for line in block.strip().splitlines()]
        for intent, block in ANNOTATED.items()
    ]
    return tuple(example for row in zip(*columns, strict=True) for example in row)


@pytest.fixture(scope="session")
def tiny_encoder(
    tmp_path_factory: pytest.TempPathFactory, tiny_examples: tuple[Example, ...]
) -> Path:
    """The folder of a real but tiny BERT: 2 layers, hidden size 32, at most 128 positions.

    Written by `save_pretrained`, so `model: <folder>` works wherever an encoder is named. Its
    WordPiece tokenizer knows letters, digits, punctuation and the commoner words of
    `tiny_examples`; its weights are random, but the same in every session. Read only: copy it
    before changing it.
    """
    folder = tmp_path_factory.mktemp("tiny_encoder")
    build_tiny_encoder(folder, [example.text for example in tiny_examples])
    return folder


@pytest.fixture(scope="session")
def encoder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Path]:
    """A function that makes an encoder like `tiny_encoder` which knows the words of other texts."""

    def build(texts: list[str]) -> Path:
        folder = tmp_path_factory.mktemp("encoder")
        build_tiny_encoder(folder, texts)
        return folder

    return build


def build_tiny_encoder(folder: Path, texts: list[str]) -> None:
    """Write a tokenizer and a seeded model; the same bytes each time."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.set_num_threads(1)  # at this size a second thread only waits for the first
    tokenizer = Tokenizer(models.WordPiece(_pieces(texts), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), SPECIALS, strict=False)),
        mask_token="[MASK]",
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=N_POSITIONS,
        pad_token_id=tokenizer.token_to_id("[PAD]"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)


def _pieces(texts: list[str]) -> dict[str, int]:
    """Number the pieces: letters, punctuation, and the words that occur more than once.

    The trainer of `tokenizers` breaks ties by chance, and another vocabulary is another model.
    """
    counts = Counter(word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower()))
    words = sorted(word for word, count in counts.items() if count > 1 and len(word) > 1)
    inside = [f"##{letter}" for letter in LETTERS] + ["##s", "##ing", "##ed", "##er", "##le"]
    pieces = [*SPECIALS, *LETTERS, *PUNCTUATION, *inside, *words]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


@pytest.fixture(scope="session")
def tiny_options(tiny_encoder: Path) -> JointOptions:
    """Options with which `tiny_encoder` learns `tiny_examples` by heart in a second or two."""
    from bot.ml.options import JointOptions

    return JointOptions(
        model=str(tiny_encoder),
        epochs=20,
        min_steps=0,
        learning_rate=5e-3,
        batch_size=8,
        max_length=64,
        validation_split=0.0,
    )


@pytest.fixture(scope="session")
def trained_tiny(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_options: JointOptions,
    tiny_examples: tuple[Example, ...],
) -> Path:
    """A checkpoint folder, trained on `tiny_examples` and written by `checkpoint.save`.

    The model gets its training examples right. Read only: tests that change a file take
    `trained_copy`.
    """
    from bot.ml import checkpoint
    from bot.ml.training import train_joint

    workspace = tmp_path_factory.mktemp("workspace")
    folder = tmp_path_factory.mktemp("trained_tiny")
    trained = train_joint(tiny_examples, tiny_options, workspace, show_progress=False)
    checkpoint.save(trained, tiny_examples, folder)
    return folder


@pytest.fixture
def trained_copy(trained_tiny: Path, tmp_path: Path) -> Path:
    """A copy of `trained_tiny` that a test may damage."""
    return Path(shutil.copytree(trained_tiny, tmp_path / "model"))


@pytest.fixture
def no_encoder_services() -> Iterator[None]:
    """Empty the process's store of encoders before and after a test."""
    from bot.ml import inference

    inference._services.clear()
    yield
    inference._services.clear()


@pytest.fixture(scope="session")
def bundled_tokenizer_path() -> Path:
    """`tokenizer.json` of the bundled encoder."""
    from bot.ml.encoder import find_encoder
    from bot.ml.options import BUNDLED_ENCODER

    return find_encoder(BUNDLED_ENCODER).folder / "tokenizer.json"
