"""How Sphinx builds the documentation."""

from pathlib import Path

import re


def read_version() -> str:
    """Return the version in setup.py, so that it is written in one place."""
    setup = Path(__file__).parent.parent / "setup.py"
    return re.search(r'version="([^"]+)"', setup.read_text(encoding="utf-8")).group(1)


project = "plone.app.taskqueue"
author = "Plone Community"
copyright = author
release = version = read_version()
language = "en"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"plone.app.taskqueue {release}"
