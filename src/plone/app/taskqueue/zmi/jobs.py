"""The list of jobs: of one service, or of all sites."""

from datetime import datetime
from functools import cached_property
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import GROUPS
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.administration.access import CHANGE_JOBS
from plone.app.taskqueue.administration.access import DELETE_JOBS
from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.administration.listing import MOST
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.zmi import doing
from plone.app.taskqueue.zmi.ordering import find_page
from plone.app.taskqueue.zmi.ordering import is_exact
from plone.app.taskqueue.zmi.ordering import Order
from plone.app.taskqueue.zmi.ordering import TIME
from plone.app.taskqueue.zmi.page import Page
from plone.app.taskqueue.zmi.words import GROUP_WORDS
from plone.app.taskqueue.zmi.words import Word
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from urllib.parse import urlencode


#: Columns of times, whose links lead to the newest first.
_NEWEST_FIRST = (TIME, "created", "started")
#: Jobs on a page, and what else can be chosen.
SIZE = 20
SIZES = (10, 20, 50, 100)
#: The groups of jobs that have ended, and can be removed.
ENDED = ("completed", "failed", "cancelled")


class Jobs(Page):
    """What both lists have in common.  Looking changes nothing; POST does."""

    confirmation = ViewPageTemplateFile("confirm.pt")
    #: The name of the page of one job.
    job_page = ""
    tab = "Jobs"
    #: The service whose jobs they are; ``None``: those of all.
    service: Any = None
    #: The fields by which jobs are looked for, beside the group.
    fields: tuple[str, ...] = ()

    def __call__(self) -> str:
        if self.is_posted():
            for group in ("open", *ENDED):
                if f"all_{group}" in self.request.form:
                    return self._ask(group)
            self._do()
        return self.template()

    # What is looked for

    @cached_property
    def wanted(self) -> JobFilter:
        """What jobs are looked for; what makes no sense is left out, with a word."""
        group = self.text("group")
        given: dict[str, Any] = {name: self.text(name) for name in self.fields}
        for name in ("since", "until"):
            given[name] = self._moment(given[name]) if given.get(name) else None
        return self._filter(group=group if group in GROUPS else "", **given)

    def _filter(self, **given: Any) -> JobFilter:
        return JobFilter(**given)

    def _moment(self, text: str) -> datetime | None:
        try:
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else found.replace(tzinfo=self.zone)
        except ValueError:
            self.tell(
                _(
                    "zmi_no_time",
                    default="${text} is no time: write it as 2030-12-31 23:59.",
                    mapping={"text": text},
                ),
                "danger",
            )
            return None

    @cached_property
    def order(self) -> Order:
        """The order that was asked for, or else the newest first."""
        try:
            return Order(self.text("sort") or TIME, self.text("reverse") != "0")
        except ValueError:
            return Order()

    @cached_property
    def size(self) -> int:
        found = self.number("size", SIZE, max(SIZES))
        return found if found in SIZES else SIZE

    @cached_property
    def page(self) -> JobPage:
        """The page of the list that is shown."""
        start = self.number("start", 0, MOST)
        return find_page(
            self.admin, self.service, self.wanted, self.order, start, self.size
        )

    # The list

    def groups(self) -> list[dict[str, Any]]:
        """Return the tabs of the list: all, and each group with its number of jobs."""
        counts = self.admin.counts(self.wanted)
        found = [self._group("", _("zmi_all", default="All"), "fa-list", None)]
        for group, (count, more) in counts.items():
            word = GROUP_WORDS[group]
            shown = f"{count}+" if more else str(count)
            found.append(self._group(group, word.text, word.icon, shown))
        return found

    def _group(
        self, group: str, text: Any, icon: str, count: str | None
    ) -> dict[str, Any]:
        return {
            "name": group,
            "text": text,
            "icon": icon,
            "count": count,
            "active": group == self.wanted.group,
            "url": self.link(group=group, start=None),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return what is shown of each job of the page."""
        return [self._row(job) for job in self.page.jobs]

    def _row(self, job: IAsyncJob) -> dict[str, Any]:
        summary = self.admin.summary(job)
        return {
            **summary,
            "word": self.word(job, summary),
            "url": self.job_url(summary["id"]),
            "detail": self._detail(job, summary),
        }

    def word(self, job: IAsyncJob, summary: dict[str, Any]) -> Word:
        """Return what the state of a job is called."""
        return GROUP_WORDS[summary["group"]]

    def _detail(self, job: IAsyncJob, summary: dict[str, Any]) -> Any:
        """Return a line about a job beside its state; it is shown as text."""
        progress = summary["progress"]
        if summary["error_type"]:
            name = summary["error_type"].rpartition(".")[2]
            return f"{name}: {summary['error']}" if summary["error"] else name
        if summary["cancel_requested"] and summary["group"] not in ENDED:
            return _("zmi_cancelling", default="Its worker was told to cancel it.")
        if summary["due"] is not None:
            return _(
                "zmi_scheduled_for",
                default="Scheduled for ${time}",
                mapping={"time": self.when(summary["due"])},
            )
        if progress is not None and progress["percent"] is not None:
            return f"{progress['percent']} % {progress['message'] or ''}"
        return ""

    def job_url(self, reference: str) -> str:
        """Return the address of a job's page."""
        return f"{self.context.absolute_url()}/{self.job_page}?id={reference}"

    # Links

    def _parameters(self) -> dict[str, str]:
        names = ("group", *self.fields, "sort", "reverse", "size", "start")
        return {name: value for name in names if (value := self.text(name))}

    def link(self, **changed: Any) -> str:
        """Return the address of the list with other parameters; ``None`` is without."""
        parameters = {**self._parameters(), **changed}
        return f"{self.request.URL}?" + urlencode(
            {name: value for name, value in parameters.items() if value}
        )

    def hidden(self, *without: str) -> list[tuple[str, str]]:
        """Return the parameters that a form is to keep."""
        return [
            (name, value)
            for name, value in self._parameters().items()
            if name not in without
        ]

    def sorting(self, name: str) -> dict[str, Any]:
        """Return how the link of a column looks: as ZMI's own, and where it leads."""
        current = self.order.name == name
        down = not self.order.descending if current else name in _NEWEST_FIRST
        return {
            "url": self.link(sort=name, reverse="1" if down else "0", start=None),
            "css": "zmi-sort_key" if current else None,
            "icon": "fa-sort"
            if not current
            else ("fa-sort-down" if self.order.descending else "fa-sort-up"),
            "aria": None
            if not current
            else ("descending" if self.order.descending else "ascending"),
        }

    def batch(self) -> dict[str, Any]:
        """Return where in the list the page is, and the addresses before and after."""
        page = self.page
        last = min(page.start + self.size, page.total)
        before = max(0, page.start - self.size)
        return {
            "first": min(page.start + 1, page.total),
            "last": last,
            "total": page.total,
            "more": page.more,
            "previous": self.link(start=str(before)) if page.start else None,
            "next": self.link(start=str(last)) if last < page.total else None,
            "sorted_part": page.more
            and not is_exact(self.service, self.wanted, self.order),
        }

    def sizes(self) -> tuple[int, ...]:
        """Return how many jobs a page can have."""
        return SIZES

    def all_ticked(self) -> bool:
        """Say whether all jobs of the page are to be ticked, without any script."""
        return self.text("tick") == "all"

    # Doing

    def may_change(self) -> bool:
        return self.may(CHANGE_JOBS)

    def may_delete(self) -> bool:
        return self.may(DELETE_JOBS)

    def _do(self) -> None:
        action = self.text("do")
        if action not in doing.ACTIONS:
            return
        chosen = self.selected()
        group = self.text("all")
        if group:
            chosen = self._all_of(group)[0]
        if not chosen:
            self.tell(
                _("zmi_nothing_chosen", default="No jobs were selected."), "warning"
            )
            return
        self.tell(*doing.do_all(self.admin, action, chosen, self.request))
        # What was counted before is not so any more.
        vars(self).pop("page", None)

    def _all_of(self, group: str) -> tuple[list[str], bool]:
        """Return the jobs of a group, as far as lists go, and whether there are more."""
        groups = [name for name in GROUPS if name not in ENDED]
        if group != "open":
            groups = [group] if group in ENDED else []
        found: list[str] = []
        more = False
        for name in groups:
            references, beyond = self.admin.matching(self._everything(name))
            found += references
            more = more or beyond
        return found[:MOST], more or len(found) > MOST

    def _everything(self, group: str) -> JobFilter:
        """Return what finds all jobs of a group, whatever is looked for."""
        return self._filter(group=group)

    def _ask(self, group: str) -> str:
        """Ask before something is done to all jobs of a group."""
        references, more = self._all_of(group)
        count = len(references)
        if not count:
            self.tell(_("zmi_none_there", default="There are no such jobs."), "warning")
            return self.template()
        mapping = {"count": count}
        if group == "open":
            question = _(
                "zmi_ask_cancel",
                default="Cancel all jobs that have not ended, cron jobs among them? They "
                "are ${count}.",
                mapping=mapping,
            )
        else:
            question = _(
                "zmi_ask_delete",
                default="Remove all jobs with the state ${state}, with what is known of "
                "them? They are ${count}.",
                mapping={**mapping, "state": GROUP_WORDS[group].text},
            )
        return self.confirmation(
            question=question,
            action="cancel" if group == "open" else "delete",
            group=group,
            most=count if more else None,
        )
