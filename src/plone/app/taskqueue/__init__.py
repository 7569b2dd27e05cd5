"""Background jobs for Plone, kept in the ZODB and run as the user who queued them."""

from zope.i18nmessageid import MessageFactory


_ = MessageFactory("plone.app.taskqueue")
