"""The control panel of a site's administrators: a tab for each thing to look at."""
