"""The pages in a real browser: a Plone site, a web server, workers and Chromium."""
