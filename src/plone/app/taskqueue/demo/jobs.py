"""The jobs of the demonstration: what an integrator would write."""

from Products.CMFCore.utils import getToolByName
from typing import Any
from zope.annotation.interfaces import IAnnotations

import transaction


#: Annotation that both sides of the conflict write.
COUNTER = "plone.app.taskqueue.demo"
#: How often the rival comes first.
RIVALRIES = 2


def revise(page: Any, text: str) -> None:
    """Give a page its description and text."""
    page.description = text
    page.reindexObject(idxs=["Description", "SearchableText"])


def submit(page: Any) -> None:
    """Ask for review."""
    getToolByName(page, "portal_workflow").doActionFor(page, "submit")


def publish(page: Any) -> str:
    """Publish, and say what state the page is in."""
    workflow = getToolByName(page, "portal_workflow")
    workflow.doActionFor(page, "publish")
    return workflow.getInfoFor(page, "review_state")


def reindex(page: Any) -> None:
    """Index a page afresh."""
    page.reindexObject()


def found_a_site_wide_page(portal: Any) -> None:
    """Do what an editor of one section may not."""
    portal.invokeFactory("Document", "not-allowed", title="Not allowed")


def count_against_a_rival(section: Any) -> int:
    """Add one to a number that somebody else changes at the same moment.

    The rival commits after this job has read the number and before it commits, the
    first ``RIVALRIES`` times, so that the job must be run again and finds the rival's
    work the next time.
    """
    number = IAnnotations(section)[COUNTER]
    if number < RIVALRIES:
        manager = transaction.TransactionManager()
        connection = section._p_jar.db().open(manager)
        try:
            rival = connection.get(section._p_oid)
            IAnnotations(rival)[COUNTER] = number + 1
            manager.commit()
        finally:
            connection.close()
    IAnnotations(section)[COUNTER] = number + 1
    return number + 1
