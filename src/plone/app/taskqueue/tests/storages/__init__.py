"""The engine on each storage that a site may have."""
