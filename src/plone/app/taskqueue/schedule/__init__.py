"""When cron jobs are due: pure values.  No Plone, no ZODB, no threads, no clock."""
