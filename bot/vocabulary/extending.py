"""Give a term of a YAML file one more alias, and leave every other byte as it was.

As with appending, the new content is read back before it takes the file's place.
"""

from __future__ import annotations

import re
from dataclasses import replace

from yaml.nodes import MappingNode, Node, SequenceNode

from bot.errors import ProjectError, VocabularyError
from bot.vocabulary.checks import find_conflicts
from bot.vocabulary.entries import Reading
from bot.vocabulary.loading import YAML_SUFFIXES, read_file
from bot.vocabulary.terms import Form, Term, Vocabulary
from bot.vocabulary.writing import alias_text, bytes_of, replace_file
from bot.vocabulary.yaml_lines import compose, is_absent, line_of

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def add_alias(term: Term, alias: str, vocabulary: Vocabulary, language: str = "en") -> None:
    """Add an alias, whose case does not matter, to a term's entry.

    Args:
        term: one of the vocabulary's.
        alias: the new form.
        vocabulary: everything that is there, as `load_vocabulary` gave it.
        language: the language of terms that name none.

    Raises:
        VocabularyError: the alias has another meaning already.
        ProjectError: the file is of another kind, is written in a way that this cannot follow, or
            cannot be written.
    """
    path = term.file
    form = Form(" ".join(alias.split()), case_sensitive=False)
    longer = replace(term, aliases=(*term.aliases, form))
    others = [longer if other == term else other for other in vocabulary.terms]
    if conflicts := find_conflicts(others):
        raise VocabularyError(conflicts)
    by_hand = ProjectError(
        f"'{alias}' cannot be added to the term '{term.name}' without touching more than that.",
        "Add the alias by hand.",
        file=path,
        line=term.line,
    )
    if path.suffix.lower() not in YAML_SUFFIXES:
        raise by_hand
    raw = bytes_of(path)
    old = raw.decode("utf-8-sig")
    new = _extended(old, term, alias_text(form, longer), Reading(path, language, None))
    before, _ = read_file(path, language, text=old)
    wanted = [replace(longer if one == term else one, line=0) for one in before]
    after, problems = ([], [by_hand]) if new is None else read_file(path, language, text=new)
    if new is None or problems or [replace(one, line=0) for one in after] != wanted:
        raise by_hand
    replace_file(path, (_BOM if raw.startswith(_BOM) else b"") + new.encode())


def _extended(text: str, term: Term, alias: str, reading: Reading) -> str | None:
    """Give the text with one alias more; None where its shape is an unusual one."""
    root = compose(text, reading)
    if not isinstance(root, MappingNode) or not isinstance(root.value[0][1], SequenceNode):
        return None
    entries = [item for item in root.value[0][1].value if _is_entry(item, term)]
    if len(entries) != 1:
        return None
    parts = {key.value: (key, value) for key, value in entries[0].value}
    key, name = parts["term"]
    listed = parts.get("aliases")
    if listed is None:
        if entries[0].flow_style:
            return _put(text, name.end_mark.index, f", aliases: [{alias}]")
        return _put_line(text, _last_line(name), key.start_mark.column, f"aliases: [{alias}]")
    key, aliases = listed
    if is_absent(aliases):
        return _put(text, text.index(":", key.end_mark.index) + 1, f" [{alias}]")
    if not isinstance(aliases, SequenceNode):
        return None
    if not aliases.flow_style:
        column = aliases.start_mark.column
        return _put_line(text, _last_line(aliases), column, f"- {alias}")
    if aliases.value:
        return _put(text, aliases.value[-1].end_mark.index, f", {alias}")
    return _put(text, aliases.end_mark.index - 1, alias)


def _is_entry(item: Node, term: Term) -> bool:
    if not isinstance(item, MappingNode) or line_of(item) != term.line:
        return False
    names = [value.value for key, value in item.value if key.value == "term"]
    return [" ".join(name.split()) for name in names] == [term.name]


def _last_line(node: Node) -> int:
    """Give the number of the line that a node ends in, counted from 0."""
    is_block = isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style
    if is_block and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.line)


def _put(text: str, at: int, addition: str) -> str:
    return text[:at] + addition + text[at:]


def _put_line(text: str, after: int, column: int, line: str) -> str:
    lines = _LINE.findall(text)
    end = "\r\n" if "\r\n" in text else "\n"
    if not lines[after].endswith("\n"):
        lines[after] += end
    lines.insert(after + 1, f"{' ' * column}{line}{end}")
    return "".join(lines)
