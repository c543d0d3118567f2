"""Find what names one account, card, phone, address or case: IBAN, card, phone, e-mail, reference.

Patterns find candidates; python-stdnum decides about checksums and phonenumbers about phones. Both
are imported when the first candidate turns up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.vocabulary.findings import FoundValue, found
from bot.vocabulary.locales import CODES

_GAP = "[ \u00a0-]"
_IBAN = re.compile(rf"(?<![^\W_])[a-z]{{2}}\d{{2}}(?:{_GAP}?[a-z0-9]){{11,30}}")
# Groups of three digits and more: days and sort codes, which have two, are no part of a card.
_CARD = re.compile(rf"(?<![\w+])\d{{3,}}(?:{_GAP}?\d{{3,}})*(?:{_GAP}?\d{{1,2}})?(?!\w)")
_PHONE = re.compile(rf"(?<![\w.,/£$€])(?:\+|\(\+?)?\d(?:{_GAP}?[().]?{_GAP}?\d){{5,40}}(?!\w)")
_NEXT_PHONE = re.compile(r"(?<=\d{3}) (?=\+|0\d{3,})")
_DAY = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{2,4}")
_PHONE_BEFORE = re.compile(
    r"\b(?:phone|mobile|mob|tel|telephone|cell|call|ring|text|whatsapp|number)\b[^\d]{0,20}$"
)
_EMAIL = re.compile(r"[\w.+%'-]*[\w+%-]@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_REFERENCE = re.compile(r"(?<![\w@.#£$€/-])(?P<ref>[a-z]{2,4}-?\d{3,8})(?![\w@£$€%-]|[.,:/]\d)")
_AFTER_WORD = re.compile(
    r"\b(?:ref|refs|reference|case|ticket|dispute|claim|transaction|payment id|txn)\b\.?"
    r"(?: (?:number|no\.?|num|code|id))?(?: is|:| =|#)?\s{0,2}#?"
    r"(?P<ref>(?=[a-z-]*\d)[a-z0-9]+(?:-[a-z0-9]+)*)(?![\w@]|[.,:/]\d)"
)
_NO_REFERENCE = re.compile(
    rf"(?:{'|'.join(CODES)}|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|ios|rtx|www"
    r"|to|at|in|on|by|of|is|for|pin|and|the|was)-?\d+"
)
_DIGITS_BEFORE = (
    r"(?:(?:ending|ends|end|finishing|finishes)(?: (?:in|with|on|by))?|last (?:four|4|digits)"
    r"(?: (?:digits|numbers|nos?))?|(?:final|last) (?:four |4 )?digits|\bcard(?: (?:number|no\.?|nr"
    r"|ending))?)(?: (?:is|are|being|of))?"
).replace(" ", r"\s{1,2}")
_CARD_DIGITS = re.compile(
    rf"(?:(?<!\w){_DIGITS_BEFORE}\s{{0,2}}[:,(#]?\s{{0,2}}|(?<!\w)[*x•.…]{{2,12}}\s?(?:[*x•]{{4}}\s?)*)"
    r"(?P<four>\d{4})(?!\w|[.,:/-]\d)"
)
_ABOUT_CARDS = re.compile(
    r"\b(?:cards?|pins?|plastic|(?:un)? ?(?:freeze|block|lock)|freez\w*|suspend|activate|actvation|"
    r"activation|replacement|replace|renewal|shut off|switch off|contactless)\b"
)
_FOUR = re.compile(
    r"(?<![\w.,/:£$€-])(?<!\bto )(?<!\bat )(?<!\bby )(?<!\bis )(?<!\bof )(?<!than )(?<!bout )"
    r"(?<!max )(?<!take )(?<!send )(?<!pay )(?<!over )(?<!limit )(?<!since )(?<!\bin )"
    r"(?<!pin )(?<!code )"
    r"(?P<four>(?!19\d\d|20\d\d)\d{4})(?!\w|[.,:/-]\d|\s?(?:pounds?|quid|euros?|dollars?|gbp|%|£|€))"
)
_BEFORE_CARD = re.compile(r"(?<![\w.,/:£$€-])(?P<four>\d{4})(?=\s{1,2}card\b)")


def find_identifiers(text: str, folded: str, country: str) -> Iterator[FoundValue]:
    """Yield IBANs, cards, phones, e-mail addresses, references and last digits of cards.

    Args:
        text: the text as typed; what is kept as typed comes from it.
        folded: what `fold` made of it.
        country: where a phone number without a country's code belongs.
    """
    yield from _find_ibans(folded)
    yield from _find_cards(folded)
    yield from _find_phones(folded, country)
    yield from _find_references(folded)
    yield from _find_card_digits(folded)
    if "@" in folded:
        yield from _find_emails(text, folded)


def closed_runs(folded: str) -> list[tuple[int, int]]:
    """Return where a run of digits is as long as a card's, but has not its checksum.

    Nothing is to be read into a part of such a run: it may be a card with a slip of the finger.
    """
    return [span for span, digits in _card_runs(folded) if not _is_card(digits)]


def _find_ibans(folded: str) -> Iterator[FoundValue]:
    """Yield the longest stretch from each beginning whose length and checksum are right."""
    match = _IBAN.search(folded)
    while match:
        whole, position = match[0], match.start() + 2
        for length in range(len(whole), 14, -1):
            glued = folded[match.start() + length : match.start() + length + 1].isalnum()
            if glued or not whole[length - 1].isalnum():
                continue
            compact = re.sub(_GAP, "", whole[:length]).upper()
            if _is_iban(compact):
                position = match.start() + length
                yield found(match.start(), position, "iban", compact)
                break
        match = _IBAN.search(folded, position)


def _is_iban(compact: str) -> bool:
    from stdnum import iban

    return bool(compact.isascii() and iban.is_valid(compact))


def _find_cards(folded: str) -> Iterator[FoundValue]:
    for span, digits in _card_runs(folded):
        if _is_card(digits):
            yield found(*span, "card", digits)


def _card_runs(folded: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield runs of 13 to 19 digits; those that begin with 0 are phones dialled in one go."""
    for match in _CARD.finditer(folded):
        digits = re.sub(r"\D", "", match[0])
        if 13 <= len(digits) <= 19 and digits[0] != "0":
            yield match.span(), digits


