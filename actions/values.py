"""Read what people type: sums, accounts, cards, payees, limits. Dates are in `dates`.

Each reader returns `None` for what it cannot read with certainty: with money, asking again is
cheaper than guessing. What `str()` writes of a value, its reader reads back.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from price_parser import Price

from actions.bank.types import Account, Card, Money, Payee
from actions.dates import format_date, parse_date, parse_frequency, parse_period
from actions.numerals import read_number_words

__all__ = ["format_date", "match_account", "match_card", "match_payees", "name_in", "parse_amount",
           "parse_currency", "parse_date", "parse_frequency", "parse_limit_type", "parse_period",
           "texts"]  # fmt: skip

MOST_MINOR = 10**14  # beyond this nobody means money
_CURRENCIES = {
    "GBP": r"£|gbp|pounds?( sterling)?|quids?|sterling|squid|nicker",
    "EUR": r"€|eur|euros?",
    "USD": r"us ?\$|\$|usd|(us )?dollars?|bucks?",
    "JPY": r"¥|jpy|(japanese )?yen", "CHF": r"chf|(swiss )?francs?",
    "CAD": r"cad|canadian dollars?", "AUD": r"aud|(australian|aussie) dollars?",
    "NZD": r"nzd|new zealand dollars?", "INR": r"₹|inr|(indian )?rupees?",
    "PLN": r"pln|(polish )?zloty?s?|złoty", "SEK": r"sek|swedish kron(a|or)",
    "NOK": r"nok|norwegian kron(e|er)", "DKK": r"dkk|danish kron(e|er)",
    "TRY": r"(turkish )?lira", "AED": r"aed|(uae )?dirhams?",
}  # fmt: skip
_SLANG = {"a tenner": "10", "tenner": "10", "a fiver": "5", "fiver": "5", "a grand": "1000",
          "a monkey": "500", "a pony": "25", "a ton": "100"}  # fmt: skip
_FILLER = re.compile(
    r"\b(about|around|roughly|approximately|exactly|just|only|please|pls|make it|to|of|the|sum|"
    r"amount|approx)\b|~"
)
_NUMBER = r"\d[\d.,' ]*\d|\d|\.\d+"
_PENCE = re.compile(rf"({_NUMBER}|[a-z -]+?) ?(p|pence|pennies|penny|cents?|c)")
_TWO_PARTS = re.compile(
    r"(.+?) ?(£|pounds?|quid|€|euros?|\$|dollars?) ?(?:and )?(\d\d|[a-z -]+?)( ?p| pence)?"
)
_GROUPED = re.compile(r"\d{1,3}([, ']\d{3})+(\.\d{1,2})?|\d{1,3}(\.\d{3})+,\d{1,2}")
_PLAIN = re.compile(r"\d+([.,]\d{1,2})?|\.\d{1,2}")
_SCALES = {"k": 1000, "grand": 1000, "thousand": 1000, "m": 1_000_000, "mil": 1_000_000,
           "million": 1_000_000}  # fmt: skip


def texts(value: Any) -> list[str]:
    """Return a slot's value as texts: a slot holds a list where a message named two."""
    found = value if isinstance(value, (list, tuple)) else [value]
    return [str(item).strip() for item in found if item is not None and str(item).strip()]


def parse_amount(text: str, *, default: str = "GBP") -> Money | None:
    """Read one sum of money; zero and less are read too, so that they can be refused in words."""
    words = _tidy(text)
    negative = bool(re.match(r"(-|−|minus )", words))
    words = re.sub(r"^(-|−|minus )\s*", "", words)
    minor, currency = _read_amount(words)
    if minor is None or minor > MOST_MINOR:
        return None
    return Money(-minor if negative else minor, currency or default)


