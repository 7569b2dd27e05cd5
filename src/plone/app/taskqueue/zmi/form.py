"""What the forms of the management interface have in common."""

from AccessControl import getSecurityManager
from plone.app.taskqueue.administration.access import VIEW_JOBS
from plone.app.taskqueue.environment.walk import application
from plone.keyring.interfaces import IKeyManager
from plone.protect.authenticator import check
from plone.protect.authenticator import createToken
from plone.protect.utils import getRoot
from plone.protect.utils import getRootKeyManager
from Products.Five import BrowserView
from typing import Any
from zExceptions import Forbidden
from zope.component import queryUtility
from zope.i18n import translate
from zope.i18nmessageid import Message


class Form(BrowserView):
    """Shows itself, and does what is asked for with POST and its token alone.

    The token is plone.protect's.  A Zope that has never had a Plone site has none.
    """

    #: The object whose form it is.
    @property
    def place(self) -> Any:
        return self.context

    def _keys(self) -> Any:
        found = queryUtility(IKeyManager)
        return getRootKeyManager(getRoot(self.place)) if found is None else found

    def token(self) -> str | None:
        """Return what proves that a request comes from this form."""
        keys = self._keys()
        return None if keys is None else createToken(manager=keys)

    def is_sent(self) -> bool:
        """Say whether the form was sent.  ``Forbidden``: by somebody else's page."""
        if not self.request.form:
            return False
        if self.request.method != "POST":
            raise Forbidden("Send this form with POST.")
        self._check_token()
        return True

    def is_posted(self) -> bool:
        """Say the same of a page that is looked at with parameters in its address."""
        if self.request.method != "POST":
            return False
        self._check_token()
        return True

    def _check_token(self) -> None:
        keys = self._keys()
        if keys is not None:
            check(self.request, manager=keys)

    def tell(self, message: str, kind: str = "success") -> None:
        """Show a message above the form, translated; ``kind`` is Bootstrap's."""
        # Zope's own part of the page, which shows it, does not translate.
        message = translate(message, context=self.request)
        self.request.set("manage_tabs_message", message)
        self.request.set("manage_tabs_type", kind)

    def text(self, name: str) -> str:
        """Return what was typed into a field."""
        value = self.request.form.get(name, "")
        if not isinstance(value, str):
            return ""
        # Bytes that are no UTF-8 could not be written down again.
        return value.strip().encode(errors="replace").decode()

    def root_url(self) -> str | None:
        """Return the address of the page of all sites, for those who may look at it."""
        root = application(self.place)
        if not getSecurityManager().checkPermission(VIEW_JOBS, root):
            return None
        return f"{root.absolute_url()}/manage_taskqueue"


def sentence_of(error: Exception) -> str:
    """Return what an error says; a message that can be translated stays one."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Message) else str(error)
