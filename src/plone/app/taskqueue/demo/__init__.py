"""The demonstration behind ``make demo``: real jobs on a real site, checked at the end."""
