"""The settings of a site, as its administrators change them, and what they bring about.

They are records of the site's registry.  Retention, quotas and the budget of shared
transactions belong to the queues, which all sites of the database share: whichever site
was changed last has its way, and an empty value leaves alone what is in force.
"""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration.redacting import Redaction
from plone.app.taskqueue.administration.redacting import USUALLY_HIDDEN
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.service.places import queues_at
from plone.registry.interfaces import IRecordModifiedEvent
from plone.registry.interfaces import IRegistry
from typing import Any
from zope import schema
from zope.component import adapter
from zope.component import queryUtility
from zope.component.hooks import getSite
from zope.interface import Interface

import logging
import re


logger = logging.getLogger("plone.app.taskqueue.administration")

#: What the names of the records begin with.
PREFIX = "plone.app.taskqueue"

_QUOTA = re.compile(r"\s*(?P<name>[^\s=][^=]*?)\s*=\s*(?P<size>[1-9][0-9]{0,5})\s*")
#: Whatever a mail server makes of it, it is one address and nothing else.
_ADDRESS = re.compile(r"[^@\s,;:<>\"()]+@[^@\s,;:<>\"()]+")


class NotAQuota(schema.ValidationError):
    __doc__ = _("A quota is written as name=size, and its size is a number from 1 up.")


class QuotaTwice(schema.ValidationError):
    __doc__ = _("A quota is named more than once.")


class NotAnAddress(schema.ValidationError):
    __doc__ = _("This is not an e-mail address.")


def is_quota(text: str) -> bool:
    """Return true for ``name=size``.  ``NotAQuota``."""
    if not _QUOTA.fullmatch(text):
        raise NotAQuota(text)
    return True


def are_different_quotas(lines: Any) -> bool:
    """Return true if no quota is named twice.  ``QuotaTwice``."""
    names = [line.partition("=")[0].strip() for line in lines]
    if len(set(names)) < len(names):
        raise QuotaTwice(lines)
    return True


def is_address(text: str) -> bool:
    """Return true for what can be one address of a mail.  ``NotAnAddress``."""
    if not _ADDRESS.fullmatch(text):
        raise NotAnAddress(text)
    return True


class ITaskQueueSettings(Interface):
    """The settings of a site; ``PREFIX`` and a dot stand before the names of records."""

    retention_days = schema.Float(
        title=_("settings_retention", default="Keep ended jobs for so many days"),
        description=_(
            "settings_retention_help",
            default="Jobs that ended earlier are forgotten, with their results and "
            "errors. Leave it empty for what the configuration of the server says.",
        ),
        required=False,
        min=0.0,
        max=36_500.0,
    )
    quotas = schema.List(
        title=_("settings_quotas", default="Quotas"),
        description=_(
            "settings_quotas_help",
            default="One in each line, such as default=2: how many workers may hold "
            "jobs of this quota at a time. 1 is strictly in order. Quotas that are not "
            "named here stay as they are.",
        ),
        value_type=schema.TextLine(constraint=is_quota),
        constraint=are_different_quotas,
        required=False,
        default=[],
        missing_value=[],
    )
    group_milliseconds = schema.Int(
        title=_(
            "settings_group",
            default="Short jobs share a transaction for (milliseconds)",
        ),
        description=_(
            "settings_group_help",
            default="Sharing is faster, and a job that fails is run again by itself. "
            "0 gives each job a transaction of its own. Leave it empty for what the "
            "configuration of the server says.",
        ),
        required=False,
        min=0,
        max=60_000,
    )
    failure_mail_to = schema.List(
        title=_("settings_mail", default="Send mail about failures to"),
        description=_(
            "settings_mail_help",
            default="One address in each line. When jobs of this site have failed, one "
            "mail tells of all of them, at most every 15 minutes.",
        ),
        value_type=schema.TextLine(constraint=is_address),
        required=False,
        default=[],
        missing_value=[],
    )
    hidden_names = schema.List(
        title=_("settings_hidden", default="Names of arguments that are hidden"),
        description=_(
            "settings_hidden_help",
            default="One in each line; * stands for any letters, and case does not "
            "matter. Values of these names are shown to nobody, in no list and on no "
            "page. Tasks can hide more.",
        ),
        value_type=schema.TextLine(),
        required=False,
        default=[*USUALLY_HIDDEN],
        missing_value=[],
    )
    tell_users = schema.Bool(
        title=_("settings_tell", default="Tell users when a job of theirs has ended"),
        description=_(
            "settings_tell_help",
            default="With a message on the next page that they see, and by mail if they "
            "have asked for it.",
        ),
        required=False,
        default=True,
    )


