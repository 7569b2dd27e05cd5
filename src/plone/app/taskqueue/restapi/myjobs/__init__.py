"""``@my-jobs`` of a site: the jobs of whoever is logged in."""
