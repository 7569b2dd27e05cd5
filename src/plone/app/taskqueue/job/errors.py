"""What can go wrong with a job that is not the fault of its callable."""

from ZODB.POSException import ConflictError


class BadStatusError(Exception):
    """The job is not in a state in which this can be done.  Origin: zc.async."""


class AbortedError(Exception):
    """The workers that held the job died too often.  Origin: zc.async."""


class UnreadableJobError(Exception):
    """The job's record can no longer be read, so it cannot run."""


class DoomedError(Exception):
    """The job doomed its transaction, so nothing that it did was kept."""


class BatchFailedError(Exception):
    """A job of a batch failed that was to stop at the first failure."""


class NotHereError(Exception):
    """What the job is to call is not in this process; another one may have it."""


class JobCancelled(Exception):
    """Somebody cancelled the job while it ran; ``checkpoint`` raises it inside the job.

    It should not be caught: the transaction is undone and the job ends as cancelled.
    """


class ReassignedError(ConflictError):
    """Another worker took the job over; this run must not commit.

    A conflict error, so that code which retries transactions treats it as one.
    Origin: zc.async.
    """
