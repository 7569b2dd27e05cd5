"""A mail to the user whose job has ended, if the user wants one.

The job's commit only decides that there is one to send; it is written and sent by
another thread, afterwards.
"""

from email.mime.text import MIMEText
from email.utils import formataddr
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.titles import title_of
from plone.app.taskqueue.endings.post import Post
from plone.app.taskqueue.endings.wishes import wishes_of
from plone.app.taskqueue.endings.words import sentence_of
from plone.app.taskqueue.environment.visiting import PloneSurroundings
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IJobEvent
from plone.app.taskqueue.job.asyncjob import id_of
from plone.base.interfaces import IMailSchema
from plone.base.interfaces import ISiteSchema
from plone.registry.interfaces import IRegistry
from Products.CMFCore.utils import getToolByName
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.utils import p64
from zope.component import getUtility
from zope.component.hooks import getSite
from zope.globalrequest import getRequest
from zope.i18n import translate

import logging
import transaction


logger = logging.getLogger("plone.app.taskqueue.mail")


def note_ending(event: IJobEvent) -> None:
    """Let the job's user be told once the current transaction has committed.

    Reads little and writes nothing: it is called for every job.
    """
    job = event.job
    # Code that calls the callbacks that fire events by itself has no job.
    user = None if job is None else job.facets.owner
    site = _site()
    if site is not None and wishes_of(site, user).mail:
        transaction.get().addAfterCommitHook(_hand_in, (job._p_jar.db(), id_of(job)))


def _site() -> Any:
    here = getSite()
    tool = None if here is None else getToolByName(here, "portal_url", None)
    return None if tool is None else tool.getPortalObject()


def _hand_in(committed: bool, database: IDatabase, job_id: int) -> None:
    if committed:
        POST.hand_in(database, job_id)


def send(connection: IConnection, job_id: int) -> None:
    """Tell the job's user how it has ended.  Raises what the mail host raises."""
    job = connection.get(p64(job_id))
    with PloneSurroundings().visit(job):
        _tell(_site(), job)


#: What is to be sent by this process.
POST = Post(send)


def _tell(site: Any, job: IAsyncJob) -> None:
    user = job.facets.owner
    if site is None or user is None or user[0] != f"{path_of(site)}/acl_users":
        # Users of Zope's root have no address.
        return
    member = getToolByName(site, "portal_membership").getMemberById(user[1])
    address = "" if member is None else member.getProperty("email", "")
    if not address:
        return
    settings = getUtility(IRegistry).forInterface(
        IMailSchema, prefix="plone", check=False
    )
    if not settings.email_from_address:
        logger.error(
            "User %s is not told by mail that job %s has ended: the site has no address "
            "to send mail from. Set one in the control panel for mail.",
            user[1],
            job.id,
        )
        return
    language = member.getProperty("language", "") or getRequest().get("LANGUAGE")
    subject, body = _words(site, job, language)
    message = MIMEText(body, "plain", "utf-8")
    # So that no machine answers.
    message["Auto-Submitted"] = "auto-generated"
    getToolByName(site, "MailHost").send(
        message,
        mto=address,
        mfrom=formataddr((settings.email_from_name or "", settings.email_from_address)),
        subject=subject,
        charset="utf-8",
        immediate=True,
    )


def _words(site: Any, job: IAsyncJob, language: str | None) -> tuple[str, str]:
    """Return subject and text in a language."""
    summary = IAdministration(site).summary(job)
    url = site.absolute_url()
    title = translate(title_of(summary), target_language=language)
    parts = [sentence_of(summary, title)]
    if summary["error"]:
        parts.append(
            _(
                "mail_error",
                default="It says: ${message}",
                mapping={"message": summary["error"]},
            )
        )
    if summary["context"]:
        parts.append(
            _(
                "mail_about",
                default="It is about ${url}",
                mapping={"url": url + summary["context"]},
            )
        )
    parts += [
        _(
            "mail_link",
            default="See all about it: ${url}",
            mapping={"url": f"{url}/@@my-job?id={summary['id']}"},
        ),
        _(
            "mail_why",
            default="You get this mail because you have asked for it. You can change "
            "that at the end of this page: ${url}",
            mapping={"url": f"{url}/@@my-jobs"},
        ),
    ]
    texts = [translate(part, target_language=language) for part in parts]
    subject = _(
        "mail_subject",
        default="${site}: ${sentence}",
        mapping={"site": _name_of(site), "sentence": texts[0]},
    )
    # A line break would end the header.
    one_line = " ".join(translate(subject, target_language=language).split())
    return one_line, "\n\n".join(texts) + "\n"


def _name_of(site: Any) -> str:
    settings = getUtility(IRegistry).forInterface(
        ISiteSchema, prefix="plone", check=False
    )
    return settings.site_title or site.getId()
