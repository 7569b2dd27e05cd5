"""Waking workers across processes where RelStorage keeps the database in PostgreSQL.

A ZEO server tells its clients of each commit; PostgreSQL tells nobody by itself.  So a
process that has queued jobs sends a ``NOTIFY``, and those that run jobs ``LISTEN``.
Nothing depends on it: a notice that is lost costs the time to the next poll.
"""
