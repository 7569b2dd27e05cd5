"""Bring the texts that are to be translated up to date, in all languages.

Writes ``locales/plone.app.taskqueue.pot`` from the sources, adds what is new to each
language and takes away what is gone there, and compiles.  With ``--check`` it writes
nothing, and fails if the template is not up to date.
"""

from i18ndude import script
from pathlib import Path
from zope.i18n.compile import compile_mo_file

import argparse
import contextlib
import os
import sys
import tempfile


DOMAIN = "plone.app.taskqueue"
LANGUAGES = {
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "pt_BR": "Brazilian Portuguese",
}

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "plone" / "app" / "taskqueue"
LOCALES = PACKAGE / "locales"
TEMPLATE = LOCALES / f"{DOMAIN}.pot"

#: Folders with texts that nobody translates.
_EXCLUDED = "tests demo locales static"

#: Without a date: the file changes if a text does.
_HEADER = """\
# Texts of plone.app.taskqueue{language}
msgid ""
msgstr ""
"Project-Id-Version: plone.app.taskqueue\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0\\n"
"Language-Code: {code}\\n"
"Language-Name: {name}\\n"
"Preferred-Encodings: utf-8\\n"
"Domain: plone.app.taskqueue\\n"
"""


def render_template() -> str:
    """Return the template as the sources have it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(PACKAGE):
        path = Path(folder) / TEMPLATE.name
        _i18ndude(
            *("rebuild-pot", "--pot", str(path), "--create", DOMAIN),
            *("--no-line-numbers", "--exclude", _EXCLUDED, "."),
        )
        text = path.read_text(encoding="utf-8")
    return _with_header(text, "", "en", "English")


def _with_header(text: str, language: str, code: str, name: str) -> str:
    # A header ends with the first empty line.
    _, _, messages = text.partition("\n\n")
    header = _HEADER.format(language=language, code=code.replace("_", "-"), name=name)
    return f"{header}\n{messages}"


def _i18ndude(*arguments: str) -> None:
    before = sys.argv
    sys.argv = ["i18ndude", *arguments]
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            status = script.main()
    finally:
        sys.argv = before
    if status:
        raise SystemExit(f"i18ndude {arguments[0]} has failed.")


def po_of(code: str) -> Path:
    """Return the path of a language's texts."""
    return LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def synchronise(code: str, name: str) -> None:
    """Let a language have the texts of the template, and its translations of them."""
    path = po_of(code)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(_with_header("", "", code, name), encoding="utf-8")
    _i18ndude("sync", "--pot", str(TEMPLATE), str(path))
    text = path.read_text(encoding="utf-8")
    path.write_text(_with_header(text, f" in {name}", code, name), encoding="utf-8")
    compile_mo_file(DOMAIN, str(path.parent))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="only tell whether it is up to date"
    )
    check = parser.parse_args().check
    wanted = render_template()
    found = TEMPLATE.read_text(encoding="utf-8") if TEMPLATE.exists() else ""
    if check:
        if wanted == found:
            return 0
        print(
            "Texts have changed since they were gathered: run make i18n",
            file=sys.stderr,
        )
        return 1
    LOCALES.mkdir(exist_ok=True)
    TEMPLATE.write_text(wanted, encoding="utf-8")
    for code, name in LANGUAGES.items():
        synchronise(code, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
