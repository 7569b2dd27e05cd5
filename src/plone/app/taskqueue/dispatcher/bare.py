"""The environment of jobs that need none: engine tests, benchmarks, plain ZODB."""

from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IEnvironment
from ZODB.interfaces import IConnection
from zope.interface import implementer


@implementer(IEnvironment)
class BareEnvironment:
    """Restores nothing and announces nothing."""

    def open(self, connection: IConnection) -> None:
        pass

    def enter(self, job: IAsyncJob) -> tuple:
        return ()

    def announce(self, job: IAsyncJob) -> None:
        pass

    def flush(self) -> bool:
        return False

    def leave(self) -> None:
        pass

    def changed(self) -> None:
        pass

    def close(self) -> None:
        pass
