"""GenericSetup: services, their settings and their cron jobs as a file of a profile."""
