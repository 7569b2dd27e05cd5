"""``call-view``: call a browser view, as the current user and with their rights."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterator
from contextlib import contextmanager
from plone.app.taskqueue import _
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.shipped.place import absolute
from plone.app.taskqueue.task.shipped.place import at
from plone.app.taskqueue.task.shipped.place import IPlace
from plone.app.taskqueue.task.shipped.rights import current_user
from typing import Any
from zExceptions import NotFound
from zExceptions import Unauthorized
from zope.interface import Interface
from zope.schema import Dict
from zope.schema import Int
from zope.schema import Text
from zope.schema import TextLine
from zope.schema.interfaces import ValidationError


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
    committed with the job.

    ``TaskError``: the user may not, there is no such view, or its status is 400 or more.
    """
    name = view.removeprefix("@@")
    top = absolute(path)
    where = f"the view {name!r} of {top}"
    try:
        found = _find(top, name)
        if found is None:
            raise TaskError(f"There is no way to {where}: is the name right?")
        with _form(found.request, form or {}):
            page = found()
    except Unauthorized as error:
        raise TaskError(f"{current_user()} may not call {where}.") from error
    status = found.request.response.getStatus()
    if status >= 400:
        raise TaskError(f"The status of {where} is {status}.")
    return {"status": status, **_shown(page, keep)}


def _find(path: str, name: str) -> Any:
    """Return the view, or ``None``.  ``Unauthorized``: the user may not have it."""
    obj = at(path)
    if obj is None:
        return None
    # The object itself, which acquisition cannot hide: it is a true child.
    obj = aq_parent(aq_inner(obj)).restrictedTraverse(obj.getId())
    try:
        return obj.restrictedTraverse(f"@@{name}")
    except (NotFound, LookupError, AttributeError):
        return None


@contextmanager
def _form(request: Any, form: Form) -> Iterator[None]:
    before = request.form
    request.form = {**before, **form}
    try:
        yield
    finally:
        request.form = before


def _shown(page: Any, keep: int) -> dict[str, Any]:
    if page is None:
        return {"length": 0, "text": ""}
    if isinstance(page, bytes):
        return {"length": len(page), "text": page[:keep].decode("utf-8", "replace")}
    text = page if isinstance(page, str) else repr(page)
    return {"length": len(text), "text": text[:keep]}
