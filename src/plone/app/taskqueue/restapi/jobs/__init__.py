"""``@jobs`` of a site: the jobs of everybody, one of them, and what is done to them."""
