"""Whether a call comes from a program, and not from a page in somebody's browser.

A call has no token as a form of Plone has, so it must be one that a page of another site
cannot send.  It may send what it likes as ``text/plain``, also with cookies; for
``text/xml`` a browser asks the server first, and Zope does not agree.
"""

from plone.app.taskqueue.xmlrpc import faults
from plone.app.taskqueue.xmlrpc.faults import RefusedError
from plone.protect.interfaces import IDisableCSRFProtection
from typing import Any
from zope.interface import alsoProvides


def check_origin(request: Any) -> None:
    """Let the call write, without a token of ``plone.protect``.

    ``RefusedError``: it may come from a browser.
    """
    environ = request.environ
    media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != "text/xml":
        raise RefusedError(
            faults.FORBIDDEN,
            "Calls that change something must have the content type text/xml.",
        )
    if environ.get("HTTP_COOKIE"):
        raise RefusedError(
            faults.FORBIDDEN,
            "Calls that change something must come without cookies: log in with an "
            "Authorization header, as in http://user:password@host/.",
        )
    alsoProvides(request, IDisableCSRFProtection)
