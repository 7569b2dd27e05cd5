"""The record of a job's surroundings, as it is pickled into every job."""

from typing import NamedTuple


class Surroundings(NamedTuple):
    """What ``capture`` wrote down.  Plain values only, and nothing secret.

    Stored as a plain tuple without the defaults at its end, so that a usual one takes
    few bytes and a later version may add fields after the last.
    """

    #: Path of the Plone site; ``""`` where the context belongs to none.
    portal: str
    #: ``(path, uuid, oid)``; a path beneath the site's is relative to it.  ``()`` is
    #: none: the job is given no object.
    context: tuple
    #: ``None`` is Anonymous; an id is one of the site's own user folder; a tuple is
    #: ``(path of the user folder, id)``.
    user: str | tuple | None = None
    #: ``(server URL, physical path of the virtual root, path in front of it)``.
    address: tuple | None = None
    #: Language code; ``None`` is the site's default language.
    language: str | None = None
    #: Name of the skin; ``None`` is the site's default skin.
    skin: str | None = None
    #: Dotted names of the request's layers which the site would not have set anyway.
    layers: tuple = ()

    def pack(self) -> tuple:
        """Return a plain tuple without the defaults at its end."""
        values = tuple(self)
        defaults = self._field_defaults
        end = len(values)
        while end and self._fields[end - 1] in defaults:
            if values[end - 1] != defaults[self._fields[end - 1]]:
                break
            end -= 1
        return values[:end]

    @classmethod
    def unpack(cls, packed: tuple) -> "Surroundings":
        """Return the record again; fields of a later version are left out."""
        return cls(*packed[: len(cls._fields)])

    def context_path(self) -> str:
        """Return the context's absolute path; ``""`` for the application.

        Without a context, the site's.
        """
        if not self.context:
            return self.portal
        path = self.context[0]
        if not path.startswith("/"):
            path = f"{self.portal}/{path}"
        return path.rstrip("/")

    def user_reference(self) -> tuple[str, str] | None:
        """Return the path of the user folder and the id; ``None`` for Anonymous."""
        if isinstance(self.user, str):
            return f"{self.portal}/acl_users", self.user
        return self.user
