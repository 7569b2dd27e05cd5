"""What the web server does for a test: calling a function on an object, as a user.

Only the site of the browser tests has this view.  It is published on the object, with the
user's own password, so that jobs are queued with the surroundings of a real request.
"""

from collections.abc import Callable
from plone.protect.interfaces import IDisableCSRFProtection
from Products.Five import BrowserView
from zExceptions import Forbidden
from zope.dottedname.resolve import resolve
from zope.interface import alsoProvides

import hmac
import json
import os


#: Header of the request, and variable of the environment, that hold the secret.
HEADER = "X-Arrange"
VARIABLE = "TASKQUEUE_ARRANGE"


def name_of(function: Callable) -> str:
    """Return the dotted name under which the web server finds the function."""
    return f"{function.__module__}.{function.__qualname__}"


class Arrange(BrowserView):
    """Calls ``function(context, *args, **kwargs)`` and answers with JSON."""

    def __call__(self) -> str:
        if not hmac.compare_digest(
            self.request.getHeader(HEADER, ""), os.environ[VARIABLE]
        ):
            raise Forbidden("This view is for tests alone.")
        alsoProvides(self.request, IDisableCSRFProtection)
        call = json.loads(self.request.get("BODY"))
        function = resolve(call["function"])
        result = function(self.context, *call["args"], **call["kwargs"])
        self.request.response.setHeader("Content-Type", "application/json")
        return json.dumps(result)
