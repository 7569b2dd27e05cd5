"""The pages of members and editors, as several people."""