#: The fields that hold for all sites of the database.
SHARED = ("retention_days", "quotas", "group_milliseconds")


def setting(name: str) -> Any:
    """Return a setting of the current site; its default where there is none."""
    registry = queryUtility(IRegistry)
    field = ITaskQueueSettings[name]
    if registry is None:
        return field.default
    value = registry.get(f"{PREFIX}.{name}", field.default)
    return field.missing_value if value is None else value


def redaction() -> Redaction:
    """Return what is hidden in the current site."""
    return Redaction(setting("hidden_names"))


def quotas_of(lines: Any) -> dict[str, int]:
    """Return the sizes of quotas by name.

    Lines that are none are logged: a registry takes whatever it is given.
    """
    found = {}
    for line in lines or ():
        match = _QUOTA.fullmatch(line)
        if match is None:
            logger.error(
                "The line %r in the setting %s.quotas is not name=size, and is left "
                "alone.",
                line,
                PREFIX,
            )
        else:
            found[match["name"]] = int(match["size"])
    return found


def apply(queues: IQueues, name: str, value: Any) -> None:
    """Put a setting of a site in force for the queues; others than ``SHARED`` are not.

    In the current transaction.  What is so already is not written.
    """
    if name == "retention_days":
        _set(queues, "retention_days", value)
    elif name == "group_milliseconds":
        _set(queues, "group_seconds", None if value is None else value / 1000)
    elif name == "quotas":
        quotas = queues[""].quotas
        for quota, size in quotas_of(value).items():
            if quota not in quotas:
                quotas.create(quota, size)
            elif quotas[quota].size != size:
                quotas[quota].size = size


def _set(queues: IQueues, name: str, value: float | None) -> None:
    if getattr(queues, name) != value:
        setattr(queues, name, value)


def apply_all(site: Any) -> None:
    """Put in force what a site says; what it leaves empty stays as it is.

    For the moment in which the package is installed in one of several sites.
    """
    queues = queues_at(site)
    for name in SHARED:
        value = setting(name)
        if value is not None:
            apply(queues, name, value)


@adapter(ITaskQueueSettings, IRecordModifiedEvent)
def setting_was_changed(settings: Any, event: IRecordModifiedEvent) -> None:
    """Put it in force, and write down who did it, with the transaction that does."""
    name = event.record.fieldName
    if event.newValue == event.oldValue:
        return
    site = getSite()
    if name in SHARED:
        # Of the registry itself, for scripts that have set no site.
        place = event.record.__parent__ if site is None else site
        apply(queues_at(place), name, event.newValue)
    administration = IAdministration(site, None)
    if administration is not None:
        text = f"{event.oldValue!r} → {event.newValue!r}"
        administration.note("settings", name, text=text)


def in_force(queues: IQueues | None) -> dict[str, Any]:
    """Return what the queues say themselves; ``None``: each process's own setting.

    Before there are any they say nothing.
    """
    if queues is None:
        return {"retention_days": None, "group_milliseconds": None, "quotas": {}}
    seconds = queues.group_seconds
    quotas = queues[""].quotas
    return {
        "retention_days": queues.retention_days,
        "group_milliseconds": None if seconds is None else round(seconds * 1000),
        "quotas": {name: quotas[name].size for name in quotas},
    }
