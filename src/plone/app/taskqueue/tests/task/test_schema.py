"""Inputs and outputs are checked field by field."""

from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import TaskInputError
from plone.app.taskqueue.task import TaskOutputError
from plone.app.taskqueue.task import validate_input
from plone.app.taskqueue.task import validate_output
from plone.app.taskqueue.tests.task.declared import ITidied
from plone.app.taskqueue.tests.task.declared import ITidy
from zope.component.hooks import setSite
from zope.interface import implementer
from zope.interface import Interface
from zope.interface import Invalid
from zope.interface import provider
from zope.schema import Choice
from zope.schema import TextLine
from zope.schema import Tuple
from zope.schema.interfaces import IContextAwareDefaultFactory
from zope.schema.interfaces import IContextSourceBinder
from zope.schema.interfaces import ValidationError
from zope.schema.vocabulary import SimpleVocabulary

import pytest


def echo(input):
    return input


tidy = SimpleTask(echo, input_schema=ITidy, output_schema=ITidied, redact=("secret",))


def errors_of(input):
    with pytest.raises(TaskInputError) as caught:
        validate_input(tidy, input, "tidy")
    return caught.value.errors


def test_without_a_schema_anything_goes():
    unlike = object()
    assert validate_input(SimpleTask(echo), unlike) is unlike
    assert validate_output(SimpleTask(echo), unlike) is unlike


def test_the_mapping_that_was_given_is_left_alone():
    given = {"path": "/x"}
    assert validate_input(tidy, given)["days"] == 30
    assert given == {"path": "/x"}


def test_a_list_will_do_for_a_tuple():
    assert validate_input(tidy, {"path": "/x", "kinds": ["a"]})["kinds"] == ("a",)
    assert "kinds" in errors_of({"path": "/x", "kinds": [1]})
    assert "kinds" in errors_of({"path": "/x", "kinds": "a"})


def test_a_default_is_not_shared():
    one = validate_input(tidy, {"path": "/x"})
    one["notes"].append("mine")
    assert validate_input(tidy, {"path": "/x"})["notes"] == []


def test_a_default_may_depend_on_the_site():
    @provider(IContextAwareDefaultFactory)
    def of_site(site):
        return f"of {site}"

    class ISited(Interface):
        path = TextLine(defaultFactory=of_site)

    site = Site()
    setSite(site)
    try:
        found = validate_input(SimpleTask(echo, input_schema=ISited), {})
    finally:
        setSite(None)
    assert found == {"path": f"of {site}"}


class Site:
    def getSiteManager(self):
        from zope.component import getGlobalSiteManager

        return getGlobalSiteManager()


def test_a_missing_field_is_named():
    assert errors_of(None) == {"path": "Required input is missing."}


def test_all_mistakes_are_told_at_once_with_their_values():
    errors = errors_of(
        {"path": 3, "days": 0, "kinds": ("a", 1), "colour": "green", "pth": "/x"}
    )
    assert errors == {
        "pth": "There is no such field; did you mean 'path'?",
        "path": "Object is of wrong type. (3)",
        "days": "Value is too small (0)",
        "kinds": "Wrong contained type Object is of wrong type. (('a', 1))",
        "colour": "Constraint not satisfied ('green')",
    }


class IWithVocabulary(Interface):
    kind = Choice(title="Kind", vocabulary="nowhere.to.be.found", required=False)
    kinds = Tuple(title="Kinds", value_type=Choice(vocabulary="nor.this"))
    path = TextLine(title="Path")


def test_a_vocabulary_that_is_not_here_is_told_by_field():
    task = SimpleTask(echo, input_schema=IWithVocabulary)
    with pytest.raises(TaskInputError) as caught:
        validate_input(task, {})
    errors = caught.value.errors
    assert list(errors) == ["kind", "kinds", "path"]
    assert "vocabulary named 'nowhere.to.be.found'" in errors["kind"]
    assert "vocabulary named 'nor.this'" in errors["kinds"]


