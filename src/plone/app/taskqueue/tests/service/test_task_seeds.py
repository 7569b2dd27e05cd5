"""The documents of z3c.taskqueue and lovely.remotetask, run with our imports.

What they need of zope.app packages that Plone does not ship stands here.
"""

from App.config import getConfiguration
from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.service import ids
from plone.testing import zca
from typing import Any
from zope.site.folder import rootFolder
from zope.testing.loggingsupport import InstalledHandler

import doctest
import pytest
import re
import transaction


SEEDS = Path(__file__).parent.parent / "seeds"

#: Ids that Python 2 drew after ``random.seed(27)``, which Python 3 cannot draw.
DRAWN = (1392637175, 1506179619, 1000000000)


class ZopePublication:
    """Stands for the class in zope.app.publication."""

    root_name = "Application"


def setProductConfigurations(configurations: list[Any]) -> None:
    """Stand for the function in zope.app.appsetup: sections of zope.conf."""
    getConfiguration().product_config = {
        each.getSectionName(): each.mapping for each in configurations
    }


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A registry of components and a root folder of its own, for the examples."""
    drawn = iter(DRAWN)
    monkeypatch.setattr(ids.random, "randrange", lambda most: next(drawn))
    monkeypatch.setattr(getConfiguration(), "product_config", {}, raising=False)
    zca.pushGlobalRegistry()
    handler = InstalledHandler("plone.app.taskqueue")
    try:
        yield {
            "root": rootFolder(),
            "log_info": handler,
            "setProductConfigurations": setProductConfigurations,
            "ZopePublication": ZopePublication,
        }
    finally:
        transaction.abort()
        handler.uninstall()
        zca.popGlobalRegistry()


def footnotes_in_place(text: str) -> str:
    """Put each footnote where it is referred to first, as zope.testing did."""
    notes = re.findall(
        r"^\.\. \[#(\d)\] (.*?)(?=^\.\. \[#|^[A-Z])", text, re.MULTILINE | re.DOTALL
    )
    for number, note in notes:
        text = text.replace(f".. [#{number}] {note}", "")
        before, after = text.split(f"[#{number}]_", 1)
        rest, after = after.split("\n\n", 1)
        text = f"{before}{rest}\n\n{note}\n\n{after}"
    return text


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("lovely.remotetask-stub", 25),
        ("z3c.taskqueue-startlater", 20),
        ("z3c.taskqueue-readme", 100),
        ("lovely.remotetask-readme", 200),
    ],
)
def test_every_example_of_the_document_gives_what_it_shows(name, least, surroundings):
    text = (SEEDS / f"{name}.txt").read_text()
    parser = doctest.DocTestParser()
    examples = parser.get_doctest(
        footnotes_in_place(text), surroundings, name, f"{name}.txt", 0
    )
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    report: list[str] = []
    runner.run(examples, out=report.append)
    result = runner.summarize(verbose=False)
    assert result.failed == 0, "".join(report)
    assert result.attempted >= least
