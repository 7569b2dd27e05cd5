"""Reading the examples of a page of the documentation, in Markdown or reST."""

from dataclasses import dataclass
from pathlib import Path

import re


#: Fences of Markdown: three backticks, perhaps ``{code-block}``, and a language.
_FENCE = re.compile(r"^(?P<fence>`{3,})(?:\{(?P<directive>[\w-]+)\})? *(?P<word>.*)$")

#: Literal blocks of reST with a language, and those without one.
_DIRECTIVE = re.compile(r"^\.\. code-block:: *(?P<word>\S*)$")

#: Fenced directives that show their text as code.
_CODE = (None, "code-block", "code", "doctest")

#: A comment that no reader of the built page sees: what happens between two examples.
_HIDDEN = re.compile(r"^(?:%|\.\.) run: (?P<word>.*)$")

#: The first line of a block that is a module says which.
_MODULE = re.compile(r"^# (?P<path>[\w/]+)\.py$")

#: So does that of a file of ZCML.
_FILE = re.compile(r"^<!-- (?P<name>[\w-]+\.zcml) -->$")


@dataclass(frozen=True)
class Block:
    """A block of code."""

    language: str
    text: str
    #: Number of its first line in the page, from 0.
    line: int

    @property
    def module(self) -> str | None:
        """The dotted name of the module that this is, if it is one."""
        found = _MODULE.match(self.text.partition("\n")[0])
        return found["path"].replace("/", ".") if found else None

    @property
    def file(self) -> str | None:
        """The name of the file of ZCML that this is, if it is one."""
        found = _FILE.match(self.text.partition("\n")[0])
        return found["name"] if found else None


def read_blocks(page: Path) -> list[Block]:
    """Return all blocks of code of a page, in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return (_of_markdown if page.suffix == ".md" else _of_rest)(lines)


def _of_markdown(lines: list[str]) -> list[Block]:
    blocks = []
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number].strip())
        blocks += _hidden(lines, number)
        number += 1
        if opening is None:
            continue
        first = number
        while lines[number].strip() != opening["fence"]:
            number += 1
        if opening["directive"] in _CODE:
            while lines[first].startswith(":"):
                first += 1
            language = opening["word"].strip()
            if opening["directive"] == "doctest":
                language = "pycon"
            blocks.append(_block(language, lines, first, number))
        number += 1
    return blocks


def _of_rest(lines: list[str]) -> list[Block]:
    blocks = []
    number = 0
    while number < len(lines):
        line = lines[number]
        blocks += _hidden(lines, number)
        number += 1
        directive = _DIRECTIVE.match(line)
        if directive is None and not line.endswith("::"):
            continue
        while number < len(lines) and not lines[number].strip():
            number += 1
        first = number
        while number < len(lines) and not lines[number][:1].strip():
            number += 1
        language = directive["word"] if directive else ""
        blocks.append(_block(language, lines, first, number))
    return blocks


def _hidden(lines: list[str], number: int) -> list[Block]:
    found = _HIDDEN.match(lines[number])
    return [Block("python", f"{found['word']}\n", number)] if found else []


def _block(language: str, lines: list[str], first: int, end: int) -> Block:
    chosen = lines[first:end]
    margin = min((len(each) - len(each.lstrip()) for each in chosen if each), default=0)
    text = "\n".join(each[margin:] for each in chosen).rstrip() + "\n"
    return Block(language, text, first)
