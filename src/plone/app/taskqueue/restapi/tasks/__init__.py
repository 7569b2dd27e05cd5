"""``@tasks`` of a site: what its task services can do, and with which input."""
