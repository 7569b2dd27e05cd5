"""Functions that jobs of the tests call."""

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
