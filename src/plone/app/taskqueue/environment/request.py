"""The request of a job: its own, new for each job, as caches live on requests."""

from Acquisition import aq_parent
from io import BytesIO
from plone.app.taskqueue.environment.address import DEFAULT_SERVER_URL
from plone.app.taskqueue.environment.address import environ
from urllib.parse import quote
from zope.globalrequest import getRequest
from zope.publisher.interfaces.browser import IBrowserRequest
from ZPublisher.BaseRequest import RequestContainer
from ZPublisher.HTTPRequest import HTTPRequest
from ZPublisher.HTTPResponse import HTTPResponse


def current_request(context):
    """Return the request that the caller works in, or ``None``."""
    request = getRequest()
    if request is None:
        request = getattr(context, "REQUEST", None)
    return request if IBrowserRequest.providedBy(request) else None


def build_request(application, address: tuple | None):
    """Return a new request for ``application`` (unwrapped) and that, wrapped in it."""
    server_url, virtual_root, front = address or (DEFAULT_SERVER_URL, "", "")
    # The environment is made here: ``clean`` saves scrubbing it.
    request = HTTPRequest(
        BytesIO(), environ(server_url), HTTPResponse(stdout=BytesIO()), clean=1
    )
    # What VirtualHostMonster and setVirtualRoot leave behind.
    if virtual_root:
        request.other["VirtualRootPhysicalPath"] = tuple(virtual_root.split("/"))
    request._script[:] = [quote(name) for name in front.split("/") if name]
    wrapped = application.__of__(RequestContainer(REQUEST=request))
    request.other["PARENTS"] = [wrapped]
    return request, wrapped


def point_at(request, context) -> None:
    """Let the request look as if ``context`` had been asked for."""
    path = context.getPhysicalPath()
    parents = [context]
    while len(parents) < len(path):
        parent = aq_parent(parents[-1])
        if parent is None or parent is request:
            break
        parents.append(parent)
    request.other["PARENTS"] = parents
    request._steps[:] = [
        quote(name) for name in request.physicalPathToVirtualPath(path) if name
    ]
    request._resetURLS()
    request.other["ACTUAL_URL"] = request.other["URL"]
