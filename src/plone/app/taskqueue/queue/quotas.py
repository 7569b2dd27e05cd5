"""Quotas: how many leases may hold jobs of one kind at a time."""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.interfaces import IQuota
from plone.app.taskqueue.interfaces import IQuotas
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.wakeup import hub
from zope.interface import implementer


@implementer(IQuota)
class Quota(Persistent):
    """See ``IQuota``.

    Its holders are leases, each with the number of the claim that took a place.  A
    holder whose lease has run empty or claimed again since no longer counts, so that
    nobody has to give a place back: the commit that ends a lease's last job does it,
    and can never meet a conflict here.  Two claims for the last place do conflict, and
    one of them is tried again.
    """

    def __init__(self, name: str, size: int):
        self.name = name
        self._size = size
        self._holders: tuple[tuple[Lease, int], ...] = ()

    @property
    def size(self) -> int:
        return self._size

    @size.setter
    def size(self, size: int) -> None:
        self._size = _valid_size(size)
        _ring(self)

    def holders(self) -> list[tuple[Lease, int]]:
        """Return the leases that count now."""
        return [
            (lease, claim)
            for lease, claim in self._holders
            if lease.claim == claim and lease.held
        ]

    def last_holder(self) -> Lease | None:
        """Return the lease that held a place last and has run empty since, if any."""
        for lease, claim in reversed(self._holders):
            if isinstance(lease, Lease) and lease.claim == claim and not lease.held:
                return lease
        return None

    def has_room(self, awaited: bool = False) -> bool:
        """Say whether a job may take a place.

        One that is ``awaited`` may even if jobs that wait, and perhaps for this one,
        keep all places to themselves.  So nobody waits for a place in a circle.
        """
        holders = self.holders()
        if awaited:
            holders = [each for each in holders if isinstance(each[0], Lease)]
        return len(holders) < self._size

    def take_place(self, lease: Lease) -> None:
        """Write the lease's present claim down as a holder."""
        self._holders = (*self.holders(), (lease, lease.claim))

    def tidy(self) -> None:
        """Forget holders that count no more, such as a lease that is to leave no trace."""
        self._holders = tuple(self.holders())


def _ring(changed: Persistent) -> None:
    """There may be room now that idle threads wait for."""
    hub.ring_after_commit(changed._p_jar)


def _valid_size(size: int) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ValueError(f"A quota's size is a whole number from 1 up, not {size!r}.")
    return size


@implementer(IQuotas)
class Quotas(Persistent):
    """See ``IQuotas``."""

    def __init__(self) -> None:
        self._quotas = OOBTree()

    def create(self, name: str, size: int = 1) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"A quota's name is a string that is not empty: {name!r}.")
        if name in self._quotas:
            raise ValueError(f"There is a quota {name!r} already.")
        self._quotas[name] = Quota(name, _valid_size(size))

    def remove(self, name: str) -> None:
        del self._quotas[name]
        _ring(self)

    def get(self, name: str, default: Quota | None = None) -> Quota | None:
        return self._quotas.get(name, default)

    def __getitem__(self, name: str) -> Quota:
        return self._quotas[name]

    def __contains__(self, name: str) -> bool:
        return isinstance(name, str) and name in self._quotas

    def __iter__(self) -> Iterator[str]:
        return iter(self._quotas)

    def __len__(self) -> int:
        return len(self._quotas)

    def __bool__(self) -> bool:
        return True
