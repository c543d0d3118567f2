"""Find sums of money: £1,250.00, 1.250,00 € in German, 250 quid, half a grand, 50p, 1.5k.

First every number is found, in digits or in words; then what stands beside it says whether it is
money: a sign, a code, a name, "k" or "grand". A number alone is a sum where the message says
nothing else, or where a verb of money stands right before it. Digits that could mean two things
("£1,23,4", "1.250,00 €" in English) are no sum: asking again is cheaper than guessing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from bot.vocabulary.figures import (
    BETWEEN,
    MONEY_BEFORE,
    SCALE_AFTER,
    Number,
    find_numbers,
    money_after,
)
from bot.vocabulary.findings import FoundValue, found
from bot.vocabulary.locales import SIGNS, Locality
from bot.vocabulary.number_words import SCALES, WORDS

MONEY_WORDS = frozenset({"tenner", "tenners", "fiver", "fivers", "k", *WORDS})
"""English words without which a message without digits names no sum."""

MOST = Decimal(10**12)  # beyond this nobody means money
_SLANG = re.compile(r"(?<!\w)(?:an? )?(?P<word>tenner|fiver)(?!\w)")
_SLANG_VALUES = {"tenner": Decimal(10), "fiver": Decimal(5)}
_AFTER = re.compile(r"(?![\w@%])(?![.,'/:]\d)(?!-\d{1,2}-)(?! ?%| per ?cent)")
_MINUS = re.compile(r"(?:(?<![\w)%€£$.-])-\s?|(?<!\w)minus\s{1,2})$")
_NO_SUM = re.compile(r"\s(?:run|race|steps|followers|km|tv|video|resolution|display|screen)\b")
_PENCE = re.compile(r"\s?(?P<unit>pence|pennies|penny|cents?|p)(?![^\W_])(?!\.?m\b|\sm\b)")
_SCREENS = ("480", "720", "1080", "1440", "2160")
_JOIN = re.compile(r"\s{0,2}(?P<word>-|to|or|and)\s{0,2}")
_ALONE_AFTER = re.compile(
    r"\s{0,2}(?:$|[.,;!?)]|(?:to|from|into|in|for|by|on|out|off|each|a|per|every|weekly|monthly|"
    r"today|tomorrow|now|back|please|pls|plz|again|instead|too|over|away|more|over|at|with)\b)"
)
_VERB = re.compile(
    r"(?:\b(?:send|sent|pay|paid|transfer|transfr|transferred|move|moved|shift|lend|lent|borrow|"
    r"withdraw|withdrew|deposit|deposited|owe|owes|spend|spent|top up|topped up|capped at|"
    r"limits? (?:to|of|at|by)|limits? up to|amount (?:of|to|is))|[£€$])"
    r"(?:\s(?:him|her|them|me|us|mum|dad|it))?(?:\s(?:about|around|exactly|just|only))?\s{1,2}$"
)
# After these, ten and more is a sum.
_WEAK_VERB = re.compile(
    r"(?:\b(?:take|took|taken out|took out|put|pull|pulled|chuck|stick|bung|give|gave|get|got|need|"
    r"needs|want|wants|add|front|skim|topping up|refill|refund|refunded|charged|cost|costs|"
    r"transfering|sending|paying|moving|limi?t|overdraft to|loan of|mortgage of|keeping my|"
    r"limi?ts? (?:\w+ ){0,6}(?:to|at|by|of|is)|balance (?:is|as|of))"
    r"(?:\s(?:him|her|them|me|us|mum|dad|it|in|out|another|with))?)"
    r"(?:\s(?:about|around|exactly|just|only))?\s{1,2}$"
)
_FILLER_WORDS = (
    "please pls plz just only about around roughly exactly make it its no not yes yeah ok okay "
    "oops hmm sorry actually max maximum i said say meant mean would do let let's lets thanks ta "
    "instead the amount is sum was be should have that that's scrap of"
)
_FILLERS = frozenset(_FILLER_WORDS.split())


def find_amounts(folded: str, place: Locality, currency: str) -> Iterator[FoundValue]:
    """Yield the sums in a folded text, those of one range one by one.

    Args:
        folded: what `fold` made of the text.
        place: how numbers and currencies are written.
        currency: the ISO code of sums that name none.
    """
    english = place.language == "en"
    numbers = list(find_numbers(folded, place, english))
    sums = [_with_money(folded, number, place, currency, english) for number in numbers]
    sums = _join_parts(folded, numbers, sums)
    sums = _join_ranges(folded, numbers, sums)
    alone = _is_alone(folded, numbers, english)
    for number, money in zip(numbers, sums, strict=True):
        if money is None and (alone or (english and _follows_verb(folded, number))):
            money = _as_bare(number, currency, alone=alone)
        if money is not None and not _merged(money):
            yield from _finding(folded, money)
    if english:
        for match in _SLANG.finditer(folded):
            yield _amount(*match.span(), _SLANG_VALUES[match["word"]], "GBP")


def _with_money(
    folded: str, number: Number, place: Locality, currency: str, english: bool
) -> Number | None:
    """Look left and right of a number for what makes it money."""
    start, end, value, scale = number.start, number.end, number.value, None
    left = MONEY_BEFORE.search(folded, max(0, start - 8), start)
    if left is None and start and _in_word(folded[start - 1]):
        return None
    match = SCALE_AFTER.match(folded, end)
    if match and (english or match["scale"] in ("k", "m")) and not number.in_words:
        scale, end = match["scale"], match.end()
        value *= SCALES[scale]
    code = (SIGNS.get(left["sign"] or "") or left["code"].upper()) if left else None
    begin = left.start() if left else start
    name = money_after(place).match(folded, end)
    if left is None and name:
        sign = name[0].strip()
        code, end = SIGNS.get(sign) or place.money[" ".join(sign.split())], name.end()
    if left is None and name is None and english:
        pence = _PENCE.match(folded, end)
        if pence and scale is None and not (number.text in _SCREENS and pence["unit"] == "p"):
            return _pence(number, pence, currency)
        if scale in ("k", "grand") or (number.in_words and number.text.endswith("grand")):
            code = None if _NO_SUM.match(folded, end) else currency
    if left and english and folded[end : end + 1] == "p" and "." in number.text:
        end += 1  # "£2.50p"
    if code is None or not _AFTER.match(folded, end):
        return None
    if left and left["minus"]:
        value = -value
    return replace(number, start=begin, end=end, value=value, currency=code, scale=scale,
                   signed=left is not None)  # fmt: skip


def _pence(number: Number, match: re.Match[str], currency: str) -> Number:
    """Read pence and cents; cents are euro cents where the bank's own currency has none."""
    code = "GBP" if match["unit"].startswith("p") else "EUR" if currency == "GBP" else currency
    return replace(number, end=match.end(), value=number.value / 100, currency=code, scale="p")


