"""Times as people of the site read them."""

from DateTime import DateTime
from datetime import datetime
from datetime import UTC
from plone.base.i18nl10n import ulocalized_time
from plone.registry.interfaces import IRegistry
from typing import Any
from zoneinfo import ZoneInfo
from zoneinfo import ZoneInfoNotFoundError
from zope.component import queryUtility


def zone_of_site() -> Any:
    """Return the time zone that is set for the site; UTC if none is."""
    registry = queryUtility(IRegistry)
    name = "UTC" if registry is None else registry.get("plone.portal_timezone")
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        return UTC


def local_time(moment: datetime, context: Any, request: Any) -> str:
    """Return a time in the site's zone and in the format of the reader's language."""
    local = moment.astimezone(zone_of_site())
    return ulocalized_time(
        DateTime(local.isoformat()),
        long_format=True,
        context=context,
        request=request,
        domain="plonelocales",
    )


def clock_time(moment: datetime, seconds: bool = False) -> str:
    """Return the time of the day in the site's zone."""
    local = moment.astimezone(zone_of_site())
    return local.strftime("%H:%M:%S" if seconds else "%H:%M")
