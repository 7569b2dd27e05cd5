"""What editors see on an object: the jobs about it, and that one of them has failed."""
