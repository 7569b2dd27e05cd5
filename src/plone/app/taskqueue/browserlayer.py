"""The marker on requests to a site where the add-on is installed."""

from zope.publisher.interfaces.browser import IDefaultBrowserLayer


class ITaskQueueLayer(IDefaultBrowserLayer):
    """Views registered for this layer exist only where the add-on is installed."""
