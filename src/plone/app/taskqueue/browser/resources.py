"""The addresses of the script and the style sheet, which change when they change."""

from hashlib import sha256
from importlib.resources import files


_FOLDER = "++plone++plone.app.taskqueue"
_STATIC = files("plone.app.taskqueue.browser") / "static"


def _version(name: str) -> str:
    return sha256((_STATIC / name).read_bytes()).hexdigest()[:8]


_VERSIONS = {name: _version(name) for name in ("taskqueue.css", "taskqueue.js")}


def resource_url(site_url: str, name: str) -> str:
    """Return the address of a file of ours.  ``KeyError``: there is no such file."""
    return f"{site_url}/{_FOLDER}/{name}?v={_VERSIONS[name]}"
