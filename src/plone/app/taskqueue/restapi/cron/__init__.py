"""``@cron`` of a site: its cron jobs, new ones, and what is done to them."""
