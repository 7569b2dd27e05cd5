"""What a client is told when its request cannot be answered: the status, why, and where.

The body has the members of RFC 9457 that programs look at, and ``message``, which the
errors of plone.restapi have.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from typing import NamedTuple
from zope.i18n import translate


#: The media type of these bodies.
MEDIA_TYPE = "application/problem+json"

#: What plone.restapi calls them.
_TYPES = {
    HTTPStatus.BAD_REQUEST: "BadRequest",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "UnsupportedMediaType",
}


class FieldError(NamedTuple):
    """What is wrong with one part of a request."""

    #: Name of the parameter, or the way to it in the body, such as ``input.subject``.
    field: str
    #: A sentence, which can be translated.
    message: Any


class ProblemError(Exception):
    """The request is refused; nothing that it has changed is kept."""

    def __init__(
        self, status: HTTPStatus, message: Any, errors: Sequence[FieldError] = ()
    ) -> None:
        """``message`` can be translated; without one, the errors are the message."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    def body(self, request: Any) -> dict[str, Any]:
        """Return it as JSON knows it, in the language of the request."""
        errors = [
            {"field": each.field, "message": translate(each.message, context=request)}
            for each in self.errors
        ]
        message = translate(self.message, context=request) or " ".join(
            f"{each['field']}: {each['message']}" for each in errors
        )
        found: dict[str, Any] = {
            "type": _TYPES[self.status],
            "title": self.status.phrase,
            "status": self.status.value,
            "message": message,
        }
        if errors:
            found["errors"] = errors
        return found


def refuse_fields(errors: Sequence[FieldError]) -> None:
    """Raise a ``ProblemError`` that names the fields, if there are any."""
    if errors:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "", errors)


def not_found(message: str) -> ProblemError:
    """Return what is raised for something that is not there, or not to be seen."""
    return ProblemError(HTTPStatus.NOT_FOUND, message)
