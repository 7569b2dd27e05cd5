"""The address under which visitors see the site, so that a job's URLs are theirs."""

from urllib.parse import unquote
from urllib.parse import urlsplit


#: Where the job was queued without a request, such as by a script.
DEFAULT_SERVER_URL = "http://localhost"


def capture_address(request) -> tuple | None:
    """Return ``(server URL, virtual root's physical path, path in front of it)``."""
    if request is None:
        return None
    server = urlsplit(request.other.get("SERVER_URL", DEFAULT_SERVER_URL))
    # No user name or password that somebody may have put before the host.
    url = f"{server.scheme}://{server.netloc.rpartition('@')[2]}"
    root = "/".join(request.other.get("VirtualRootPhysicalPath", ("",)))
    front = unquote(request.getVirtualRoot())
    return url, root, front


def environ(server_url: str) -> dict:
    """Return the WSGI environment of a request to that server."""
    server = urlsplit(server_url)
    port = server.port or (443 if server.scheme == "https" else 80)
    return {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "HTTP_HOST": server.netloc,
        "PATH_INFO": "",
        "QUERY_STRING": "",
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "SERVER_NAME": server.hostname or "localhost",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_URL": server_url,
        "wsgi.url_scheme": server.scheme,
    }
