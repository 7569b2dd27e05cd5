"""The parts of forms about tasks: their input, the object that they work on, the times."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration.schedules import crontab_values
from plone.app.taskqueue.administration.schedules import FIELDS
from plone.app.taskqueue.browser.controlpanel.fields import InputFields
from plone.app.taskqueue.browser.controlpanel.formpage import PanelForm
from plone.app.taskqueue.browser.times import zone_of_site
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.schedule.zones import zone_of
from typing import Any
from z3c.form import field as forms
from z3c.form import group
from zoneinfo import available_timezones
from zope import schema
from zope.interface import Interface
from zope.interface import provider
from zope.schema.interfaces import IContextSourceBinder
from zope.schema.vocabulary import SimpleTerm
from zope.schema.vocabulary import SimpleVocabulary

import copy


@provider(IContextSourceBinder)
def time_zones(context: Any) -> SimpleVocabulary:
    """The time zones that this server knows."""
    return SimpleVocabulary.fromValues(sorted(available_timezones()))


MISFIRES = SimpleVocabulary(
    [
        SimpleTerm(
            "once",
            title=_(
                "misfire_once",
                default="Run once for all of them",
            ),
        ),
        SimpleTerm("skip", title=_("misfire_skip", default="Leave them out")),
        SimpleTerm("all", title=_("misfire_all", default="Run once for each of them")),
    ]
)
OVERLAPS = SimpleVocabulary(
    [
        SimpleTerm("skip", title=_("overlap_skip", default="Leave the new run out")),
        SimpleTerm(
            "queue",
            title=_("overlap_queue", default="Let the new run wait for the one before"),
        ),
        SimpleTerm("allow", title=_("overlap_allow", default="Run both at a time")),
    ]
)


class IContext(Interface):
    context = schema.TextLine(
        title=_("field_context", default="Object to work on"),
        description=_(
            "field_context_help",
            default="Its path in the site, such as /news, or its UUID.",
        ),
        default="/",
    )


class ITimes(Interface):
    minute = schema.TextLine(
        title=_("field_minute", default="Minute"),
        description=_(
            "field_minute_help", default="0 to 59; * is all, */15 each quarter."
        ),
        default="0",
    )
    hour = schema.TextLine(
        title=_("field_hour", default="Hour"),
        description=_("field_hour_help", default="0 to 23; * is all, 8-18 a span."),
        default="*",
    )
    day_of_month = schema.TextLine(
        title=_("field_day_of_month", default="Day of the month"),
        description=_(
            "field_day_of_month_help", default="1 to 31; * is all, L is the last."
        ),
        default="*",
    )
    month = schema.TextLine(
        title=_("field_month", default="Month"),
        description=_("field_month_help", default="1 to 12, or JAN to DEC; * is all."),
        default="*",
    )
    day_of_week = schema.TextLine(
        title=_("field_day_of_week", default="Day of the week"),
        description=_(
            "field_day_of_week_help",
            default="MON to SUN, or 0 to 7 where 0 and 7 are Sunday; * is all. If a day "
            "of the month is given too, either will do.",
        ),
        default="*",
    )
    timezone = schema.Choice(
        title=_("field_timezone", default="Time zone"), source=time_zones
    )


class IPolicies(Interface):
    misfire = schema.Choice(
        title=_("field_misfire", default="Times at which no worker was there"),
        vocabulary=MISFIRES,
        default="once",
    )
    window = schema.Int(
        title=_("field_window", default="Make up for times of the last seconds"),
        description=_(
            "field_window_help",
            default="How long ago a missed time may be, in seconds. Empty: for once any "
            "time, else a minute for those left out and a day for each of them.",
        ),
        required=False,
        min=0,
    )
    overlap = schema.Choice(
        title=_("field_overlap", default="If the run before has not ended"),
        vocabulary=OVERLAPS,
        default="skip",
    )
    jitter = schema.Int(
        title=_("field_jitter", default="Up to so many seconds later"),
        description=_(
            "field_jitter_help", default="So that not all cron jobs begin at once."
        ),
        min=0,
        default=0,
    )
    start = schema.Datetime(
        title=_("field_start", default="Not before"),
        description=_("field_start_help", default="In the time zone of the schedule."),
        required=False,
    )
    end = schema.Datetime(
        title=_("field_end", default="Not after"),
        description=_("field_end_help", default="In the time zone of the schedule."),
        required=False,
    )
    enabled = schema.Bool(
        title=_("field_enabled", default="It is enabled"),
        description=_(
            "field_enabled_help", default="One that is not has no times until it is."
        ),
        required=False,
        default=True,
    )


#: What stands before the names of fields.
TIMES, INPUT, PLACE = "times", "input", "place"


class _Part(group.Group):
    ignoreContext = True


class InputPart(_Part):
    label = _("legend_input", default="What the task is given")

    def update(self) -> None:
        self.fields = self.parentForm.input_fields.process(self, INPUT)
        super().update()


class ContextPart(_Part):
    label = _("legend_context", default="Where")
    fields = forms.Fields(IContext, prefix=PLACE)


class _SchedulePart(_Part):
    schema: Any
    #: Bootstrap's classes for fields that stand beside others where there is room.
    widths: dict[str, str] = {}

    def updateWidgets(self, prefix: str | None = None) -> None:
        super().updateWidgets(prefix)
        for name, css in self.widths.items():
            self.widgets[f"{TIMES}.{name}"].wrapper_css_class = css

    def update(self) -> None:
        self.fields = forms.Fields(
            *[
                _preset(self.schema[name], self.parentForm.preset)
                for name in schema.getFieldNamesInOrder(self.schema)
            ],
            prefix=TIMES,
        )
        super().update()


class TimesPart(_SchedulePart):
    label = _("legend_times", default="When")
    schema = ITimes
    widths = {
        "minute": "col-sm-6 col-lg-4",
        "hour": "col-sm-6 col-lg-4",
        "day_of_month": "col-sm-6 col-lg-4",
        "month": "col-sm-6 col-lg-4",
        "day_of_week": "col-sm-6 col-lg-4",
        "timezone": "col-sm-6 col-lg-4",
    }


class PoliciesPart(_SchedulePart):
    label = _("legend_policies", default="Limits and rules")
    schema = IPolicies
    widths = {
        "misfire": "col-lg-6",
        "window": "col-lg-6",
        "overlap": "col-lg-6",
        "jitter": "col-lg-6",
        "start": "col-lg-6",
        "end": "col-lg-6",
    }


def _preset(known: Any, values: dict[str, Any]) -> Any:
    """Return the field with another default, if there is one."""
    name = known.__name__
    if name not in values:
        return known
    mine = copy.copy(known)
    # A vocabulary that depends on the site is not asked now.
    mine.__dict__["default"] = values[name]
    if values[name] == "":
        # Times that no crontab can say stay as they are if all is left empty.
        mine.required = False
    return mine


def preset_of(schedule: Schedule | None) -> dict[str, Any]:
    """Return what the fields of a form show first."""
    if schedule is None:
        return {"timezone": str(zone_of_site())}
    fields = crontab_values(schedule) or dict.fromkeys(FIELDS, "")
    zone = zone_of(schedule.times.tz)
    return {
        **fields,
        "timezone": schedule.times.tz,
        "misfire": str(schedule.misfire),
        "window": None if schedule.window is None else int(schedule.window),
        "overlap": str(schedule.overlap),
        "jitter": schedule.jitter,
        "enabled": schedule.enabled,
        **{
            name: None if limit is None else limit.astimezone(zone).replace(tzinfo=None)
            for name, limit in (("start", schedule.start), ("end", schedule.end))
        },
    }


class TaskForm(PanelForm):
    """A form about a task of a service."""

    def values(self, data: dict[str, Any], prefix: str) -> dict[str, Any]:
        """Return what was typed into the fields of a part, by their names."""
        start = f"{prefix}."
        return {
            name.removeprefix(start): value
            for name, value in data.items()
            if name.startswith(start)
        }

    @property
    def input_fields(self) -> InputFields:
        return self.page.input_fields

    @property
    def preset(self) -> dict[str, Any]:
        return self.page.preset

    @property
    def has_input(self) -> bool:
        """False for a task that takes none."""
        told = self.page.told
        return not told["has_schema"] or bool(told["fields"])
