"""``bin/instance worker`` and ``bin/instance taskqueue``, where buildout made it.

Entry points of ``plone.recipe.zope2instance.ctl``: each becomes a method of the program's
``zdaemon`` command, which calls it with what was written behind its name.
"""

from typing import Any

import os
import shlex
import sys


def worker(self: Any, arguments: str) -> None:
    """Run jobs until told to stop; see worker --help."""
    _become(self, ["worker", *_split(self, arguments)])


def taskqueue(self: Any, arguments: str) -> None:
    """Look after the background jobs; see taskqueue --help."""
    _become(self, _split(self, arguments))


def _split(command: Any, arguments: str) -> list[str]:
    # What was written in one word is one, where the program was called with words.
    words = list(command.options.args)
    return words[1:] if len(words) > 1 else shlex.split(arguments)


def _become(command: Any, arguments: list[str]) -> None:
    """Let the command take the place of this process, as supervisors want it."""
    environ = command.environment() if hasattr(command, "environment") else os.environ
    environ = {
        **environ,
        "ZOPE_CONFIG": os.path.abspath(command.options.configfile),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    program = [sys.executable, "-P", "-m", __package__, *arguments]
    sys.stdout.flush()
    os.execve(program[0], program, environ)
