"""Services of plone.restapi: jobs, queues and workers as JSON, one verb a module.

``docs/reference/rest.md`` tells them one by one.  They know no other way to the jobs than
``IAdministration``, so that nobody sees or does here what the pages would refuse.
"""