def _read_amount(words: str) -> tuple[int | None, str | None]:
    pence = _PENCE.fullmatch(words)
    if pence and "£" not in words:
        count = _read_number(pence[1].strip())
        unit = "EUR" if pence[2].startswith("c") else "GBP"
        whole = count is not None and count % 100 == 0
        return (count // 100 if count is not None and whole else None), unit
    two_parts = _TWO_PARTS.fullmatch(words)
    if two_parts:
        pounds, rest = _read_number(two_parts[1].strip()), _read_number(two_parts[3])
        if pounds is not None and rest is not None and pounds % 100 == 0 and rest < 10000:
            return pounds + rest // 100, parse_currency(two_parts[2])
    number, currency = _split_currency(words)
    if re.fullmatch(r"\d+,\d{1,2}", number) and currency in (None, "GBP"):
        return None, currency  # a comma before pence is not British: more likely a slip
    return _read_number(number), currency


def parse_currency(text: str) -> str | None:
    """Read a currency that stands alone: dollars, €, yen."""
    words = " ".join(text.lower().split())
    for code, pattern in _CURRENCIES.items():
        if re.fullmatch(pattern, words):
            return code
    return None


def _tidy(text: str) -> str:
    words = " ".join(_FILLER.sub(" ", text.lower().replace("\u00a0", " ")).split())
    words = re.sub(r"[.!?,;]+$", "", words.strip())
    return _SLANG.get(words, words)


def _split_currency(words: str) -> tuple[str, str | None]:
    for code, pattern in _CURRENCIES.items():
        before = re.fullmatch(rf"(?:{pattern})\s*(?P<rest>[-\d.].*)", words)
        after = re.fullmatch(rf"(?P<rest>.*?[\d.k]|.*\s)\s*(?:{pattern})", words)
        found = before or after
        if found:
            return found["rest"].strip(), code
    return words, None


def _read_number(text: str) -> int | None:
    """Return hundredths; "1.234" and "£1,23,4" could mean two things and mean none."""
    text = _SLANG.get(text, text)
    scaled = re.fullmatch(rf"({_NUMBER}|half a|a|an) ?({'|'.join(_SCALES)})", text)
    if scaled:
        return _scaled(scaled[1], _SCALES[scaled[2]])
    if _GROUPED.fullmatch(text) or _PLAIN.fullmatch(text):
        amount = Price.fromstring(text).amount
        return None if amount is None else int(amount * 100)
    if any(sign.isdigit() for sign in text):
        return None
    number = read_number_words(text)
    return None if number is None else number * 100


def _scaled(number: str, scale: int) -> int | None:
    if number in ("a", "an", "half a"):
        return scale * (50 if number == "half a" else 100)
    # here a dot is always a decimal point: 1.255k are 1,255 pounds
    if not re.fullmatch(r"\d+(\.\d{1,3})?", number):
        return None
    whole, _, part = number.partition(".")
    return (int(whole) * 1000 + int(part.ljust(3, "0"))) * scale // 10


_ACCOUNT_WORDS = {
    "current": ("current", "main", "everyday", "checking", "normal", "regular", "personal"),
    "savings": ("savings", "saving", "saver", "nest egg"),
    "joint": ("joint", "shared", "household", "our"),
    "euro": ("euro", "euros", "eur", "€"),
    "credit": ("credit card", "credit"),
}  # fmt: skip
_ACCOUNT_NOISE = re.compile(
    r"\b(my|the|an?|own|account|accounts|acc|acct|acount|accnt|pot|pots|from|to|into|in|balance|"
    r"please|one|out of|with)\b"
)


def match_account(text: str, accounts: Sequence[Account]) -> Account | None:
    """Find which of the customer's accounts is meant, misspelt or not."""
    words = _bare(text, _ACCOUNT_NOISE)
    if not words:
        return None
    names: list[tuple[str, Account]] = []
    for account in accounts:
        names.append((_bare(account.name, _ACCOUNT_NOISE), account))
        names += [(alias, account) for alias in _ACCOUNT_WORDS.get(account.kind, ())]
    exact = [account for name, account in names if name == words or f"{name}s" == words]
    return exact[0] if exact else _closest(words, names)


_CARD_TYPES = {
    "debit": ("debit", "visa debit", "debt", "bank", "physical", "plastic", "main"),
    "credit": ("credit", "cc"),
    "virtual": ("virtual", "digital", "online"),
}
_CARD_NOISE = re.compile(r"\b(my|the|card|cards|one|ending|ends|in|with|number|on|please|that)\b")


def match_card(text: str, cards: Sequence[Card]) -> Card | None:
    """Find which card is meant, by its last four digits or its type."""
    digits = re.findall(r"\d{4,}", re.sub(r"(?<=\d)[ -](?=\d)", "", text))
    if digits:
        return next((card for card in cards if card.last_four == digits[-1][-4:]), None)
    words = _bare(text, _CARD_NOISE)
    names = [(alias, card) for card in cards
             for alias in _CARD_TYPES.get(card.card_type, (card.card_type,))]  # fmt: skip
    exact = [card for alias, card in names if alias == words]
    found = exact[0] if exact else _closest(words, names)
    return found


_PAYEE_NOISE = re.compile(r"\b(my|the|to|please|mr|mrs|ms)\b")


def match_payees(text: str, payees: Sequence[Payee]) -> list[Payee]:
    """Find whom a name may mean: exact name or nickname, first name, then near spellings."""
    words = _bare(text, _PAYEE_NOISE)
    if not words:
        return []
    full = [payee for payee in payees if words in (payee.name.lower(), payee.nickname)]
    if full:
        return full[:1]
    part = [payee for payee in payees if words in payee.name.lower().split()]
    if part:
        return part
    names = [
        (name, payee)
        for payee in payees
        for name in (payee.name.lower(), payee.nickname, payee.name.lower().split()[0])
    ]
    close = _closest(words, names, cutoff=0.8) if len(words) > 3 else None
    return [close] if close else []


_LIMIT_WORDS = {
    "cash": ("cash", "atm", "atms", "cashpoint", "cash machine", "withdrawal", "withdrawals",
             "cash withdrawal", "cash withdrawals", "cash machines", "hole in the wall"),
    "contactless": ("contactless", "tap", "tap to pay", "tap and go", "nfc"),
    "online": ("online", "internet", "web", "online shopping", "online payment"),
    "spending": ("spending", "daily", "spend", "card", "purchase", "purchases", "daily spending",
                 "card spending", "card payments", "payments", "payment", "shopping"),
    "transfer": ("transfer", "transfers", "bank transfer", "sending", "outgoing"),
}  # fmt: skip
_LIMIT_NOISE = re.compile(r"\b(my|the|limit|limits|max|maximum|please|on|for|a day|per day|one)\b")


def parse_limit_type(text: str) -> str | None:
    """Read which limit is meant."""
    words = _bare(text, _LIMIT_NOISE).replace("daily ", "").replace("contact less", "contactless")
    names = [(alias, kind) for kind, aliases in _LIMIT_WORDS.items() for alias in aliases]
    return next((kind for alias, kind in names if alias == words), None) or _closest(words, names)


_T = TypeVar("_T")


def name_in(text: str, items: Iterable[_T], name: Callable[[_T], str]) -> list[_T]:
    """Return the items whose name is meant by a text: parts count, then near spellings."""
    words = " ".join(text.lower().split())
    pairs = [(name(item).lower(), item) for item in items]
    part = [item for other, item in pairs if words and (words in other or other in words)]
    if part:
        return part
    close = difflib.get_close_matches(words, [other for other, _ in pairs], n=1, cutoff=0.75)
    return [item for other, item in pairs if other in close]


def _bare(text: str, noise: re.Pattern[str]) -> str:
    lowered = re.sub(r"[^\w€ &'-]", " ", text.lower())
    return " ".join(noise.sub(" ", lowered).split())


def _closest(words: str, names: list[tuple[str, _T]], cutoff: float = 0.75) -> _T | None:
    if len(words) < 3:
        return None
    close = difflib.get_close_matches(words, [name for name, _ in names], n=1, cutoff=cutoff)
    return next((item for name, item in names if name in close), None)
