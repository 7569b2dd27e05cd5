"""A web server of ``runwsgi``, as a test configures it."""

from pathlib import Path

import sys


RUNWSGI = Path(sys.executable).parent / "runwsgi"

#: Listens on a free port of its own and logs all to stderr.
ZOPE_INI = """
[app:main]
use = egg:Zope#main
zope_conf = {here}/zope.conf

[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = 0

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = INFO
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic

[formatter_generic]
format = %(levelname)s [%(name)s] %(message)s
"""