def _join_parts(
    folded: str, numbers: list[Number], sums: list[Number | None]
) -> list[Number | None]:
    """Make one sum of "five pounds fifty" and of "£5 and 20p"."""
    joined = list(sums)
    for index in range(len(numbers) - 1):
        money, part, small = joined[index], numbers[index + 1], joined[index + 1]
        if money is None or money.scale or money.value % 1 or not 0 < part.value < 100:
            continue
        gap = folded[money.end : part.start]
        pence = small is not None and small.scale == "p" and re.fullmatch(r"\s(?:and\s)?", gap)
        two_digits = part.in_words or re.fullmatch(r"\d\d", part.text)
        bare = small is None and gap.isspace() and not money.signed and two_digits
        if pence or (bare and _ALONE_AFTER.match(folded, part.end)):
            end = small.end if small is not None else part.end
            joined[index] = replace(money, end=end, value=money.value + part.value / 100)
            joined[index + 1] = replace(part, end=part.start)  # an empty one: it was used up
    return joined


def _merged(money: Number) -> bool:
    return money.end <= money.start


def _join_ranges(
    folded: str, numbers: list[Number], sums: list[Number | None]
) -> list[Number | None]:
    """Give the bare end of a range the currency of the other: "50 to 100 pounds"."""
    joined = list(sums)
    for index in range(len(numbers) - 1):
        first, second = joined[index], joined[index + 1]
        if (first is None) == (second is None):
            continue
        left, right = first or numbers[index], second or numbers[index + 1]
        link = _JOIN.fullmatch(folded, left.end, right.start)
        between = BETWEEN.search(folded, max(0, left.start - 12), left.start)
        if not link or (link["word"] == "and" and not between):
            continue
        if first is None and second is not None and not second.signed and not _merged(second):
            joined[index] = _like(left, second)
        elif first is not None and first.signed and _ALONE_AFTER.match(folded, right.end):
            joined[index + 1] = _like(right, first)
    return joined


