"""One mail about the failures of a site, now and then, for those who have asked for it.

A job that fails only lets a *mail job* be queued, in the transaction of its own outcome,
and only if its process knows of none that is still to come: what is known is in the
memory of the process, so that jobs never meet over it.  The mail job itself looks up
what has failed since the last mail of the site, whichever worker ran it.  Several
processes may queue one each; those that find a mail of a moment ago wait for the end of
its interval, and those that find nothing that failed since send none.

The mail is sent after the commit that writes down its time, so that of several mail jobs
at a time one sends it.  What is wrong with the mail is a line in the log, and no failed
job; a mail that was lost is not sent again, and what failed is still to be seen.
"""

from AccessControl.SecurityManagement import getSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from AccessControl.SecurityManagement import setSecurityManager
from BTrees.OOBTree import OOBTree
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formataddr
from itertools import islice
from plone.app.taskqueue import _
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration.references import reference_of
from plone.app.taskqueue.administration.settings import redaction
from plone.app.taskqueue.administration.settings import setting
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IAsyncService
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.interfaces import IJobFailure
from plone.app.taskqueue.interfaces import ITaskFailure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.place import find_queues
from plone.app.taskqueue.queue.place import queue_connection
from plone.base.interfaces import IMailSchema
from plone.base.interfaces import ISiteSchema
from plone.registry.interfaces import IRegistry
from Products.CMFCore.interfaces import ISiteRoot
from Products.MailHost.interfaces import IMailHost
from typing import Any
from zope.component import adapter
from zope.component import getUtility
from zope.component import queryUtility
from zope.i18n import translate

import contextlib
import logging
import random
import transaction


logger = logging.getLogger("plone.app.taskqueue.mail")

#: Seconds between two mails of a site, at least.
INTERVAL = 15 * 60.0
#: Seconds that the first failure waits for others, and by how many this differs from
#: process to process, so that not all mail jobs come at the same time.
_GATHER = 60.0
_SPREAD = 10.0
#: Seconds that the commit of a failure may take: a mail leaves to the next one what has
#: failed so shortly before it.
_LAG = 5.0
#: Failures that a mail tells apart; of the others it has the number.
_TOLD = 10
#: Failures that are counted, at most.
_COUNTED = 1_000
#: Longest message of a failure, in characters.
_LONGEST = 200
#: Where the times of the last mails are in the root of the queues' database, by site.
_ROOT_KEY = "plone.app.taskqueue.failuremail"

#: When the next mail is due that this process has queued a job for, by database and
#: site: seconds since the epoch.
_due: dict[tuple[str, str], float] = {}


@adapter(IJobFailure)
def job_has_failed(event: IJobFailure) -> None:
    """Let a mail tell of it soon, unless one is to come that will."""
    _remember(event.job)


@adapter(ITaskFailure)
def task_has_failed(event: ITaskFailure) -> None:
    """The same for a job of a service."""
    _remember(event.job)


def _remember(job: IAsyncJob | None) -> None:
    site = queryUtility(ISiteRoot)
    if job is None or site is None or not setting("failure_mail_to"):
        return
    if job.function_name == _name_of(send):
        return
    now = clock.now()
    key = (site._p_jar.db().database_name, path_of(site))
    last = _due.get(key, 0.0)
    if now < last - _LAG:
        return
    due = max(now + _GATHER + random.uniform(0, _SPREAD), last + INTERVAL)
    _queue(site, job.finished.timestamp() - _LAG, due)
    transaction.get().addAfterCommitHook(_note_due, (key, due))


def _note_due(committed: bool, key: tuple[str, str], due: float) -> None:
    if committed:
        _due[key] = due


def _queue(site: Any, since: float, due: float) -> None:
    with _as_nobody():
        getUtility(IAsyncService).enqueue(
            send,
            site,
            since,
            quota=None,
            not_before=clock.as_datetime(due),
            group=False,
        )


@contextlib.contextmanager
def _as_nobody() -> Iterator[None]:
    # The user of the failed job has nothing to do with the mail, and may be gone.
    before = getSecurityManager()
    noSecurityManager()
    try:
        yield
    finally:
        setSecurityManager(before)


