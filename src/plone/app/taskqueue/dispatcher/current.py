"""The run that is in progress in each thread."""

from typing import Any

import threading


class _Current(threading.local):
    #: The innermost ``dispatcher.run.Run`` of this thread; ``None`` outside of jobs.
    run: Any = None


current = _Current()
