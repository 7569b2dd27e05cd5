"""What is asked of a task service over XML-RPC goes to views of this layer."""

from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.xmlrpc.view import XmlrpcView
from typing import Any
from zope.component import adapter
from zope.component import queryMultiAdapter
from zope.interface import alsoProvides
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces.browser import IBrowserRequest
from ZPublisher.BaseRequest import DefaultPublishTraverse
from ZPublisher.xmlrpc import is_xmlrpc_response


class IXmlrpcRequest(IBrowserRequest):
    """A request of a task service that came over XML-RPC."""


@adapter(ITaskService, IBrowserRequest)
@implementer(IPublishTraverse)
class XmlrpcTraverse(DefaultPublishTraverse):
    """Finds the view of an XML-RPC method before the service's method of that name.

    Of no other request, nor of a name that is no method, does anything change.
    """

    def publishTraverse(self, request: Any, name: str) -> Any:
        """Return what the next name of the address stands for."""
        if is_xmlrpc_response(request.response):
            alsoProvides(request, IXmlrpcRequest)
            view = queryMultiAdapter((self.context, request), name=name)
            if isinstance(view, XmlrpcView):
                # The view looks at their number itself: what the publisher says of a
                # wrong one is no fault, but a page of HTML.
                view.arguments, request.args = request.args, ()
                return view
        return super().publishTraverse(request, name)
