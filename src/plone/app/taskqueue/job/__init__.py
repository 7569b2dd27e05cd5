"""The domain: jobs, their states and failures.  No Plone, no threads, no queue."""
