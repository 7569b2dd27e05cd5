"""Every text of the package is known to translators, and is translated."""

from pathlib import Path
from pythongettext.msgfmt import Msgfmt

import ast
import gettext
import importlib.util
import io
import pytest
import re


ROOT = Path(__file__).parents[6]
PACKAGE = Path(__file__).parents[2]
LOCALES = PACKAGE / "locales"
NAME = "plone.app.taskqueue"
LANGUAGES = ("de", "es", "fr", "it", "pt_BR")

_VARIABLE = re.compile(r"\$\{[^}]*\}|\$[a-z_]+")
_ENTRY = re.compile(
    r'^((?:#.*\n)*)msgid ((?:".*"\n)+)msgstr ((?:".*"(?:\n|\Z))+)', re.MULTILINE
)


def read_entries(path):
    """Return ``{msgid: (comments, msgstr)}`` of a file, without its header."""
    found = {}
    for comments, msgid, msgstr in _ENTRY.findall(path.read_text(encoding="utf-8")):
        if text := _unquoted(msgid):
            found[text] = comments, _unquoted(msgstr)
    return found


def _unquoted(lines):
    return "".join(ast.literal_eval(line) for line in lines.splitlines())


def english_of(msgid, comments):
    """Return what is shown in English: a message may have a name instead."""
    default = re.search(r'^#\. Default: (".*")$', comments, re.MULTILINE)
    return ast.literal_eval(default[1]) if default else msgid


TEMPLATE = read_entries(LOCALES / f"{NAME}.pot")


def po_of(language):
    return LOCALES / language / "LC_MESSAGES" / f"{NAME}.po"


def test_the_template_is_what_the_sources_have():
    pytest.importorskip("i18ndude", reason="needs i18ndude")
    path = ROOT / "scripts" / "i18n.py"
    spec = importlib.util.spec_from_file_location("taskqueue_i18n", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert tuple(script.LANGUAGES) == LANGUAGES
    wanted = script.render_template()
    found = (LOCALES / f"{NAME}.pot").read_text(encoding="utf-8")
    assert wanted == found, "Run make i18n."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language):
    assert len(TEMPLATE) > 80
    entries = read_entries(po_of(language))
    missing = [
        msgid
        for msgid in TEMPLATE
        if not entries.get(msgid, ("", ""))[1] or "fuzzy" in entries[msgid][0]
    ]
    assert not missing, f"{len(missing)} texts are not translated: {missing}"
    assert not set(entries) - set(TEMPLATE), "Run make i18n."


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_variables_of_their_texts(language):
    wrong = {
        msgid: translated
        for msgid, (comments, translated) in read_entries(po_of(language)).items()
        if translated
        and sorted(_VARIABLE.findall(translated))
        != sorted(_VARIABLE.findall(english_of(msgid, comments)))
    }
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_can_be_compiled(language):
    with po_of(language).open("rb") as source:
        compiled = io.BytesIO(Msgfmt(source, NAME).get())
    catalog = gettext.GNUTranslations(compiled)
    assert catalog.info()["content-type"].lower() == "text/plain; charset=utf-8"
    for msgid, (_, translated) in read_entries(po_of(language)).items():
        assert not translated or catalog.gettext(msgid) == translated


def test_variables_are_names():
    """An expression is filled in before its text is looked up, which finds nothing."""
    assert not [
        variable
        for msgid, (comments, _) in TEMPLATE.items()
        for variable in _VARIABLE.findall(english_of(msgid, comments))
        if not variable.strip("${}").isidentifier()
    ]


def test_texts_are_written_out_where_they_are_marked():
    """Nobody can translate a text that is put together before it is marked."""
    wrong = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path in PACKAGE.rglob("*.py")
        if "tests" not in path.parts
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "_"
        and not (
            isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, str)
        )
    ]
    assert not wrong