def _is_card(digits: str) -> bool:
    from stdnum import luhn

    return len(set(digits)) > 1 and bool(luhn.is_valid(digits))


def _find_phones(folded: str, country: str) -> Iterator[FoundValue]:
    for match in _PHONE.finditer(folded):
        run, start = match[0], match.start()
        if _DAY.fullmatch(run):
            continue
        international = run.lstrip("(").startswith(("+", "00"))
        announced = _PHONE_BEFORE.search(folded, max(0, start - 40), start) is not None
        if international or announced or run.lstrip("(").startswith("0"):
            for begin, end, number, valid in _phones_in(run.replace("\u00a0", " "), country):
                if valid or international or run[begin:end].lstrip("(").startswith("0"):
                    yield found(start + begin, start + end, "phone", number)


def _phones_in(run: str, country: str) -> tuple[tuple[int, int, str, bool], ...]:
    """Ask phonenumbers for the numbers of a run, as (start, end, E.164, whether it is in use)."""
    import phonenumbers
    from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher

    # Two numbers in a row have a gap before the 0 or + of the second.
    starts = [0]
    for gap in _NEXT_PHONE.finditer(run):
        if sum(char.isdigit() for char in run[starts[-1] : gap.start()]) >= 9:
            starts.append(gap.end())
    parts = [
        (begin, run[begin:end]) for begin, end in zip(starts, [*starts[1:], len(run)], strict=True)
    ]
    return tuple(
        (
            begin + match.start,
            begin + match.end,
            phonenumbers.format_number(match.number, PhoneNumberFormat.E164),
            phonenumbers.is_valid_number(match.number),
        )
        for begin, part in parts
        for match in PhoneNumberMatcher(part, country, leniency=Leniency.POSSIBLE)
        if len(str(match.number.national_number)) >= 7
    )


def _find_emails(text: str, folded: str) -> Iterator[FoundValue]:
    """Yield addresses; the part before the @ stays as typed, as its case may matter."""
    for match in _EMAIL.finditer(folded):
        at = match.start() + match[0].rindex("@")
        yield found(*match.span(), "email", text[match.start() : at] + folded[at : match.end()])


def _find_references(folded: str) -> Iterator[FoundValue]:
    for pattern in (_REFERENCE, _AFTER_WORD):
        for match in pattern.finditer(folded):
            code = match["ref"]
            digits = sum(char.isdecimal() for char in code)
            if _NO_REFERENCE.fullmatch(code) or digits < 3 or len(code) < 4:
                continue
            if pattern is _REFERENCE and digits == 3 and "-" not in code:
                continue  # "gb123" is no more a reference than "mp300"
            yield found(*match.span("ref"), "reference", code.upper())


def _find_card_digits(folded: str) -> Iterator[FoundValue]:
    for pattern in (_CARD_DIGITS, _BEFORE_CARD):
        for match in pattern.finditer(folded):
            yield found(*match.span("four"), "card_digits", match["four"])
    if _ABOUT_CARDS.search(folded):
        for match in _FOUR.finditer(folded):
            if int(match["four"]) % 100:  # round numbers are sums
                yield found(*match.span("four"), "card_digits", match["four"])
