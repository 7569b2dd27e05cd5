"""The steps that GenericSetup calls."""

from plone.app.taskqueue.exportimport.applying import apply
from plone.app.taskqueue.exportimport.reading import read
from plone.app.taskqueue.exportimport.writing import write
from plone.app.taskqueue.service.moving import services_of
from typing import Any


#: The file of a profile.
FILE = "taskservices.xml"


def import_services(context: Any) -> None:
    """Make the services of the site be as the file of the profile says.

    ``ProfileError`` names the file, the service and what is wrong; then nothing was
    changed.  ``Unauthorized``: see ``service.rights``.
    """
    body = context.readDataFile(FILE)
    if body is None:
        return
    site = context.getSite()
    wanted = read(body, FILE, site)
    wanted.purge = wanted.purge or context.shouldPurge()
    apply(wanted, site, context.getLogger("taskservices"))


def export_services(context: Any) -> None:
    """Write the services of the site, if there are any."""
    site = context.getSite()
    services = services_of(site)
    if services:
        body = write(services, site, context.getLogger("taskservices"))
        context.writeDataFile(FILE, body, "text/xml")
