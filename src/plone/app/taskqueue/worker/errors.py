"""How the command ends; the table is in ``docs/reference/command-line.md``."""

from collections.abc import Iterable


#: All is well.
OK = 0
#: What was asked for cannot be done, or something was found wrong.
WRONG = 1
#: The database cannot be opened now.
UNAVAILABLE = 69
#: It was ended at once, and jobs that ran begin again elsewhere; also how a process ends
#: whose job does not answer, see ``dispatcher.watchdog``.
CUT_OFF = 75
#: ``zope.conf`` or a setting cannot be used.
MISCONFIGURED = 78
#: What was waited for did not come in time; as ``timeout`` ends.
TIMED_OUT = 124
#: Ctrl-C, as shells count it.
INTERRUPTED = 130


class CommandError(Exception):
    """Ends the command with one line and a status; ``str()`` of it is the line.

    ``details`` are further lines, one for each thing that is wrong.
    """

    def __init__(self, message: str, status: int = WRONG, details: Iterable[str] = ()):
        super().__init__(one_line(message))
        self.status = status
        self.details = [one_line(each) for each in details]


def one_line(message: object) -> str:
    """Return a message as one line, as whoever reads a log at night wants it."""
    return " ".join(str(message).split())
