"""Lists of the redaction and of the synthetic values."""

from __future__ import annotations


def _all(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Tagged as payee, but nobody's name: kept, so that people can train on them.
RELATIONS = frozenset(
    _all(
        """
        mum mom mother dad father gran grandma grandad grandpa nan auntie aunt uncle cousin
        sister brother son daughter wife husband partner friend mate flatmate landlord landlady
        boss tenant council builder plumber cleaner childminder nanny gardener dentist doctor
        solicitor solicitors school nursery gym church club him her them me myself it someone
        somebody
        """
    )
)

# Names that are words too: known names of this kind count only where they are written as names.
WORDS = frozenset(
    _all(
        """
        will may mark grace rose bill rob pat faith hope joy april june august dawn art bob
        chase frank grant jack jay kay lee ray sky sue van penny cash price king bank page the
        and of ltd limited plc inc co company group uk mr mrs ms dr from for with
        """
    )
)

# Written like a surname, but none.
CALENDAR = frozenset(
    _all(
        """
        monday tuesday wednesday thursday friday saturday sunday january february march april
        may june july august september october november december today tomorrow
        """
    )
)

FIRST = _all(
    """
    Amira Ben Chloe Daniel Elif Femi Greta Hassan Imani Jonas Keiko Luca Mateo Nadia Owen Petra
    Quentin Rosa Samir Tova Uma Viktor Wanda Xavier Yara Zoltan Aoife Bruno Carmen Dmitri
    """
)

LAST = _all(
    """
    Abara Bishop Calloway Dvorak Eriksen Fontaine Garside Hartley Ibarra Jansen Kowalczyk
    Lindqvist Marlow Novotny Oyelaran Pemberton Quigley Rahimi Sandoval Thackeray Umarov Vasquez
    Whitcombe Xenakis Yilmaz Zielinski Ashdown Brandt Costello Drummond
    """
)

# How long an IBAN of each country is (ISO 13616).
IBAN_LENGTHS = {
    item[:2]: int(item[2:])
    for item in _all(
        """
        AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27
        DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22
        IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19
        MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18
        SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
        """
    )
}
