"""Other queues, each with its own workers, whose jobs do what ours do."""
