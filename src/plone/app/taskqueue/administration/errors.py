"""What cannot be done to a job, in a sentence for whoever asked for it."""

from collections.abc import Mapping
from typing import Any


class ActionError(ValueError):
    """It cannot be done now, and nothing was changed.

    Its only argument is the sentence, which can be translated.
    """


class InputError(ActionError):
    """Some of what was given cannot be used, and nothing was changed.

    ``errors`` are sentences by the name of the field; what is wrong with the whole has
    the name ``""``.
    """

    def __init__(self, message: Any, errors: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.errors = dict(errors)
