"""An example that does not do what its page says is found."""

from pathlib import Path
from plone.app.taskqueue.tests.docs.running import PageRunner

import pytest


def run(folder: Path, text: str, suffix: str = ".md") -> dict:
    page = folder / f"page{suffix}"
    page.write_text(text)
    (folder / "modules").mkdir()
    runner = PageRunner(page, page.name, folder / "modules", {})
    runner.run()
    return runner.names


MODULE = "```python\n# my/addon/sums.py\ndef add(a, b):\n    return a + b\n```\n"


def test_what_is_right_passes(tmp_path):
    text = "```pycon\n>>> from my.addon.sums import add\n>>> add(1, 1)\n2\n```\n"
    run(tmp_path, MODULE + text)


def test_what_is_right_in_rest_passes(tmp_path):
    names = run(
        tmp_path,
        "Text:\n\n.. code-block:: python\n\n    a = 1\n\n.. run: a += 1\n\n"
        ".. code-block:: pycon\n\n    >>> a\n    2\n\nText.\n",
        ".rst",
    )
    assert names["a"] == 2


@pytest.mark.parametrize(
    "text, message",
    [
        ("```pycon\n>>> 1 + 1\n3\n```\n", "Expected"),
        ("```{doctest}\n>>> 1 + 1\n3\n```\n", "Expected"),
        ("- item\n\n  ```pycon\n  >>> 1 + 1\n  3\n  ```\n", "Expected"),
        ("```pycon\n1 + 1\n```\n", "nothing to run"),
        ("```python\nassert False, 'so'\n```\n", "so"),
        ("```text\n>>> 1\n1\n```\n", "Python that is not run"),
        ("```\nanything\n```\n", "what is ''"),
        (MODULE, "never calls my.addon.sums.add"),
        ("```python\n# test_it.py\ndef test_it():\n    assert 0\n```\n", "1 failed"),
    ],
)
def test_what_is_wrong_fails(tmp_path, text, message):
    with pytest.raises(AssertionError, match=message):
        run(tmp_path, text)


def test_what_is_wrong_in_rest_fails(tmp_path):
    with pytest.raises(AssertionError, match="what is ''"):
        run(tmp_path, "Text::\n\n    anything\n", ".rst")
