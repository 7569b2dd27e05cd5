"""What a new job, or a new cron job, is to do: task, service, input and object."""

from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import ISiteTaskService
from plone.app.taskqueue.restapi.body import Member
from plone.app.taskqueue.restapi.problems import FieldError
from plone.app.taskqueue.restapi.problems import refuse_fields
from typing import Any
from typing import NamedTuple
from typing import NoReturn


#: The members of a body that say it.
ORDER = {
    "task": Member((str,), required=True),
    "service": Member((str,)),
    "input": Member(),
    "context": Member((str, type(None))),
}


class Order(NamedTuple):
    """What is to be done; nothing is checked but that the names are known."""

    service: ISiteTaskService
    task: str
    input: Any
    context: str | None


def read_order(admin: IAdministration, body: dict[str, Any]) -> Order:
    """Return what a body says that has the members of ``ORDER``.

    ``ProblemError`` names those that are wrong, and fields of the input that are.
    ``Unauthorized``: whoever is logged in may use no service.
    """
    service = _service(admin, body.get("service"))
    name = body["task"]
    try:
        given = admin.read_input(service, name, body.get("input"))
    except LookupError as error:
        refuse_fields([FieldError("task", error.args[0])])
    except InputError as error:
        refuse_input(error)
    return Order(service, name, given, body.get("context"))


def refuse_input(error: InputError) -> NoReturn:
    """Raise a ``ProblemError`` that names fields by their way from the body's top."""
    refuse_fields(
        [FieldError(_field(name), message) for name, message in error.errors.items()]
    )
    raise error


def _field(name: str) -> str:
    if name == "context":
        return name
    return f"input.{name}" if name else "input"


def _service(admin: IAdministration, name: str | None) -> ISiteTaskService:
    if name is not None:
        try:
            return admin.service(name)
        except LookupError as error:
            refuse_fields([FieldError("service", error.args[0])])
    services = admin.services()
    if len(services) != 1:
        message = f"Name a service; there are {len(services)} here."
        refuse_fields([FieldError("service", message)])
    return services[0]
