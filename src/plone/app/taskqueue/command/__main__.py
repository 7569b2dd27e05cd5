"""``python -m plone.app.taskqueue.command``: what the script ``taskqueue`` does."""

from plone.app.taskqueue.command.main import main

import sys


if __name__ == "__main__":
    sys.exit(main())
