"""What axe finds against WCAG 2.1 AA.

Looked at is what is ours, the main part of the page.  What is around it belongs to Plone
or to Zope, and we can neither mend nor break it: the contrast of Barceloneta's breadcrumbs
and of its search button is too low, for instance.
"""

from axe_playwright_python.sync_playwright import Axe
from collections.abc import Iterator
from contextlib import contextmanager
from playwright.sync_api import Page

import re


_axe = Axe()

#: The success criteria of level A and AA, 2.0 and 2.1.
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")

#: Rules about the page as a whole: its title and language are ours too.
_DOCUMENT_RULES = ("document-title", "html-has-lang", "html-lang-valid")

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
_NOSCRIPT = re.compile(r"<(/?)noscript\b", re.IGNORECASE)
_HTML = "text/html; charset=utf-8"


def assert_accessible(page: Page, *within: str) -> None:
    """Fail with what is wrong in the parts that the selectors name, ``main`` by default.

    What is not shown is not looked at: open it first.
    """
    parts = within or ("main",)
    for selector in parts:
        assert page.locator(selector).count(), f"There is no {selector} on {page.url}."
    with _able_to_run(page) as able:
        found = _axe.run(
            able,
            {"include": [[selector] for selector in parts]},
            # Else axe loads all style sheets once more, and what they import from wrong
            # addresses.  Only its rule about a locked orientation wants them.
            {"runOnly": {"type": "tag", "values": list(TAGS)}, "preload": False},
        )
        whole = _axe.run(
            able, options={"runOnly": {"type": "rule", "values": list(_DOCUMENT_RULES)}}
        )
    assert found.response["passes"], f"axe found nothing to look at on {page.url}."
    problems = found.violations_count + whole.violations_count
    assert not problems, (
        f"{page.url}\n{found.generate_report()}\n{whole.generate_report()}"
    )


@contextmanager
def _able_to_run(page: Page) -> Iterator[Page]:
    """Give the page, or its twin where JavaScript is off: axe is a script itself."""
    if not page.evaluate("matchMedia('(scripting: none)').matches"):
        yield page
        return
    html = _SCRIPT.sub("", page.content())
    html = _NOSCRIPT.sub(r"<\1div", html)
    context = page.context.browser.new_context(
        viewport=page.viewport_size, storage_state=page.context.storage_state()
    )
    try:
        twin = context.new_page()
        twin.route(page.url, lambda route: route.fulfill(body=html, content_type=_HTML))
        twin.goto(page.url)
        yield twin
    finally:
        context.close()
