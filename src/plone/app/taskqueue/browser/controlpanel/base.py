"""What the pages of the control panel have in common."""

from collections.abc import Iterator
from datetime import datetime
from plone.app.taskqueue import _
from plone.app.taskqueue.browser import wording
from plone.app.taskqueue.browser.controlpanel.tabs import TABS
from plone.app.taskqueue.browser.resources import resource_url
from plone.app.taskqueue.browser.times import local_time
from plone.app.taskqueue.interfaces import IAdministration
from plone.protect.authenticator import check
from Products.Five.browser import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from Products.statusmessages.interfaces import IStatusMessage
from typing import Any
from urllib.parse import urlencode
from zExceptions import Forbidden
from zExceptions import NotFound
from zope.i18n import translate

import contextlib
import functools


class ControlPanelView(BrowserView):
    """A page that changes something only where its form was sent with POST and a token.

    After a change the browser is sent to ``back``, so that loading the page again
    repeats nothing.  ``template`` fills the slot ``main`` of the macro ``view/frame``.
    """

    template: Any
    #: Name of the view whose tab is marked.
    tab = "taskqueue-controlpanel"
    #: Name of a method for each name of a button; what it returns is shown, if anything.
    buttons: dict[str, str] = {}

    _frame = ViewPageTemplateFile("frame.pt")

    def __call__(self) -> Any:
        if self.request.method == "POST":
            if self._has_token():
                return self._press()
            self.tell(
                _(
                    "message_no_token",
                    default="Nothing was changed: the form is too old, or was not sent "
                    "from this page. Please look at it and send it again.",
                ),
                "error",
            )
            self.request.response.setStatus(403)
        return self.show()

    def show(self) -> Any:
        """Return the page."""
        return self.template()

    def _has_token(self) -> bool:
        try:
            check(self.request)
        except Forbidden:
            return False
        return True

    def _press(self) -> Any:
        for button, method in self.buttons.items():
            if button in self.request.form:
                answer = getattr(self, method)()
                if answer is None:
                    self.request.response.redirect(self.back())
                return answer
        self.tell(
            _(
                "message_no_button",
                default="Nothing was chosen, so nothing was changed.",
            ),
            "warning",
        )
        return self.show()

    def back(self) -> str:
        """Return the address that is shown after a change."""
        return self.url(self.tab)

    @property
    def frame(self) -> Any:
        """The macro around each page: heading, tabs, script and style sheet."""
        return self._frame.macros["frame"]

    @functools.cached_property
    def admin(self) -> Any:
        """The administration as whoever is logged in."""
        return IAdministration(self.context)

    @contextlib.contextmanager
    def missing(self) -> Iterator[None]:
        """Answer with 404 for a job or queue that is not there, or not to be seen."""
        try:
            yield
        except LookupError as error:
            raise NotFound(str(error)) from error

    def tell(self, message: Any, kind: str = "info") -> None:
        """Show a message on the next page; ``kind`` is ``info``, ``warning``, ``error``."""
        IStatusMessage(self.request).addStatusMessage(message, type=kind)

    def text(self, name: str) -> str:
        """Return what was typed into a field; crafted values of other types are none."""
        value = self.request.form.get(name, "")
        if not isinstance(value, str):
            return ""
        # Bytes that are no UTF-8 could not be written down again.
        return value.strip().encode(errors="replace").decode()

    def number_of(self, name: str, most: int = 1_000_000) -> int:
        """Return a whole number from 0 that the address gives, else 0."""
        given = self.request.form.get(name)
        # The links of Plone's batches say that it is an int.
        value = str(given) if isinstance(given, int) else self.text(name)
        # Of ASCII digits alone, and few: others mean nothing here.
        if value.isascii() and value.isdigit() and len(value) < 10:
            return min(int(value), most)
        return 0

    # For templates

    @property
    def site_url(self) -> str:
        return self.context.absolute_url()

    def url(self, view: str, **query: Any) -> str:
        """Return the address of a view of ours; parameters without a value are left out."""
        given = {name: value for name, value in query.items() if value}
        tail = f"?{urlencode(given)}" if given else ""
        return f"{self.site_url}/@@{view}{tail}"

    def job_url(self, reference: str) -> str:
        return self.url("taskqueue-job", id=reference)

    def resource(self, name: str) -> str:
        return resource_url(self.site_url, name)

    def tabs(self) -> list[dict[str, Any]]:
        return [
            {
                "title": tab.title,
                "url": self.url(tab.view),
                "active": tab.view == self.tab,
            }
            for tab in TABS
            if self.admin.access.may(tab.permission)
        ]

    @property
    def language(self) -> str:
        return self.request.get("LANGUAGE") or "en"

    def number(self, count: int) -> str:
        return wording.number(count, self.language)

    def capped(self, count: int, more: bool) -> str:
        return wording.capped(count, more, self.language)

    def time(self, moment: datetime) -> str:
        return local_time(moment, self.context, self.request)

    def translate(self, message: Any) -> str:
        return translate(message, context=self.request)

    def age(self, moment: datetime) -> str:
        return self.translate(wording.age(moment))

    def seconds(self, seconds: float | None) -> str:
        """Return how long something took; what has not ended took no time yet."""
        return (
            wording.NOTHING
            if seconds is None
            else self.translate(wording.took(seconds))
        )

    def group_title(self, group: str) -> Any:
        return wording.GROUP_TITLES[group]

    def group_icon(self, group: str) -> str:
        return wording.GROUP_ICONS[group]

    def group_class(self, group: str) -> str:
        return wording.GROUP_CLASSES[group]
