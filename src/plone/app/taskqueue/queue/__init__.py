"""The engine: queues, leases, quotas, retention.  ZODB and BTrees only."""
