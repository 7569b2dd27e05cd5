"""Tasks that most sites want, one module each.

They work on the current site as the current user, and ask for the permissions that the
same work needs in a browser.
"""
