"""What people see in a Plone site: the control panel, their own jobs, jobs of content."""
