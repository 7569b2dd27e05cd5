"""Connections to a database server that do not outlive the way to it.

If a machine vanishes, or a firewall forgets a connection, nobody tells the other end.
Who waits for an answer then waits for a quarter of an hour, or two, or for ever: that is
how systems are set by default.
"""

import contextlib
import logging
import os
import socket


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Seconds without a word from the other end after which a connection is given up, and
#: after how many of them the system begins to ask.
PATIENCE = 30
_QUIET = 10
#: How often it asks.
_ASKS = 4


def keep_watch(connection: socket.socket) -> None:
    """Let the system end a connection whose other end is silent for ``PATIENCE`` seconds.

    Silent is an end whose machine does not even acknowledge.  A server that is busy for
    longer stays connected, unless it was sent more than its machine keeps for it.
    Sockets of one machine, and systems that cannot, are left as they are.
    """
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    quiet = min(_QUIET, PATIENCE)
    wanted = {
        "TCP_KEEPIDLE": quiet,
        "TCP_KEEPINTVL": max(1, (PATIENCE - quiet) // _ASKS),
        "TCP_KEEPCNT": _ASKS,
        # In milliseconds: how long what is sent may go without an answer.
        "TCP_USER_TIMEOUT": PATIENCE * 1000,
    }
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in wanted.items():
            # Not every system has all of them.
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except OSError as error:
        logger.debug("A connection is not watched: %r", error)


def keep_watch_over(descriptor: int) -> None:
    """The same for a connection that another library has; it stays the library's."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as own:
        keep_watch(own)
