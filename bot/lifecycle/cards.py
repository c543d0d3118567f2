"""Model cards: what a model is, how it scored, who let it live; and whether a card is genuine.

The card of `models/x.tar.gz` is `models/registry/x.json`, with `x.md` beside it to be read by
people. The JSON holds a manifest of the archive (SHA-256, size, classes that it imports) and is
signed as a whole, so that neither the archive nor the verdict can be exchanged unnoticed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bot.errors import ProjectError

FORMAT = 1
SIGNATURE = "signature"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Card:
    """What is known of one model.

    Attributes:
        model: the archive's name without `.tar.gz`.
        manifest: `sha256`, `size` in bytes, `classes` that loading the archive imports.
        model_id: by which Rasa's trackers name it.
        trained_at: UTC, ISO 8601.
        versions: of `rasa` and `bot`.
        data: `digest` of what it learned from, and whether that is `as_trained` or was changed
            between the training and this card; None where there is none.
        git: `revision` and `dirty`; None outside of a repository.
        encoder: `name` and `revision` of the pretrained encoder.
        options: the options of each component of the pipeline and each policy.
        scores: figures of the evaluation.
        verdict: the gate's, `bot.evaluation.verdict`.
        history: what happened to it: `when`, `command`, `what`, and where given `why`.
    """

    model: str
    manifest: dict[str, Any]
    model_id: str
    trained_at: str
    versions: dict[str, str]
    data: dict[str, Any] | None = None
    git: dict[str, Any] | None = None
    encoder: dict[str, str] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] | None = None
    verdict: dict[str, Any] | None = None
    history: tuple[dict[str, str], ...] = ()

    @property
    def was_live(self) -> bool:
        """Say whether it has ever gone live."""
        return any(entry["what"] in ("promoted", "forced", "rolled back") for entry in self.history)


def digest_of(file: Path) -> str:
    """Give the SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def signed(content: Mapping[str, Any], key: bytes | None) -> bytes:
    """Give what is written to disk: JSON with its HMAC-SHA256, or with none without a key."""
    unsigned = {name: value for name, value in content.items() if name != SIGNATURE}
    signature = None if key is None else _signature(unsigned, key)
    whole = {**unsigned, SIGNATURE: signature}
    return (json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_signed(file: Path, key: bytes | None) -> dict[str, Any]:
    """Read a signed JSON file; without a key, the signature is not looked at.

    Raises:
        ProjectError: it cannot be read, or a key is set and the signature is missing or wrong.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"it is not of format {FORMAT}")
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"It cannot be read ({error}).",
            "Restore it from a backup, or promote a model by 'bot promote MODEL --force --why'.",
            file=file,
        ) from error
    signature = content.pop(SIGNATURE, None)
    if key is not None:
        _check_signature(file, content, signature, key)
    return content


def _check_signature(file: Path, content: dict[str, Any], signature: Any, key: bytes) -> None:
    if not isinstance(signature, str) or not signature:
        raise ProjectError(
            "It is not signed, but BOT_SIGNING_KEY is set.",
            "If you trust the model, sign it by 'bot promote MODEL --force --why TEXT'.",
            file=file,
        )
    if not hmac.compare_digest(signature.encode(), _signature(content, key).encode()):
        raise ProjectError(
            "Its signature is wrong: it was changed, or signed with another BOT_SIGNING_KEY.",
            "Set the key it was signed with. If you trust the model, sign it anew by "
            "'bot promote MODEL --force --why TEXT'.",
            file=file,
        )


def _signature(content: Mapping[str, Any], key: bytes) -> str:
    own = hmac.digest(key, b"sign model cards", "sha256")  # a key of its own for each purpose
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.digest(own, canonical.encode(), "sha256").hex()


def write_card(card: Card, key: bytes | None) -> bytes:
    """Give a card as the bytes of its JSON file."""
    return signed({"format": FORMAT, **asdict(card)}, key)


def read_card(file: Path, key: bytes | None) -> Card:
    """Read a card.

    Raises:
        ProjectError: it cannot be read, or is not genuine.
    """
    content = read_signed(file, key)
    known = {option.name for option in fields(Card)}
    try:
        parts = {name: value for name, value in content.items() if name in known}
        parts["history"] = tuple(parts.get("history", ()))
        card = Card(**parts)
        str(card.manifest["sha256"]), int(card.manifest["size"]), list(card.manifest["classes"])
    except (KeyError, TypeError, ValueError) as error:
        raise ProjectError(f"It is no model card ({error!r}).", file=file) from error
    return card


def check_digest(card: Card, archive: Path) -> None:
    """Hold an archive against its card.

    Raises:
        ProjectError: it is not the archive that the card was written for.
    """
    size = archive.stat().st_size
    if size != card.manifest["size"] or digest_of(archive) != card.manifest["sha256"]:
        raise ProjectError(
            f"The model archive '{archive}' is not the one that its card was written for: it was "
            f"changed, exchanged or copied only in part ({size} bytes, the card says "
            f"{card.manifest['size']}).",
            "Restore the archive, or go back by 'bot rollback'. If you put another archive there "
            "yourself, give it another name.",
        )


def to_markdown(card: Card) -> str:
    """Give the card for people."""
    encoder, git, data = card.encoder or {}, card.git or {}, card.data or {}
    rows = {
        "model id": card.model_id,
        "trained at": card.trained_at,
        "size": f"{card.manifest['size'] / 2**20:.1f} MB",
        "SHA-256": card.manifest["sha256"],
        "encoder": " ".join(filter(None, [encoder.get("name"), encoder.get("revision")])),
        "data": f"{data.get('digest', 'unknown')}"
        + ("" if data.get("as_trained", True) else ", changed since the training"),
        "git": f"{git.get('revision', 'unknown')}" + (", with changes" * bool(git.get("dirty"))),
        "versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
    }
    lines = [f"# {card.model}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in rows.items()]
    if card.scores:
        lines += ["", "## Scores", "", "| | |", "|---|---|"]
        lines += [f"| {name} | {_figure(value)} |" for name, value in card.scores.items()]
    if card.verdict:
        from bot.evaluation.verdict import from_json

        lines += ["", "## Verdict", "", from_json(card.verdict).to_markdown().rstrip()]
    lines += ["", "## History", "", "| when | what | by | why |", "|---|---|---|---|"]
    lines += [
        f"| {entry['when']} | {entry['what']} | `{_cell(entry['command'])}` | "
        f"{_cell(entry.get('why', ''))} |"
        for entry in card.history
    ]
    options = json.dumps(card.options, indent=2, sort_keys=True, ensure_ascii=False)
    return "\n".join([*lines, "", "## Options", "", "```json", options, "```", ""])


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _cell(str(value))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
