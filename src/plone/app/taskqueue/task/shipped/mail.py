"""``send-mail``: send a message through the site's mail host."""

from AccessControl.Permissions import use_mailhost_services
from email.mime.text import MIMEText
from email.utils import formataddr
from plone.app.taskqueue import _
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.registration import task
from plone.app.taskqueue.task.shipped.place import current_site
from plone.app.taskqueue.task.shipped.rights import require
from plone.base.interfaces import IMailSchema
from plone.registry.interfaces import IRegistry
from plone.schema.email import Email
from Products.CMFCore.utils import getToolByName
from zope.component import getUtility
from zope.interface import Interface
from zope.schema import Int
from zope.schema import Text
from zope.schema import TextLine
from zope.schema import Tuple
from zope.schema.interfaces import ValidationError


#: For three hours; there is nothing to wait for in what is wrong with the mail itself.
WHEN_SERVER_IS_AWAY = Retry(8, delay=60, backoff="exponential", on=OSError)


class NotPlain(ValidationError):
    __doc__ = _(
        "An address has letters of ASCII only: write the name of the server as xn--..., "
        "as its mail server knows it."
    )


def is_plain(value: str) -> bool:
    """Return true for an address that any mail server takes.  ``NotPlain``: it is none."""
    # What it does not take would be found out after the commit, when it is too late.
    if not value.isascii():
        raise NotPlain(value)
    return True


class ISendMail(Interface):
    subject = TextLine(title=_("Subject"), min_length=1)
    body = Text(title=_("Text"))
    recipients = Tuple(
        title=_("Recipients"),
        description=_("Addresses; all of them see each other."),
        value_type=Email(constraint=is_plain),
        min_length=1,
    )
    sender = Email(
        title=_("Sender"),
        description=_("An address; left out, that of the site."),
        required=False,
        constraint=is_plain,
    )


class ISent(Interface):
    recipients = Int(title=_("Recipients"))


@task(
    "send-mail",
    title=_("Send a mail"),
    description=_("Send a message through the mail host of the site."),
    input_schema=ISendMail,
    output_schema=ISent,
    retry=WHEN_SERVER_IS_AWAY,
    redact=("body", "recipients"),
)
def send_mail(
    subject: str, body: str, recipients: tuple[str, ...], sender: str | None = None
) -> dict[str, int]:
    """Send a plain text with the commit of the current transaction.

    A run that is undone sends nothing.  One whose server dies in the midst of the
    commit may have sent it, and sends it again.  ``OSError``: the mail server cannot be
    reached; the commit raises it, and the job waits a while.  What the mail server
    refuses when the commit can no longer fail is in the log, and in that alone.
    """
    host = getToolByName(current_site(), "MailHost")
    require(use_mailhost_services, host, "send mail")
    host.send(
        MIMEText(body, "plain", "utf-8"),
        mto=list(recipients),
        mfrom=sender or _sender_of_site(),
        subject=subject,
        charset="utf-8",
    )
    return {"recipients": len(recipients)}


def _sender_of_site() -> str:
    settings = getUtility(IRegistry).forInterface(IMailSchema, prefix="plone")
    if not settings.email_from_address:
        raise TaskError(
            "The site has no address to send mail from: set one in the control panel "
            "for mail, or give a sender."
        )
    return formataddr((settings.email_from_name or "", settings.email_from_address))
