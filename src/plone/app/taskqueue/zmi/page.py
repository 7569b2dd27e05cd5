"""What the pages of the management interface about jobs have in common."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from datetime import datetime
from datetime import UTC
from functools import cached_property
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.schedule.zones import zone_of
from plone.app.taskqueue.zmi.form import Form
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import queryUtility


#: The record of Plone's registry that names the site's time zone.
_ZONE = "plone.portal_timezone"


class Page(Form):
    """A page about the jobs of a site, or of all sites at the root of Zope.

    What it shows and does goes through ``IAdministration``, which asks for permissions.
    """

    #: The label of the tab that it belongs to.
    tab = ""

    @cached_property
    def admin(self) -> IAdministration:
        """The administration of the site, or of the root, that the object is in."""
        place = aq_inner(self.context)
        while place is not None:
            found = IAdministration(place, None)
            if found is not None:
                return found
            place = aq_parent(place)
        raise LookupError("There is neither a site nor the root of Zope around it.")

    def may(self, permission: str) -> bool:
        """Say whether whoever is logged in has a permission where the jobs are."""
        return self.admin.access.may(permission)

    def header(self) -> str:
        """Return the head of the page."""
        return self.context.manage_page_header()

    def tabs(self) -> str:
        """Return the tabs of the object, as all its pages have them."""
        return self.context.manage_tabs(
            self.context, self.request, management_view=self.tab
        )

    # Times

    @cached_property
    def zone(self) -> Any:
        """The time zone of the site; UTC at the root."""
        registry = queryUtility(IRegistry)
        name = None if registry is None else registry.get(_ZONE)
        try:
            return zone_of(name) if name else UTC
        except ValueError:
            return UTC

    def zone_name(self) -> str:
        """Return what that time zone is called."""
        return str(self.zone)

    def when(self, moment: datetime | None) -> str:
        """Return a time to read, in that time zone; empty if there is none."""
        if moment is None:
            return ""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    # What was sent

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number that was sent, from 0 to ``most``."""
        text = self.text(name)
        # No more digits than an honest number has: it may come from anywhere.
        if not (text.isascii() and text.isdigit() and len(text) < 11):
            return default
        return min(int(text), most)

    def selected(self, name: str = "ids") -> list[str]:
        """Return what was ticked, each once."""
        value = self.request.form.get(name, [])
        values = value if isinstance(value, list) else [value]
        return list(dict.fromkeys(each for each in values if isinstance(each, str)))
