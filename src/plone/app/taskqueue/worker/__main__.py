"""``python -m plone.app.taskqueue.worker``: what the script ``taskqueue`` does."""

from plone.app.taskqueue.worker.command import main

import sys


if __name__ == "__main__":
    sys.exit(main())
