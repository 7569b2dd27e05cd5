"""The fixtures of browser tests.

They end with the last test of this folder, not with the session: while Playwright's own
API for synchronous programs is open, no other test could run an event loop.
"""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from playwright.sync_api import Browser as Process
from playwright.sync_api import Page
from plone.app.taskqueue.tests.browser.chromium import Browser
from plone.app.taskqueue.tests.browser.chromium import EXECUTABLE
from plone.app.taskqueue.tests.browser.chromium import run_chromium
from plone.app.taskqueue.tests.browser.site import Site
from plone.app.taskqueue.tests.crash.zeo import ZeoServer

import os
import pytest
import tempfile


#: Variable of the environment that names the folder where pictures are to be kept.
SCREENSHOTS = "TASKQUEUE_SCREENSHOTS"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Process]:
    """Debian's Chromium."""
    if EXECUTABLE is None:
        pytest.skip("needs chromium")
    with run_chromium() as process:
        yield process


@pytest.fixture(scope="package")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, made once; tests use ``site``."""
    folder = tmp_path_factory.mktemp("browser")
    with ExitStack() as stack:
        # The path of a socket may have a hundred characters.
        short = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tq")))
        server = ZeoServer(short, folder / "Data.fs", blobs=folder / "blobs")
        stack.callback(server.close)
        server.start()
        site = Site(folder, server, stack)
        stack.callback(site.close)
        site.start()
        yield site


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """A site without jobs, without a worker."""
    yield shared_site
    shared_site.clear()


@pytest.fixture
def browser(chromium: Process, site: Site) -> Iterator[Browser]:
    """A browser: ``browser.login("editor")`` is a page of it."""
    browser = Browser(chromium, site)
    yield browser
    browser.close()
    browser.assert_quiet()


@pytest.fixture
def screenshot(tmp_path: Path) -> Callable[..., Path]:
    """``screenshot(page, "name")`` takes the picture ``name.png`` for the documentation.

    It is kept if ``make screenshots`` asks for it, which runs the tests that have this
    fixture and no others.
    """
    folder = Path(os.environ.get(SCREENSHOTS) or tmp_path)

    def take(page: Page, name: str, full_page: bool = True) -> Path:
        path = folder / f"{name}.png"
        page.evaluate("document.fonts.ready")
        page.screenshot(
            path=path, full_page=full_page, animations="disabled", caret="hide"
        )
        return path

    return take
