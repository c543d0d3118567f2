"""A small project with a vocabulary, written to a folder."""

from __future__ import annotations

from pathlib import Path

from bot.errors import ProjectError, VocabularyError
from bot.vocabulary.loading import load_vocabulary
from bot.vocabulary.terms import Vocabulary

ENTITIES = ("merchant", "account", "currency")

TERMS = """\
# The bank's own words.
vocabulary:
  - term: overdraft            # what the encoder reads
    aliases: [o/d, {text: OD, case_sensitive: true}, over draft]
    definition: Borrowing up to an agreed limit on a current account.
  - term: Tesco
    entity: merchant
    value: Tesco PLC
    aliases: [Tesco Ex, tescos]
    case_sensitive: false
    language: en
"""

MERCHANTS = """\
term,aliases,entity,value,definition,case_sensitive,language
Lidl,lidel|liddle,merchant,Lidl GB,"A shop, a cheap one.",,
EE,,merchant,,,true,en
"""

SHOPS = "# entity: merchant\n\n# a comment\nAldi\n  Farmfoods  \n"

NLU = """\
version: "3.1"
nlu:
- intent: pay
  examples: |
    - pay from my [nest egg](account)
    - pay from [the rainy day fund]{"entity": "account", "role": "from"} and [savings](account)
    - so what
- synonym: savings
  examples: |
    - nest egg
    - saver
- synonym: mixed
  examples: |
    - rainy
- lookup: merchant
  examples: |
    - Tesco
    - Boots
- lookup: shop
  examples: |
    - Spar
- regex: digits
  examples: |
    - \\d{4}
"""


def write(folder: Path, **files: str) -> Path:
    """Write files, `__` in a name standing for its dot, and give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def project(root: Path, **files: str) -> Path:
    """Write a project with a vocabulary and give its root."""
    write(root, config__yml="language: en\n", domain__yml=f"entities: [{', '.join(ENTITIES)}]\n")
    write(root / "data" / "nlu", nlu__yml=NLU)
    write(root / "data" / "vocabulary", **files)
    return root


def problems_of(folder: Path, language: str = "en") -> list[ProjectError]:
    """Give what is wrong with a vocabulary."""
    try:
        load_vocabulary(folder, language, ENTITIES)
    except VocabularyError as error:
        return list(error.problems)
    return []


def load(folder: Path) -> Vocabulary:
    return load_vocabulary(folder, "en", ENTITIES)
