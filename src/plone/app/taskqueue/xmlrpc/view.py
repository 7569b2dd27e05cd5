"""The methods of a task service for XML-RPC.  Origin: lovely.remotetask."""

from collections.abc import Callable
from plone.app.taskqueue.xmlrpc import faults
from plone.app.taskqueue.xmlrpc.faults import fault
from plone.app.taskqueue.xmlrpc.faults import RefusedError
from plone.app.taskqueue.xmlrpc.origin import check_origin
from plone.app.taskqueue.xmlrpc.values import received
from plone.app.taskqueue.xmlrpc.values import sendable
from plone.app.taskqueue.xmltext import writable
from Products.Five import BrowserView
from transaction.interfaces import TransientError
from typing import Any
from zExceptions import Unauthorized

import functools
import inspect
import logging
import transaction


logger = logging.getLogger("plone.app.taskqueue.xmlrpc")


def method(function: Callable) -> Callable:
    """Let a method take its arguments from the call, and answer with a fault if it fails.

    A fault is returned, not raised, because Zope's WSGI publisher makes a page of HTML
    of what is raised; nothing that the call has changed is committed.
    """
    signature = inspect.signature(function)

    # Not functools.wraps: the publisher would look at the signature.
    def answer(self: "XmlrpcView") -> Any:
        try:
            try:
                signature.bind(self, *self.arguments)
            except TypeError as error:
                raise RefusedError(
                    faults.BAD_ARGUMENTS, f"{function.__name__}: {error}."
                ) from None
            value = function(self, *[received(each) for each in self.arguments])
            return sendable(value, f"What {function.__name__} returns")
        except RefusedError as error:
            answered = fault(error.code, str(error))
        except (TransientError, Unauthorized):
            raise
        except RecursionError:
            # Results that are nested too deeply are refused by ``sendable``.
            answered = fault(
                faults.BAD_ARGUMENTS,
                f"{function.__name__}: the arguments are nested too deeply.",
            )
        except Exception as error:
            logger.exception(
                "The call of %s at %s over XML-RPC failed.",
                function.__name__,
                self.request.get("URL"),
            )
            answered = fault(
                faults.FAILED,
                f"{function.__name__} failed with {type(error).__name__}; the log of "
                "the server tells more.",
            )
        transaction.doom()
        return answered

    return functools.update_wrapper(answer, function, assigned=("__name__", "__doc__"))


class XmlrpcView(BrowserView):
    """What can be asked of a task service; each method is a page of its own in ZCML."""

    #: What the client sent.
    arguments: tuple = ()

    @method
    def getAvailableTasks(self) -> list[str]:
        """Return the names of the tasks, sorted."""
        return sorted(self.context.getAvailableTasks())

    @method
    def add(self, task: str, input: Any = None) -> int:
        """Queue a job and return its id."""
        check_origin(self.request)
        if not isinstance(task, str):
            raise RefusedError(faults.BAD_ARGUMENTS, "The name of a task is a string.")
        try:
            return self.context.add(task, input)
        except ValueError as error:
            raise RefusedError(faults.BAD_ARGUMENTS, str(error)) from error

    @method
    def cancel(self, jobid: int) -> bool:
        """Cancel a job that has not ended; return ``True`` whatever happens."""
        check_origin(self.request)
        if _is_number(jobid):
            self.context.cancel(jobid)
        return True

    @method
    def getStatus(self, jobid: int) -> str:
        """Return the status of a job."""
        return self.context.getStatus(self._known(jobid))

    @method
    def getResult(self, jobid: int) -> Any:
        """Return what a job's task returned; nothing before."""
        try:
            return self.context.getResult(self._known(jobid))
        except LookupError as error:
            raise RefusedError(faults.NOT_SENDABLE, str(error)) from error

    @method
    def getError(self, jobid: int) -> str:
        """Return why a job failed; ``'None'`` if it has not."""
        return writable(str(self.context.getError(self._known(jobid))))

    def _known(self, jobid: Any) -> int:
        if not _is_number(jobid):
            raise RefusedError(
                faults.BAD_ARGUMENTS,
                "The id of a job is a number, as add has returned it.",
            )
        if jobid not in self.context.jobs:
            raise RefusedError(faults.NOT_FOUND, f"There is no job {jobid} here.")
        return jobid


def _is_number(jobid: Any) -> bool:
    # Trees of numbers raise at what has more bits than their keys.
    return type(jobid) is int and 0 <= jobid < 2**31
