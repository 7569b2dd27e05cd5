"""Chromium, steered by Playwright: one process for all tests, a profile for each visit."""

from playwright.sync_api import Browser as Process
from playwright.sync_api import BrowserContext
from playwright.sync_api import ConsoleMessage
from playwright.sync_api import expect
from playwright.sync_api import Page
from playwright.sync_api import Request
from playwright.sync_api import Response
from playwright.sync_api import sync_playwright
from plone.app.taskqueue.tests.browser.site import Site
from typing import Any

import base64
import contextlib
import shutil


EXECUTABLE = shutil.which("chromium")

#: Nothing that needs a display, a sandbox or the network.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Sizes of the window.
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

#: Milliseconds for which a page or an element is waited for: two cores may be busy.
_PATIENCE = 60_000
expect.set_options(timeout=_PATIENCE)


@contextlib.contextmanager
def run_chromium():
    """Give Debian's Chromium; no other is ever downloaded."""
    with sync_playwright() as playwright:
        process = playwright.chromium.launch(
            executable_path=EXECUTABLE, args=list(_FLAGS), headless=True
        )
        try:
            yield process
        finally:
            process.close()


class Browser:
    """The browser of a test: each login has its own window and cookies.

    What goes wrong on any page is noted: ``assert_quiet``, which the fixture calls at
    the end of the test, fails for an error of a script or on the console, a request that
    fails, an answer of 400 or above, and a request that leaves this machine.
    """

    #: Cookies by role, which outlive a test.
    _cookies: dict[str, Any] = {}

    def __init__(self, process: Process, site: Site):
        self._process = process
        self._site = site
        self._contexts: list[BrowserContext] = []
        self._expected: set[int] = set()
        #: What went wrong so far, in words.
        self.noise: list[str] = []

    def login(
        self,
        role: str,
        *,
        phone: bool = False,
        javascript: bool = True,
        language: str = "en",
    ) -> Page:
        """Return a page of somebody who has logged in; ``anonymous`` has not.

        Addresses that it is given begin with the site's path: ``/Plone/@@my-jobs``.
        ``admin`` is a user of Zope's root, who sends a password with each request.
        """
        options: dict[str, Any] = {}
        if role == "admin":
            login = f"admin:{self._site.passwords[role]}".encode()
            word = base64.b64encode(login).decode()
            options["extra_http_headers"] = {"Authorization": f"Basic {word}"}
        elif role != "anonymous":
            options["storage_state"] = self._log_in(role)
        context = self._process.new_context(
            base_url=self._site.root_url,
            viewport=PHONE if phone else WIDE,
            has_touch=phone,
            is_mobile=phone,
            java_script_enabled=javascript,
            locale=language,
            reduced_motion="reduce",
            timezone_id="UTC",
            **options,
        )
        return self._page_of(context)

    def _page_of(self, context: BrowserContext) -> Page:
        self._contexts.append(context)
        context.set_default_timeout(_PATIENCE)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self._note(f"script: {error.error}"))
        context.on("request", self._see)
        context.on("requestfailed", self._miss)
        context.on("response", self._check)
        return context.new_page()

    def _log_in(self, role: str) -> Any:
        """Fill in the form once, as a person does."""
        key = f"{self._site.root_url} {role}"
        if key not in self._cookies:
            context = self._process.new_context(base_url=self._site.root_url)
            page = self._page_of(context)
            page.goto("/Plone/login")
            page.fill("input[name=__ac_name]", role)
            page.fill("input[name=__ac_password]", self._site.passwords[role])
            page.click("button[name='buttons.login']")
            page.wait_for_selector("body.userrole-authenticated")
            self._cookies[key] = context.storage_state()
        return self._cookies[key]

    # What goes wrong

    def expect_status(self, *statuses: int) -> None:
        """Let answers with these statuses be no noise: the test asks for them."""
        self._expected.update(statuses)

    def assert_quiet(self) -> None:
        """Fail if anything went wrong on a page."""
        assert not self.noise, "\n".join(self.noise)

    def _note(self, what: str) -> None:
        self.noise.append(what)

    def _hear(self, message: ConsoleMessage) -> None:
        # Answers that are errors are written there too, and are looked at themselves.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._note(f"console of {message.location['url']}: {message.text}")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self._site.root_url, "data:", "blob:")):
            self._note(f"leaves the machine: {request.url}")

    def _miss(self, request: Request) -> None:
        # Whoever goes to another page breaks off what the last one was loading.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"failed: {request.url}: {request.failure}")

    def _check(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected:
            self._note(f"{response.status}: {response.request.method} {response.url}")

    def close(self) -> None:
        """Close all windows."""
        for context in self._contexts:
            context.close()
