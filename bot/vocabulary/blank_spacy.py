"""spaCy without its machine learning: the only module that imports it.

spaCy imports thinc, and thinc imports torch wherever it is installed: seconds and half a gigabyte
for a tokenizer of regular expressions. So torch is hidden while spaCy is imported, and only then:
a later `import torch` works as ever.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bot.errors import ProjectError

if TYPE_CHECKING:
    from types import ModuleType

# What thinc tries to import and does well without.
_HEAVY = ("torch", "tensorflow", "mxnet", "cupy")
RENEW_EVERY = 2_000  # messages; a new word takes about 400 bytes


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """Let imports of these packages fail, those apart that are loaded already."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def _import_spacy() -> ModuleType:
    with _hidden(_HEAVY):
        import spacy
        import spacy.tokenizer
        import spacy.util
        import spacy.vocab
    return spacy


_spacy: Any = _import_spacy()


@lru_cache(maxsize=8)
def blank(language: str) -> Any:
    """Give spaCy's blank pipeline of a language, a `spacy.Language`; one object a language.

    Raises:
        ProjectError: spaCy does not know the language, or needs another package for it.
    """
    try:
        with _hidden(_HEAVY):
            return _spacy.blank(language)
    except ImportError as error:
        reason = " ".join(str(error).split())
        if "E048" in reason:
            raise ProjectError(
                f"spaCy has no tokenizer for the language '{language}'.",
                "Set `language` in config.yml to a code such as en, de or fr; xx splits words of "
                "any language at spaces and punctuation.",
            ) from error
        raise ProjectError(
            f"The tokenizer for the language '{language}' needs a package that is not installed.",
            f"Install it: {reason}",
        ) from error


class BlankTokenizer:
    """The tokenizer of a blank pipeline, for a process that runs for months.

    The exceptions of a language that cut words without a sign to show for it ("cannot" as can not,
    "id" as i d) are left out; so are those with digits ("8)" as a smile). spaCy remembers each new
    word for good; here what it remembers is thrown away from time to time.

    Args:
        language: a code that `blank` knows.
        added: regular expressions beside those of the language, for `prefix`, `suffix` and
            `infix`; a language whose tokenizer is not made of rules does without them.
    """

    def __init__(self, language: str, added: Mapping[str, Sequence[str]]) -> None:
        self._tokenizer = _own_tokenizer(language, added)
        self._lock = threading.Lock()
        self._zone = ExitStack()
        self._until_renewal = 0

    def split(self, text: str) -> list[tuple[int, int]]:
        """Give the offsets of the tokens, without those of white space alone."""
        with self._lock:
            if not self._until_renewal:
                self._renew()
            self._until_renewal -= 1
            doc = self._tokenizer(text)
            tokens = [(token.idx, token.text) for token in doc]
        return [(start, start + len(text)) for start, text in tokens if not text.isspace()]

    def _renew(self) -> None:
        """Forget the words of earlier messages."""
        self._zone.close()
        self._zone = ExitStack()
        self._zone.enter_context(self._tokenizer.vocab.memory_zone())
        if hasattr(self._tokenizer, "memory_zone"):
            self._zone.enter_context(self._tokenizer.memory_zone())
        self._until_renewal = RENEW_EVERY


def _own_tokenizer(language: str, added: Mapping[str, Sequence[str]]) -> Any:
    """Give a tokenizer that shares no memory with others."""
    pipeline = blank(language)
    given = pipeline.tokenizer
    if type(given) is not _spacy.tokenizer.Tokenizer:
        # Chinese and its kin bring a tokenizer that is not made of rules.
        return _spacy.blank(language).tokenizer
    rules = {
        text: parts
        for text, parts in given.rules.items()
        if len(parts) == 1 and not any(char.isdigit() or char.isspace() for char in text)
    }
    compiled = {
        kind: getattr(_spacy.util, f"compile_{kind}_regex")(
            [*(getattr(pipeline.Defaults, plural) or ()), *added.get(kind, ())]
        )
        for kind, plural in (("prefix", "prefixes"), ("suffix", "suffixes"), ("infix", "infixes"))
    }
    return _spacy.tokenizer.Tokenizer(
        _spacy.vocab.Vocab(),
        rules=rules,
        prefix_search=compiled["prefix"].search,
        suffix_search=compiled["suffix"].search,
        infix_finditer=compiled["infix"].finditer,
        token_match=given.token_match,
        url_match=given.url_match,
    )
