"""What a job is looked for by, beside its state: its site, its user, its context."""

from typing import NamedTuple


#: Stands for the site of a job's service, and for the user whom that has now.  As a
#: path it is where paths within the site begin.
HERE = "."


class Facets(NamedTuple):
    """Where, as whom and on what a job works, as far as its surroundings tell."""

    #: Path of the site, such as ``"/Plone"``; ``""``: in none.
    site: str = ""
    #: Path of the user folder and id of the user; ``None``: nobody, or Anonymous.
    owner: tuple[str, str] | None = None
    #: UUID of the context; ``""``: it has none.
    context: str = ""
    #: Path of the context from the root when the job was queued; ``""``: no context.
    path: str = ""