@provider(IContextSourceBinder)
def views_of(site):
    return SimpleVocabulary.fromValues(site.views)


class IWithSite(Interface):
    view = Choice(title="View", source=views_of)


def test_a_vocabulary_of_a_site_is_told_where_there_is_none():
    task = SimpleTask(echo, input_schema=IWithSite)
    with pytest.raises(TaskInputError) as caught:
        validate_input(task, {"view": "edit"})
    assert "no vocabulary where there is no site" in caught.value.errors["view"]


def test_the_message_has_a_line_for_each_field():
    with pytest.raises(TaskInputError) as caught:
        validate_input(tidy, {"days": 0}, "tidy")
    assert str(caught.value) == (
        "The input of task 'tidy' cannot be used:\n"
        "- path: Required input is missing.\n"
        "- days: Value is too small (0)"
    )


def test_an_unknown_field_without_a_neighbour_is_told_what_there_is():
    assert errors_of({"path": "/x", "zzz": 1, 3: 4}) == {
        "zzz": "There is no such field; there are path, days, kinds, colour, notes, "
        "secret.",
        "3": "There is no such field; there are path, days, kinds, colour, notes, "
        "secret.",
    }


def test_invariants_are_kept():
    assert errors_of({"path": "/", "days": 3}) == {
        "": "Of the whole site keep at least 7 days."
    }


def test_the_value_of_a_hidden_field_is_in_no_message():
    errors = errors_of({"path": "/x", "secret": "no"})
    assert errors == {"secret": "Value is too short"}


def test_what_a_constraint_says_is_told_unless_it_is_to_be_hidden():
    class IAway(Interface):
        path = TextLine(constraint=_refuse)

    path = "/away"
    shown = SimpleTask(echo, input_schema=IAway)
    with pytest.raises(TaskInputError, match=rf"- path: It is away\. \('{path}'\)"):
        validate_input(shown, {"path": path})
    hidden = SimpleTask(echo, input_schema=IAway, redact=("path",))
    with pytest.raises(TaskInputError) as caught:
        validate_input(hidden, {"path": path})
    assert "path" in caught.value.errors
    assert path not in str(caught.value)


def test_what_a_plain_error_says_of_a_hidden_value_is_not_told():
    class IPlain(Interface):
        path = TextLine(constraint=_repeat)

    for redact, message in (
        ((), "/x is away. ('/x')"),
        (("path",), "It cannot be used."),
    ):
        made = SimpleTask(echo, input_schema=IPlain, redact=redact)
        with pytest.raises(TaskInputError) as caught:
            validate_input(made, {"path": "/x"})
        assert caught.value.errors == {"path": message}


class Away(ValidationError):
    __doc__ = "It is away."


def _refuse(value):
    raise Away(value)


def _repeat(value):
    raise Invalid(f"{value} is away.")


def test_long_values_are_cut():
    errors = errors_of({"path": "/x", "colour": "x" * 1000})
    assert len(errors["colour"]) < 100


def test_an_object_of_the_schema_is_checked_and_comes_back():
    @implementer(ITidy)
    class Tidy:
        path, days, kinds, colour, notes, secret = "/x", 8, (), None, [], None

    given = Tidy()
    assert validate_input(tidy, given) is given
    given.days = 0
    assert errors_of(given) == {"days": "Value is too small (0)"}
    given.days, given.path = 3, "/"
    assert errors_of(given) == {"": "Of the whole site keep at least 7 days."}


def test_something_else_is_refused():
    assert errors_of("/x") == {
        "": "It is a str, and should be a dict with the fields of ITidy, or an object "
        "that provides it."
    }


def test_outputs_are_checked_as_inputs_are():
    assert validate_output(tidy, {"number": 3}) == {"number": 3}
    with pytest.raises(TaskOutputError) as caught:
        validate_output(tidy, None, "tidy")
    assert str(caught.value) == (
        "The output of task 'tidy' cannot be used:\n- number: Required input is missing."
    )
