"""The ZCML directives ``task`` and ``scan`` of the namespace of this package."""

from collections.abc import Callable
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job import retry as policies
from plone.app.taskqueue.task.function import FunctionTask
from plone.app.taskqueue.task.options import options_of
from plone.app.taskqueue.task.registration import declared_tasks
from types import ModuleType
from typing import Any
from zope.component.zcml import handler as register
from zope.configuration.exceptions import ConfigurationError
from zope.configuration.fields import Bool
from zope.configuration.fields import GlobalInterface
from zope.configuration.fields import GlobalObject
from zope.configuration.fields import MessageID
from zope.configuration.fields import Tokens
from zope.interface import Interface
from zope.schema import Float
from zope.schema import Int
from zope.schema import TextLine


#: After all other actions, among them those that register retry policies.
_LAST = 1_000_000


class ITaskDirective(Interface):
    """Register a task.

    Options that are given here go before what the task says of itself.
    """

    name = TextLine(title="Name under which jobs ask for the task")
    factory = GlobalObject(
        title="A class, or another factory, of the task: called without arguments",
        required=False,
    )
    handler = GlobalObject(
        title="A function; it takes the fields of the input's schema by name",
        required=False,
    )
    title = MessageID(title="Title, for people", required=False)
    description = MessageID(title="What it does, for people", required=False)
    input_schema = GlobalInterface(title="Schema of the input", required=False)
    output_schema = GlobalInterface(title="Schema of the output", required=False)
    wants_context = Bool(title="Does it work on an object?", required=False)
    run_as = TextLine(
        title="Whom it runs as",
        description="'caller'; left out: the user of its service",
        required=False,
    )
    wants_user = Bool(title="Is it of no use to Anonymous?", required=False)
    retry = TextLine(
        title="How it is tried again",
        description="Name of an adapter, or module:name of a factory",
        required=False,
    )
    timeout = Float(title="Seconds that a run may last", required=False)
    priority = Int(title="Priority", required=False)
    unique = TextLine(
        title="Key of which there may be one job at a time", required=False
    )
    unique_by = GlobalObject(
        title="A function that makes that key of the input", required=False
    )
    isolated = Bool(title="Must it have a transaction of its own?", required=False)
    redact = Tokens(
        title="Names of fields that are not shown",
        value_type=TextLine(),
        required=False,
    )


class IScanDirective(Interface):
    """Register the tasks that the functions of a module declare with ``@task``."""

    module = GlobalObject(title="The module")


def task_directive(
    _context: Any,
    name: str,
    factory: Callable | None = None,
    handler: Callable | None = None,
    unique_by: Callable | None = None,
    **options: Any,
) -> None:
    """Register the task of a factory, or one that calls a function."""
    if (factory is None) == (handler is None):
        raise ConfigurationError(
            "A task has either a factory, which makes it, or a handler, which is the "
            "function that it calls."
        )
    if unique_by is not None:
        if "unique" in options:
            raise ConfigurationError("Of unique and unique_by give one.")
        options["unique"] = unique_by
    try:
        if handler is not None:
            made = FunctionTask(handler, **options)
        else:
            made = _made_by(factory, options)
        options_of(made)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"Task {name!r}: {error}") from error
    _register(_context, name, made)


def scan_directive(_context: Any, module: ModuleType) -> None:
    """Register the tasks that are declared in a module."""
    if not isinstance(module, ModuleType):
        raise ConfigurationError(f"{module!r} is no module.")
    try:
        declared = declared_tasks(module)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if not declared:
        raise ConfigurationError(
            f"{module.__name__} declares no tasks: is @task('name') above its functions?"
        )
    for name, each in declared.items():
        _register(_context, name, each)


def _made_by(factory: Callable, options: dict[str, Any]) -> Any:
    made = factory()
    if not ITask.providedBy(made):
        raise TypeError(
            f"{factory!r} made {made!r}, which does not provide ITask. A function that "
            "does the work is no factory: give it as handler."
        )
    if not options:
        return made
    adjust = getattr(made, "adjust", None)
    if adjust is None:
        raise TypeError(
            f"{made!r} says itself what its options are: leave out "
            f"{', '.join(options)}, or derive it from plone.app.taskqueue.task.Task."
        )
    adjust(options)
    return made


def _register(_context: Any, name: str, made: Any) -> None:
    # As the utility directive does it, so that the two conflict, too.
    _context.action(
        discriminator=("utility", ITask, name),
        callable=register,
        args=("registerUtility", made, ITask, name, _context.info),
    )
    retry = options_of(made).retry
    if isinstance(retry, str):
        _context.action(
            discriminator=None,
            callable=_check_retry,
            args=(name, retry),
            order=_LAST,
        )


def _check_retry(name: str, retry: str) -> None:
    try:
        policies.store_factory(retry)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"Task {name!r}: {error}") from error
