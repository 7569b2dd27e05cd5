"""The site of the demonstration: folders with documents, an editor and a reviewer."""

from AccessControl.SecurityManagement import newSecurityManager
from collections.abc import Callable
from contextlib import contextmanager
from plone.app.taskqueue.demo.jobs import COUNTER
from plone.app.textfield.value import RichTextValue
from Products.CMFPlone.factory import addPloneSite
from typing import Any
from zope.annotation.interfaces import IAnnotations
from zope.component.hooks import setSite

import transaction


SITE_ID = "Plone"
SECTION_ID = "handbook"
EDITOR = "erin"
REVIEWER = "rui"

#: Documents are committed in lots, as a patient editor would.
_LOT = 25


def add_site(app: Any) -> Any:
    """Add a Plone Classic site with this package installed; commits."""
    with acting_as(app, "admin"):
        portal = addPloneSite(
            app,
            SITE_ID,
            title="Background jobs at work",
            distribution_name="classic",
            setup_content=True,
            default_language="en",
            portal_timezone="UTC",
        )
        install(portal)
        transaction.commit()
    return portal


def install(portal: Any) -> None:
    """Install this package in the site."""
    # Not as one of the ``extension_ids`` of ``addPloneSite``: it leaves them out where
    # it is given a distribution.
    portal.portal_setup.runAllImportStepsFromProfile(
        "profile-plone.app.taskqueue:default"
    )


def add_people(portal: Any, passwords: dict[str, str]) -> None:
    """Add the editor and the reviewer, who may do what their names say and no more."""
    with acting_as(portal, "admin"):
        setSite(portal)
        for name, password in passwords.items():
            portal.acl_users.userFolderAddUser(name, password, ["Member"], [])
        portal.invokeFactory("Folder", SECTION_ID, title="Handbook")
        section = portal[SECTION_ID]
        section.manage_setLocalRoles(EDITOR, ["Contributor", "Editor"])
        section.manage_setLocalRoles(REVIEWER, ["Reviewer"])
        section.reindexObjectSecurity()
        IAnnotations(section)[COUNTER] = 0
        portal.portal_workflow.doActionFor(section, "publish")
        portal.text = RichTextValue(
            "<p>Jobs have revised, submitted and published the pages of the "
            f'<a href="{SECTION_ID}">handbook</a>, as the users who queued them.</p>',
            "text/html",
            "text/x-html-safe",
        )
        transaction.commit()


def add_documents(
    portal: Any, folders: int, each: int, progress: Callable[[], None]
) -> list[tuple[str, str]]:
    """Let the editor write documents; return (folder, document) ids; commits."""
    names = []
    with acting_as(portal, EDITOR):
        setSite(portal)
        section = portal[SECTION_ID]
        for number in range(1, folders + 1):
            folder_id = section.invokeFactory(
                "Folder", f"chapter-{number}", title=f"Chapter {number}"
            )
            for page in range(1, each + 1):
                page_id = section[folder_id].invokeFactory(
                    "Document", f"page-{page}", title=f"Page {number}.{page}"
                )
                names.append((folder_id, page_id))
                if not len(names) % _LOT:
                    transaction.commit()
                progress()
        transaction.commit()
    with acting_as(portal, "admin"):
        setSite(portal)
        for folder in portal[SECTION_ID].objectValues():
            portal.portal_workflow.doActionFor(folder, "publish")
        transaction.commit()
    return names


@contextmanager
def acting_as(context: Any, name: str):
    """Be that user of the context's site, or of the application, for a while."""
    root = context.getPhysicalRoot()
    for folder in (context.acl_users, root.acl_users):
        user = folder.getUser(name)
        if user is not None:
            newSecurityManager(None, user.__of__(folder))
            break
    else:
        raise LookupError(f"There is no user {name}.")
    try:
        yield
    finally:
        newSecurityManager(None, root.acl_users.getUser("admin"))
        setSite(None)
