"""Pages of the control panel with a form of z3c.form in their frame."""

from collections.abc import Mapping
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from plone.z3cform import z2
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from z3c.form import form
from z3c.form.group import GroupForm
from z3c.form.interfaces import IErrorViewSnippet
from z3c.form.interfaces import IFormLayer
from zExceptions import Unauthorized
from zope.component import getMultiAdapter
from zope.i18n import translate
from zope.interface import Invalid

import functools


class TrustedForm:
    """Mixed into a form: its buttons do nothing but in its page's own form."""

    page: "FormPage"
    #: Where to go after something was done; ``None``: the form is shown.
    next_url: str | None = None
    enable_form_tabbing = False
    enable_unload_protection = False
    enable_autofocus = False

    def updateActions(self) -> None:
        super().updateActions()
        if not self.page.is_trusted:
            # Whoever has sent a form of somebody else's page only sees it.
            self.actions.execute = lambda: None

    @property
    def action(self) -> str:
        return self.page.form_url()


class PanelForm(TrustedForm, GroupForm, form.Form):
    """A form in a page, which is its ``page``; groups are shown one below the other."""

    ignoreContext = True
    default_fieldset_label = ""

    def __init__(self, page: "FormPage") -> None:
        super().__init__(page.context, page.request)
        self.page = page
        self.admin = page.admin

    def updateActions(self) -> None:
        super().updateActions()
        for number, each in enumerate(self.actions.values()):
            each.addClass("btn btn-primary" if number == 0 else "btn btn-secondary")

    def widget_of(self, prefix: str, name: str) -> Any:
        """Return the widget of a field and what it is in; ``None``: there is none."""
        for part in (self, *self.groups):
            if part.widgets and (found := part.widgets.get(f"{prefix}.{name}")):
                return found, part
        return None

    def show_errors(self, prefixes: Any, errors: Mapping[str, Any]) -> None:
        """Show what is wrong beside the fields; what is none of them above the form."""
        rest = []
        for name, text in errors.items():
            places = (self.widget_of(prefix, name) for prefix in prefixes)
            place = next((each for each in places if each is not None), None)
            words = translate(text, context=self.request)
            if place is None:
                rest.append(f"{name}: {words}" if name else words)
            else:
                self._show_error(*place, words)
        self.status = self.formErrorsMessage
        self.page.problems = rest

    def _show_error(self, widget: Any, part: Any, text: str) -> None:
        error = getMultiAdapter(
            (Invalid(text), self.request, widget, widget.field, part, self.context),
            IErrorViewSnippet,
        )
        error.update()
        widget.error = error
        part.widgets.errors += (error,)


class FormPage(ControlPanelView):
    """Shows ``form_class`` below what ``template`` has; the form does the rest."""

    template = ViewPageTemplateFile("form.pt")
    form_class: type[PanelForm]
    heading: Any = ""
    #: True while the form that was sent is one of ours.
    is_trusted = False
    #: What is wrong with the whole of it, in sentences.
    problems: list[str] = []

    @functools.cached_property
    def form(self) -> PanelForm:
        return self.form_class(self)

    def form_url(self) -> str:
        """Return the address that the form is sent to."""
        return self.url(self.__name__)

    def _press(self) -> Any:
        self.is_trusted = True
        return self.show()

    def show(self) -> Any:
        z2.switch_on(self, request_layer=IFormLayer)
        try:
            self.form.update()
        except Unauthorized as error:
            # A page says so instead of asking them to log in once more.
            self.problems = [str(error)]
            self.request.response.setStatus(403)
        if self.form.next_url is not None:
            self.request.response.redirect(self.form.next_url)
            return ""
        return self.template()

    def notice(self) -> Any:
        """Return what is told above the form, or nothing."""
        return None
