"""The filter of the list of jobs, as the address of the page has it."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import GROUPS
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.browser.times import zone_of_site
from typing import Any


#: Parameters of the address that are texts, each an attribute of ``JobFilter``.
TEXTS = ("queue", "function", "user", "context", "error", "text")
#: All parameters that say which jobs are meant.
PARAMETERS = ("state", *TEXTS, "since", "until", "order")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_OLDEST_FIRST = "oldest"


class Filter:
    """What was asked for; ``wanted`` is ``None`` where that means nothing.

    A time that cannot be read must not be left out: then more jobs would be meant, and
    changed, than anybody wanted.
    """

    def __init__(self, form: dict[str, Any]) -> None:
        #: The values as they were given, for fields and links; no empty ones.
        self.query: dict[str, str] = {}
        for name in PARAMETERS:
            value = form.get(name)
            if isinstance(value, str) and value.strip():
                # Bytes that are no UTF-8 could not be written down again.
                self.query[name] = value.strip().encode(errors="replace").decode()
        #: By parameter what is wrong with it.
        self.errors: dict[str, Any] = {}
        self.wanted = self._read()

    def _read(self) -> JobFilter | None:
        group = self.query.get("state", "")
        if group and group not in GROUPS:
            self.errors["state"] = _(
                "error_state",
                default="There is no state ${state}.",
                mapping={"state": group},
            )
        since = self._time("since")
        until = self._time("until", whole_day=True)
        if self.errors:
            return None
        return JobFilter(
            group=group,
            since=since,
            until=until,
            newest_first=not self.is_oldest_first,
            **{name: self.query.get(name, "") for name in TEXTS},
        )

    def _time(self, name: str, whole_day: bool = False) -> datetime | None:
        value = self.query.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.errors[name] = _(
                "error_time",
                default="This is not a date and time, such as 2026-01-31 12:00.",
            )
            return None
        if whole_day and len(value) == len("2026-01-31"):
            moment += timedelta(days=1, microseconds=-1)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone_of_site())
        # There are no jobs of before, and no keys for them.
        return min(max(moment, _EPOCH), _LATEST)

    @property
    def group(self) -> str:
        return self.query.get("state", "")

    @property
    def is_oldest_first(self) -> bool:
        return self.query.get("order") == _OLDEST_FIRST

    @property
    def is_narrow(self) -> bool:
        """True if there is more in it than a state and an order."""
        return any(name not in ("state", "order") for name in self.query)

    def with_(self, **changes: str) -> dict[str, str]:
        """Return the parameters of a link to the same with changes."""
        return self.query | changes
