"""Functions that jobs of the tests call."""

from plone.app.taskqueue.tests.functions import stage


#: What the handlers have heard.
results: list = []


def addNumbers(context, first, second):
    return first + second


def createDocument(context, name, title, description, body):
    context.invokeFactory(
        "Document", name, title=title, description=description, text=body
    )
    return context[name].id


def submitObject(context, name):
    context.portal_workflow.doActionFor(context[name], "submit")


def failingJob(context):
    raise RuntimeError("FooBared")


def returnContent(context, content=None):
    return context if content is None else content


def queueAnother(context):
    from plone.app.taskqueue.interfaces import IAsyncService
    from zope.component import getUtility

    getUtility(IAsyncService).queueJob(addNumbers, context, 1, 1)


def successHandler(event):
    results.append(event.object)


def failureHandler(event):
    results.append(event.object)


def job_success_callback(result):
    results.append(f"Success: {result}")


def job_failure_callback(result):
    results.append(result)


def whoAndWhere(context):
    """Return what the job sees of its surroundings, and spoil them for the next."""
    from AccessControl import getSecurityManager
    from AccessControl.SecurityManagement import noSecurityManager
    from zope.component.hooks import getSite
    from zope.component.hooks import setSite
    from zope.globalrequest import getRequest

    request = getRequest()
    seen = (
        getSecurityManager().getUser().getId(),
        getSite().getId(),
        request["LANGUAGE"],
        context.absolute_url(),
        request.get("spoiled"),
    )
    request["spoiled"] = request["LANGUAGE"] = "spoiled"
    noSecurityManager()
    setSite(None)
    return seen


def hear(context, word):
    results.append(word)


def wherever():
    """Return who runs this, and where, in a job without a context."""
    from AccessControl import getSecurityManager
    from zope.component.hooks import getSite

    return getSecurityManager().getUser().getId(), getSite().getId()


def whoRuns(context, *args):
    """Return who runs this, on what, and with which arguments."""
    return *wherever(), context.getId(), *args


def whoIsCalled(*args):
    """A callback that returns who calls it, where, and with what."""
    return *wherever(), *args


def appendTo(context, word):
    """Write down in the context, which is written by each."""
    context.words = (*getattr(context, "words", ()), word)
    return context.words


def appendWhenAsked(context, word):
    """Write it down, and end when the test says so."""
    appendTo(context, word)
    stage.ran(word)
    stage.event(f"{word} began").set()
    stage.wait(f"{word} may end")
    return stage.runs[word]


def appendUntilCancelled(context, word):
    """Write it down, and go on until somebody cancels the job."""
    from plone.app.taskqueue.local import checkpoint

    appendTo(context, word)
    stage.event(f"{word} began").set()
    while not stage.event(f"{word} is given up").wait(0.01):
        checkpoint()


def waitInCallback(result):
    """A callback that ends when the test says so."""
    stage.event("callback began").set()
    stage.wait("callback may end")
    return result


def failOnce(context, word):
    """Fail at the first time, and say how often it ran at the second."""
    stage.ran(word)
    if stage.runs[word] == 1:
        raise KeyError(word)
    return stage.runs[word]


def returnJob(context, word):
    """Return a job, whose result becomes this one's."""
    from plone.app.taskqueue.service import AsyncJob

    return AsyncJob(whoIsCalled, word)


def returnQueuedJob(context, word):
    """Queue a job as this one was, and return it."""
    from plone.app.taskqueue.interfaces import IAsyncService
    from zope.component import getUtility

    return getUtility(IAsyncService).queueJob(whoRuns, context, word)


def returnBatch(context, *words):
    """Return a batch of jobs without a context."""
    from plone.app.taskqueue.service import AsyncJob
    from plone.app.taskqueue.service import serial

    return serial(*(AsyncJob(whoIsCalled, word) for word in words))


def total(*jobs):
    """Make one result of those of a batch."""
    return sum(job.result for job in jobs)


def noteOnContext(event):
    """A subscriber that counts in the transaction of the outcome."""
    heard = getattr(event.context, "heard", ())
    event.context.heard = (*heard, (event.job.id, type(event.object).__name__))


class Speaker:
    """Something with a method, that is kept by value."""

    def __init__(self, word):
        self.word = word

    def say(self, *args):
        return self.word, *args


def sumUp(jobs):
    """A callback of a batch."""
    return total(*jobs)


def renameDocument(result):
    """A callback that changes content of its site."""
    from zope.component.hooks import getSite

    document = getSite()["test-folder"]["doc"]
    document.title = str(result)
    document.reindexObject()


def spoilEverything(result):
    """A callback that leaves nothing as it was."""
    from AccessControl.SecurityManagement import noSecurityManager
    from zope.component.hooks import setSite
    from zope.globalrequest import clearRequest
    from zope.security.management import endInteraction

    noSecurityManager()
    setSite(None)
    clearRequest()
    endInteraction()


def appendAndFail(context, result):
    appendTo(context, result)
    raise RuntimeError("FooBared")


def addCallbackTo(context, job_id):
    """Add a callback to a job that has ended; return its result and who is here."""
    from plone.app.taskqueue.local import getQueue

    return getQueue().get(job_id).addCallback(whoIsCalled).result, wherever()


def annotate(job, word):
    """Write down something on the job that runs this; return its id."""
    job.annotations[word] = "own"
    return job.id
