"""Attacks on the pages, as several people."""
