"""The style sheet of our pages, which Zope's head of the page then names."""

from typing import Any
from zmi.styles.subscriber import prepend_authentication_path


_PATH = "/++resource++taskqueue-zmi.css"


def css_paths(place: Any) -> tuple[str, ...]:
    """Return where it is, for whoever looks at a place of ours."""
    return (prepend_authentication_path(place, _PATH),)
