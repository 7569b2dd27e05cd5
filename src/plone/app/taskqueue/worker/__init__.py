"""Worker processes: a parent that keeps children running, and the children that run jobs."""
