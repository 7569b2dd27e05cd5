"""Pages of Zope's management interface."""
