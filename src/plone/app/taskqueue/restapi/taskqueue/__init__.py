"""``@taskqueue`` of a site: how it stands, and the pause of a queue."""