def _name_of(function: Any) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def send(site: Any, since: float) -> str:
    """Send a mail about what failed since the last one, or since then; the mail job.

    ``since``: seconds since the epoch.  Returns what was done.
    """
    connection = queue_connection(site._p_jar)
    last_mails = connection.root().get(_ROOT_KEY)
    path = path_of(site)
    last = None if last_mails is None else last_mails.get(path)
    now = clock.now()
    if last is not None and last <= now < last + INTERVAL - _GATHER:
        _queue(site, last, last + INTERVAL)
        return "There was a mail a moment ago: another looks again later."
    until = now - _LAG
    failed = _failed_since(connection, path, since if last is None else last, until)
    if not failed:
        return "Nothing has failed since the last mail."
    if last_mails is None:
        last_mails = connection.root()[_ROOT_KEY] = OOBTree()
    last_mails[path] = until
    return _send_after_commit(site, _message(site, failed, connection))


def _failed_since(
    connection: Any, path: str, since: float, until: float
) -> list[IAsyncJob]:
    queues = find_queues(connection)
    found = queues.search(State.FAILED, site=path, start=since, stop=until)
    mails = _name_of(send)
    others = (job for job in found if job.function_name != mails)
    return list(islice(others, _COUNTED))


def _send_after_commit(site: Any, message: EmailMessage | None) -> str:
    if message is None:
        return "There is nobody to send it to, or nobody that it could be from."
    host = queryUtility(IMailHost)
    if host is None:
        logger.error(
            "A mail about failed jobs of %s was not sent: the site has no MailHost.",
            path_of(site),
        )
        return "There is no MailHost."
    transaction.get().addAfterCommitHook(_send_if, (host, message, path_of(site)))
    return f"A mail is sent to {message['To']}."


def _send_if(committed: bool, host: Any, message: EmailMessage, path: str) -> None:
    if not committed:
        return
    try:
        host.send(message, immediate=True)
    except Exception as error:
        # Whatever mail servers and addresses can do.
        logger.error(
            "A mail about failed jobs of %s to %s was not sent: %s: %s. See the mail "
            "settings of the site, and its setting for whom to tell.",
            path,
            message["To"],
            type(error).__name__,
            error,
        )


def _message(
    site: Any, failed: list[IAsyncJob], connection: Any
) -> EmailMessage | None:
    registry = getUtility(IRegistry)
    mail = registry.forInterface(IMailSchema, prefix="plone", check=False)
    title = registry.forInterface(ISiteSchema, prefix="plone", check=False).site_title
    to = setting("failure_mail_to")
    if not to or not mail.email_from_address:
        if to:
            logger.error(
                "A mail about failed jobs of %s was not sent: the site has no address "
                "that mail is from. Set it in the mail settings.",
                path_of(site),
            )
        return None
    language = site.Language() if hasattr(site, "Language") else None

    def in_words(text: Any) -> str:
        return translate(text, target_language=language or None)

    message = EmailMessage()
    try:
        message["From"] = formataddr(
            (mail.email_from_name or "", mail.email_from_address)
        )
        message["To"] = ", ".join(to)
        message["Subject"] = _one_line(in_words(_subject(title, len(failed))))
    except ValueError as error:
        # A line break in an address, say, which no form lets through.
        logger.error("A mail about failed jobs cannot have its headers: %s", error)
        return None
    url = site.absolute_url()
    lines = [in_words(_subject(title, len(failed))), ""]
    for job in failed[:_TOLD]:
        lines += [
            f"{job.finished:%Y-%m-%d %H:%M} UTC  {_what(job)}",
            f"  {_one_line(_why(job))}",
            f"  {url}/@@taskqueue-job?id={reference_of(job, connection)}",
            "",
        ]
    lines.append(
        in_words(
            _(
                "failure_mail_all",
                default="All failures of the site: ${url}",
                mapping={"url": f"{url}/@@taskqueue-failures"},
            )
        )
    )
    message.set_content("\n".join(lines))
    return message


def _subject(title: str, count: int) -> Any:
    if count == 1:
        return _(
            "failure_mail_one",
            default="${site}: a job has failed",
            mapping={"site": title},
        )
    return _(
        "failure_mail_several",
        default="${site}: ${count} jobs have failed",
        mapping={"site": title, "count": count if count < _COUNTED else f"{count}+"},
    )


def _what(job: IAsyncJob) -> str:
    return job.task if IJob.providedBy(job) else job.function_name


def _why(job: IAsyncJob) -> str:
    failure = job.result
    said = redaction().cleared(job, failure.getErrorMessage())
    return f"{failure.type_name}: {said}"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
