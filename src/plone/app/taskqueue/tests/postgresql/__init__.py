"""Several processes on one PostgreSQL server, which may go away and come back."""
