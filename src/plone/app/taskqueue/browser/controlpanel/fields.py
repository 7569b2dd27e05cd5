"""The fields of a task's schema as fields of a form, whatever its author has thought of.

What Plone has a plain field of a form for is shown with it.  Everything else, such as a
mapping or a length of time, is written as JSON, as in ``taskservices.xml``.
"""

from collections.abc import Mapping
from copy import copy
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.exportimport.values import to_plain
from plone.autoform.utils import processFields
from typing import Any
from z3c.form import field as forms
from zope import schema
from zope.i18nmessageid import MessageFactory
from zope.schema import interfaces as kinds
from zope.schema.interfaces import ValidationError

import json


#: What there is a field of a form for, that works without JavaScript.
_PLAIN = (
    kinds.IBool,
    kinds.IChoice,
    kinds.IDate,
    kinds.IDatetime,
    kinds.IDecimal,
    kinds.IFloat,
    kinds.IInt,
    kinds.INativeString,
    kinds.IText,
)
#: Of what there may be several.
_LISTED = (kinds.IChoice, kinds.ITextLine)
#: Name of the field of a task that takes whatever it is given.
WHOLE = "input"

_NOT_SHOWN = _("It is not shown. Leave it empty to keep it as it is.")
_plone = MessageFactory("plone")


class NotJSON(ValidationError):
    __doc__ = _("This is not JSON.")


def is_json(text: str) -> bool:
    """Return true for JSON.  ``NotJSON``."""
    try:
        json.loads(text)
    # RecursionError: it is nested deeper than anybody nests by hand.
    except (RecursionError, ValueError) as error:
        raise NotJSON(str(error)) from error
    return True


class InputFields:
    """The fields for the input of a task, and the way from what was typed to the input.

    ``known`` are values that are shown first.  Fields of names that are ``hidden`` show
    none, and left empty they stay as they are.
    """

    def __init__(
        self,
        task_schema: Any,
        has_schema: bool,
        known: Mapping[str, Any] | None = None,
        hidden: Any = lambda name: False,
    ) -> None:
        self._schema = task_schema
        self._has_schema = has_schema
        self._known = known
        self._hidden = hidden
        #: Names of the fields that are written as JSON.
        self.as_json: set[str] = set()

    def process(self, group: Any, prefix: str) -> forms.Fields:
        """Return the fields for a group of a form, with the hints of the schema."""
        if not self._has_schema:
            return forms.Fields(self._whole(), prefix=prefix)
        group.fields = forms.Fields()
        group.groups = []
        processFields(group, self._schema, prefix=prefix, permissionChecks=False)
        found = [*group.fields.values()]
        for inner in group.groups:
            found += inner.fields.values()
        group.groups = ()
        found.sort(key=lambda each: each.field.order)
        return forms.Fields(*[self._field(each, prefix) for each in found])

    def _field(self, known: Any, prefix: str) -> Any:
        mine = copy(known.field)
        hinted = known.widgetFactory.get(known.mode or "input") is not None
        name = mine.__name__
        if not hinted and not _is_plain(mine):
            self.as_json.add(name)
            mine = self._json(mine)
        elif self._known is not None:
            self._show(mine)
        # Without their interface, whose invariants are looked at with the values.
        mine.interface = None
        found = forms.Field(mine, name=name, prefix=prefix, mode=known.mode)
        found.widgetFactory = known.widgetFactory
        found.interface = None
        return found

    def _show(self, mine: Any) -> None:
        name = mine.__name__
        if self._hidden(name):
            mine.required = False
            mine.description = _NOT_SHOWN
            return
        if name in self._known:
            try:
                mine.defaultFactory = None
                mine.default = self._known[name]
            except (ValidationError, TypeError, AttributeError):
                # One that the field would not take any more.
                pass

    def _json(self, mine: Any) -> Any:
        name = mine.__name__
        value = mine.default
        required = mine.required and value is None
        if self._known is not None:
            value = self._known.get(name, value)
            if self._hidden(name):
                value, required = None, False
        try:
            shown = None if value is None else json.dumps(to_plain(mine, value))
        except (TypeError, ValueError):
            shown = None
        found = schema.Text(
            __name__=name,
            title=_(
                "field_as_json",
                default="${title} (JSON)",
                mapping={"title": mine.title},
            ),
            description=mine.description,
            required=required,
            default=shown,
            constraint=is_json,
        )
        found.order = mine.order
        return found

    def _whole(self) -> Any:
        self.as_json.add(WHOLE)
        value = None if self._known is None else self._known.get(WHOLE)
        description = _(
            "field_whole_help",
            default="The task has no schema: it is given whatever you write here.",
        )
        if self._known is not None and self._hidden(WHOLE):
            value, description = None, _NOT_SHOWN
        return schema.Text(
            __name__=WHOLE,
            title=_("field_whole", default="Input (JSON)"),
            description=description,
            required=False,
            default=None if value is None else json.dumps(value, default=repr),
            constraint=is_json,
        )

    def read(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what was typed: values as they are, and values of JSON.

        ``values`` are by the names of fields.
        """
        typed, plain = {}, {}
        for name, value in values.items():
            if value is None and self._known is not None and self._hidden(name):
                # As it was.
                if name in self._known:
                    typed[name] = self._known[name]
            elif name not in self.as_json:
                typed[name] = value
            elif value is not None:
                plain[name] = json.loads(value)
        return typed, plain

    def input(self, admin: Any, service: Any, task: str, values: Any) -> Any:
        """Return the input that was typed.  ``InputError``: by the names of fields."""
        typed, plain = self.read(values)
        if not self._has_schema:
            return (typed | plain).get(WHOLE)
        return {**typed, **admin.read_input(service, task, plain)}


def _is_plain(field: Any) -> bool:
    if kinds.IDict.providedBy(field) or kinds.IObject.providedBy(field):
        return False
    if kinds.ICollection.providedBy(field):
        return any(kind.providedBy(field.value_type) for kind in _LISTED)
    return any(kind.providedBy(field) for kind in _PLAIN)


def errors_of(error: Any) -> dict[str, Any]:
    """Return what is wrong by the names of fields; ``""`` is the whole."""
    if isinstance(error, InputError):
        return error.errors
    return {"": error.args[0] if error.args else str(error)}
