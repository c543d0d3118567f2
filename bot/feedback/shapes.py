"""The shapes that personal data has: patterns, and the checksums that tell it from other numbers.

Amounts, dates, times and references such as `LK77120` are no personal data, and people train on
them: `KEPT` says what they look like, and nothing that touches one of them is masked, unless a
checksum or the words before it say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.feedback.words import IBAN_LENGTHS

# What people and programs put between groups of digits, invisible characters included.
_GAP = "[ \\t\u00a0\u2000-\u200d\u202f\u2060\ufeff\u00ad.\\-\u2010-\u2015]"
_INVISIBLE = "[\u200b-\u200d\u2060\ufeff\u00ad]"
_BEFORE = r"(?<![\w])"
_AFTER = r"(?![\w])"


@dataclass(frozen=True)
class Found:
    """A stretch of text that is to be masked as `kind`; `value` is what makes it the same again."""

    start: int
    end: int
    kind: str
    value: str


EMAIL = re.compile(r"[\w.+%'’-]+@[\w-]+(?:\.[\w-]+)+")
URL = re.compile(r"(?:(?:https?|ftp|wss?)://|\bwww\.)[^\s<>\"]*[^\s<>\".,;:!?')\]]", re.IGNORECASE)
IBAN = re.compile(rf"{_BEFORE}[A-Za-z]{{2}}{_GAP}?\d{{2}}(?:{_GAP}?[A-Za-z0-9]){{10,30}}")
DIGITS = re.compile(rf"(?:\+{_GAP}?)?\(?\d(?:{_GAP}{{0,2}}[()]?{_GAP}?\d)*")
NATIONAL_INSURANCE = re.compile(
    rf"{_BEFORE}[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]{_AFTER}", re.IGNORECASE
)
# "customer number is LK-8812345", "user id: 77120"
IDENTIFIER = re.compile(
    r"\b(?:customer|client|user|member(?:ship)?|login|online banking|passport|national insurance"
    r"|driving licen[cs]e|social security)\s*(?:(?:number|num|no\b\.?|nr\b\.?|id|ref|code|#)\s*)+"
    r"(?:is|:|=|-|,)?\s*(?P<value>[A-Za-z]{0,4}[- ]?\d[\w-]{2,})",
    re.IGNORECASE,
)
# "my PIN is 1234", "password: hunter2"
SECRET = re.compile(
    r"\b(?:pin|pass ?code|pass ?word|pass ?phrase|cvv2?|cvc2?|security code|one[- ]time code|otp"
    r"|(?:login|sms|verification|text) code)\s*(?:number|no\.?)?\s*(?:is|was|:|=)\s*"
    r"(?P<value>(?=[^\s\[]*[\d!$%&#@*])[^\s\[\],;]{3,})",
    re.IGNORECASE,
)
MASK = re.compile(r"\[[A-Z]+_\d+\]")

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_MONEY = r"(?:[£$€¥₹]|\b(?:gbp|eur|usd|chf|pln|jpy)\b)"
KEPT = re.compile(
    rf"""
    {_MONEY}\s?\d[\d,.']*\d*(?:\s?[kKmM]\b)?                          # £1,250.00
    | (?<![\w.,-])(?:\d{{1,3}}(?:[,.' ]\d{{3}})+|\d{{1,7}})(?:[.,]\d{{1,2}})?\s?
        (?:{_MONEY}|%|\b(?:pounds?|quid|euros?|dollars?|pence|percent)\b)  # 1 250,00 euros
    | (?<![\w.,])\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?(?![\w])          # 1,250.00
    | (?<![\w.,])\d+\.\d{{1,2}}(?![\w.])                                # 311.60
    | (?<![\w/])\d{{1,2}}/\d{{1,2}}(?:/\d{{2}}(?:\d{{2}})?)?(?![\w/])        # 12/03/2026
    | (?<![\w-])\d{{4}}-\d{{2}}-\d{{2}}(?:T[\d:.]+Z?)?(?![\w-])          # 2026-03-12
    | (?<![\w.-])(?:0?[1-9]|[12]\d|3[01])(?P<sep>[.-])(?:0?[1-9]|1[0-2])(?P=sep)
        (?:(?:19|20)\d\d)(?![\w.-])                                     # 12.03.2026
    | (?<![\w.])(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\s{_MONTH}\b(?:,?\s(?:19|20)\d\d\b)?
    | \b{_MONTH}\s(?:0?[1-9]|[12]\d|3[01])\b(?:,?\s(?:19|20)\d\d\b)?
    | (?<![\w:])\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?![\w:])                   # 14:30
    | (?<![\w-])[A-Za-z]{{2,4}}-?\d{{3,8}}(?![\w-])                      # LK77120, TX-20931
    """,
    re.IGNORECASE | re.VERBOSE,
)
SORT_CODE = re.compile(rf"{_BEFORE}\d\d{_GAP}\d\d{_GAP}\d\d(?!\d)")
DATE_LIKE = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\D(?:0?[1-9]|1[0-2])\D\d\d\Z")
COMPACT_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z")
BANK_WORDS = re.compile(r"sort ?code|s/c|\bsc\b|\bacc(?:oun)?t?\b|\ba/c\b|\biban\b", re.IGNORECASE)
PHONE_WORDS = re.compile(
    r"\b(?:phone|mobile|mob|tel|telephone|call|ring|text|whatsapp|number is)\b", re.IGNORECASE
)


def kept(text: str) -> list[tuple[int, int]]:
    """Give the stretches that look like an amount, a date, a time or a reference."""
    return [match.span() for match in KEPT.finditer(text)]


def digits_of(text: str) -> str:
    """Give the digits of any script as 0 to 9."""
    return "".join(str(int(char)) for char in text if char.isdecimal())


def is_card(digits: str) -> bool:
    """Say whether the digits are a card number: 13 to 19 of them, and Luhn's checksum."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_checksum(country: str, account: str) -> str:
    """Give the two check digits of an IBAN."""
    moved = account + country + "00"
    return f"{98 - int(''.join(str(int(char, 36)) for char in moved)) % 97:02d}"


def is_iban(text: str) -> bool:
    """Say whether a text without gaps is an IBAN: its country's length, and the right checksum."""
    country = text[:2].upper()
    if not text.isascii() or len(text) != IBAN_LENGTHS.get(country):
        return False
    # One text in 97 has the right checksum; words that happen to have the length have no digits.
    if sum(char.isdigit() for char in text) < 10:
        return False
    return iban_checksum(country, text[4:].upper()) == text[2:4]


def has_token(url: str) -> bool:
    """Say whether a URL carries more than a public page: a query, a user, or a long secret."""
    if re.search(r"[?#]|//[^/]*@", url):
        return True
    return any(
        len(part) >= 16 and re.search(r"\d", part) and re.search(r"[A-Za-z]", part)
        for part in url.split("/")[3:]
    )


def find_numbers(text: str) -> Iterator[Found]:
    """Yield phone, card, account and customer numbers and sort codes."""
    safe = kept(text)
    for match in DIGITS.finditer(text):
        yield from _number(text, *match.span(), safe)


def _number(text: str, start: int, end: int, safe: list[tuple[int, int]]) -> Iterator[Found]:
    """Decide about a run of digits with gaps; longer runs are tried before their parts."""
    if text[start] == "(" and ")" not in text[start:end]:
        start += 1  # it opened before the number
    run = text[start:end]
    digits = digits_of(run)
    if len(digits) < 6:
        return
    if is_card(digits):
        yield Found(start, end, "CARD", digits)
        return
    glued = start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_")
    inside = [(a, b) for a, b in safe if a < end and start < b]
    if inside:
        # What is left and right of an amount or a date may still be a number of somebody.
        a, b = inside[0]
        for left, right in ((start, min(a, end)), (max(b, start), end)):
            part = DIGITS.search(text, left, right)
            while part is not None:
                yield from _number(text, *part.span(), [s for s in safe if s != (a, b)])
                part = DIGITS.search(text, part.end(), right)
        return
    before = text[max(0, start - 40) : start]
    kind = _kind(run, digits, before, glued=glued)
    if kind == "SORTCODE+ACCOUNT":
        code = SORT_CODE.match(text, start)
        middle = code.end() if code else start
        yield Found(start, middle, "SORTCODE", digits[:6])
        rest = DIGITS.search(text, middle, end)
        if rest is not None:
            yield Found(*rest.span(), "ACCOUNT", digits_of(rest[0]))
    elif kind is not None:
        yield Found(start, end, kind, digits)


def _kind(run: str, digits: str, before: str, *, glued: bool) -> str | None:
    """Name what a run of six or more digits is; None where it is nothing of anybody."""
    about_bank = bool(BANK_WORDS.search(before))
    plus = run.lstrip("(").startswith("+")
    code = re.match(rf"\d\d{_GAP}\d\d{_GAP}\d\d(?!\d)", run)
    if code and len(digits) == 14:
        return "SORTCODE+ACCOUNT"
    if code and len(digits) == 6:
        return None if DATE_LIKE.match(run) and not about_bank else "SORTCODE"
    if len(digits) == 6:
        return "SORTCODE" if about_bank and not glued else None
    if COMPACT_DATE.match(run) and not about_bank:
        return None
    looks = plus or digits.startswith("0")
    if 9 <= len(digits) <= 15 and (looks or PHONE_WORDS.search(before)):
        return "PHONE"
    if 10 <= len(digits) <= 11 and "(" in run:
        return "PHONE"
    grouped = re.fullmatch(rf"\d{{3}}{_GAP}\d{{3,4}}(?:{_GAP}\d{{4}})?", run)
    return "PHONE" if grouped else "ACCOUNT"


def find_ibans(text: str) -> Iterator[Found]:
    """Yield IBANs: the longest stretch from each beginning whose checksum is right."""
    for match in IBAN.finditer(text):
        whole = match[0]
        for length in range(len(whole), 14, -1):
            part = re.sub(f"{_GAP}|{_INVISIBLE}", "", whole[:length])
            ends = not text[match.start() + length : match.start() + length + 1].isalnum()
            if ends and whole[length - 1].isalnum() and is_iban(part):
                yield Found(match.start(), match.start() + length, "IBAN", part.upper())
                break
