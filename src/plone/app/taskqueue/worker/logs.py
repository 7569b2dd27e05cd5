"""Logging of a worker's processes, all to one stream."""

import logging
import logging.config
import os
import sys


#: The process comes first: lines of several are mixed.
_FORMAT = "%(asctime)s %(levelname)s [%(process)d] [%(name)s] %(message)s"


def configure_logging(level: str = "INFO", config: str | None = None) -> None:
    """Log to stderr, or as the sections of an ini file say, such as ``zope.ini``.

    Raises whatever is wrong with that file.
    """
    if config is None:
        logging.basicConfig(stream=sys.stderr, level=level, format=_FORMAT)
        return
    here = os.path.dirname(os.path.abspath(config))
    logging.config.fileConfig(
        config,
        defaults={"here": here, "__file__": os.path.abspath(config)},
        disable_existing_loggers=False,
    )
