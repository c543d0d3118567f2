"""Does the web channel start, and can it keep thumbs and ratings?"""

from __future__ import annotations

from collections.abc import Iterator

from bot.channels.options import WebOptions
from bot.errors import OptionError
from bot.lifecycle.checks.findings import Finding, Project
from bot.lifecycle.checks.services import CREDENTIALS
from bot.lifecycle.checks.sources import entry, value_of

NAME = "web channel"
CHANNEL = "bot.channels.web.WebChannel"
SLOTS = ("feedback", "rating")


def check_web(project: Project) -> Iterator[Finding]:
    """Read the options as the channel will, and look for its slots in the domain."""
    credentials = project.source(CREDENTIALS)
    section = credentials.section(CHANNEL) if credentials else None
    if credentials is None or section is None:
        yield Finding(NAME, "ok", "not used")
        return
    try:
        options = WebOptions.read(value_of(section), credentials.path)
    except OptionError as error:
        yield Finding(NAME, "problem", str(error), "See docs/how-to/secure-the-web-channel.md.")
        return
    domain = project.source("domain.yml")
    slots = domain.section("slots") if domain else None
    missing = [slot for slot in SLOTS if entry(slots, slot) is None]
    if missing:
        yield Finding(
            NAME,
            "warning",
            f"The domain has no slot {' and no slot '.join(missing)}: what visitors say with the "
            f"thumbs or the rating is refused.",
            "Add to slots in domain.yml: feedback and rating, each with type: any, "
            "influence_conversation: false, mappings: [{type: custom}].",
        )
        return
    shown = "the demo page is on" if options.demo else "the demo page is off"
    yield Finding(NAME, "ok", f"login {options.login}, {shown}")
