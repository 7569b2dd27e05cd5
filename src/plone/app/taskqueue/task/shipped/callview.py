"""``call-view``: call a browser view, as the current user and with their rights."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterator
from contextlib import contextmanager
from plone.app.taskqueue import _
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.shipped.page import beginning
from plone.app.taskqueue.task.shipped.place import absolute
from plone.app.taskqueue.task.shipped.place import at
from plone.app.taskqueue.task.shipped.place import IPlace
from plone.app.taskqueue.task.shipped.rights import current_user
from typing import Any
from zExceptions import NotFound
from zExceptions import Redirect
from zExceptions import Unauthorized
from zope.globalrequest import getRequest
from zope.interface import Interface
from zope.schema import Dict
from zope.schema import Int
from zope.schema import Text
from zope.schema import TextLine
from zope.schema.interfaces import ValidationError
from ZPublisher.HTTPResponse import HTTPResponse


#: Parameters of a form.
Form = dict[str, str]


class NotAView(ValidationError):
    __doc__ = _("The name of a view is a single name, without path and parameters.")


def is_view_name(value: str) -> bool:
    """Return true for what can be a view's name.  ``NotAView``: it cannot."""
    if not value.removeprefix("@@") or any(each in value for each in "/?#"):
        raise NotAView(value)
    return True


class ICallView(IPlace):
    view = TextLine(title=_("View"), constraint=is_view_name)
    form = Dict(
        title=_("Parameters"),
        description=_("As in the address of a page, after the question mark."),
        key_type=TextLine(),
        value_type=Text(),
        required=False,
        default={},
        missing_value={},
    )
    keep = Int(
        title=_("Keep"),
        description=_("How many characters of the page are kept with the job."),
        min=0,
        max=1_000_000,
        default=1000,
    )


class ICalledView(Interface):
    status = Int(title=_("Status"))
    length = Int(title=_("Length"), description=_("Of the whole page."))
    text = Text(title=_("Text"), description=_("Its beginning."), required=False)


@task(
    "call-view",
    title=_("Call a view"),
    description=_("Call a view as a page of the site would, and keep what it returns."),
    input_schema=ICallView,
    output_schema=ICalledView,
    isolated=True,
)
def call_view(
    view: str, path: str = "", form: Form | None = None, keep: int = 1000
) -> dict[str, Any]:
    """Call a view with GET; return its status, length and beginning.

    The object and the view must be allowed to the user.  What the view changes is
    committed with the job.  It may redirect, which is not followed.

    ``TaskError``: the user may not, there is no such view, it is no page, or its status
    is 400 or more.
    """
    name = view.removeprefix("@@")
    top = absolute(path)
    where = f"the view {name!r} of {top}"
    try:
        found = _find(top, name)
        if found is None:
            raise TaskError(f"There is no way to {where}: is the name right?")
        page, response = _call(found, form or {}, where)
    except Unauthorized as error:
        raise TaskError(f"{current_user()} may not call {where}.") from error
    status = response.getStatus()
    if status >= 400:
        raise TaskError(f"The status of {where} is {status}.")
    length, text = beginning(response, page, keep)
    return {"status": status, "length": length, "text": text}


def _find(path: str, name: str) -> Any:
    """Return the view, or ``None``.  ``Unauthorized``: the user may not have it."""
    obj = at(path)
    if obj is None:
        return None
    # The object itself, which acquisition cannot hide: it is a true child.
    parent = aq_parent(aq_inner(obj))
    obj = parent.restrictedTraverse(path.rpartition("/")[2])
    try:
        return obj.restrictedTraverse(f"@@{name}")
    except (NotFound, LookupError, AttributeError):
        return None


def _call(view: Any, form: Form, where: str) -> tuple[Any, HTTPResponse]:
    """Return what the view returns, and the response.  ``TaskError``: it is no page."""
    try:
        call = view.__call__
    except AttributeError:
        # Those that help others, such as ``@@plone``, only seem to have it.
        raise TaskError(
            f"There is {where}, and it is no page that can be called."
        ) from None
    request = getRequest()
    with _form(request, form):
        try:
            page = call()
        except Redirect as redirect:
            page = request.response.redirect(str(redirect))
    return page, request.response


@contextmanager
def _form(request: Any, form: Form) -> Iterator[None]:
    before = request.form
    request.form = {**before, **form}
    try:
        yield
    finally:
        request.form = before