def _like(bare: Number, money: Number) -> Number:
    """Read a bare number as the other end of a range: "5 to 10k" begins at 5k."""
    factor = SCALES.get(money.scale or "", 1)
    smaller = bare.value * factor <= money.value
    value = bare.value * factor if money.scale != "p" and smaller else bare.value
    value = bare.value / 100 if money.scale == "p" else value
    return replace(bare, value=value, currency=money.currency, scale=money.scale)


def _is_alone(folded: str, numbers: list[Number], english: bool) -> bool:
    """Say whether the message holds numbers and nothing else that means anything."""
    if not numbers or "thanks a million" in folded or any(_is_code(number) for number in numbers):
        return False
    pieces, position = [], 0
    for number in numbers:
        pieces.append(folded[position : number.start])
        position = number.end
    rest = " ".join([*pieces, folded[position:]])
    if re.search(r"[^\W\d_]|\d", rest) is None:
        return re.fullmatch(r"[\s.,!?-]*", rest) is not None
    rest = re.sub(r"(?<!\w)(?:thousand|million)(?!\w)", " ", rest)
    words = re.findall(r"[\w']+", rest)
    return english and re.search(r"[/:@%#+]", rest) is None and _FILLERS.issuperset(words)


def _follows_verb(folded: str, number: Number) -> bool:
    if not _ALONE_AFTER.match(folded, _scale_end(folded, number)):
        return False
    before = (folded, max(0, number.start - 48), number.start)
    weak = number.value >= 10 or number.value == 0
    return bool(_VERB.search(*before) or (weak and _WEAK_VERB.search(*before)))


def _scale_end(folded: str, number: Number) -> int:
    match = SCALE_AFTER.match(folded, number.end)
    return match.end() if match else number.end


def _as_bare(number: Number, currency: str, *, alone: bool) -> Number | None:
    """Take a number as a sum of the bank's own currency, unless it looks like a code."""
    if _is_code(number):
        return None
    if number.in_words and number.value and number.value < (2 if alone else 5):
        return None  # "that one", "move one to"
    return replace(number, currency=currency)


def _is_code(number: Number) -> bool:
    """Say whether digits look like an account number or the like."""
    text = number.text
    return text.isdigit() and (len(text) > 6 or (text[0] == "0" and len(text) > 1))


def _finding(folded: str, money: Number) -> Iterator[FoundValue]:
    start, end, value = money.start, money.end, money.value
    scale = SCALE_AFTER.match(folded, end) if money.scale is None and not money.in_words else None
    if scale and not money.signed and money.end == money.start + len(money.text):
        end, value = scale.end(), value * SCALES[scale["scale"]]
    minus = _MINUS.search(folded, max(0, start - 8), start)
    if minus and value > 0:
        start, value = minus.start(), -value
    if abs(value) <= MOST and money.currency and _AFTER.match(folded, end):
        yield _amount(start, end, value, money.currency)


def _amount(start: int, end: int, value: Decimal, currency: str) -> FoundValue:
    exact = value.quantize(Decimal("0.01")) if value == round(value, 2) else value.normalize()
    return found(start, end, "amount", {"amount": f"{exact:f}", "currency": currency})


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
