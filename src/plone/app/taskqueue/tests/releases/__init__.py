"""Databases that other versions have made, and what today's code makes of them."""
