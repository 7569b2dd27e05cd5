"""What members see: their own jobs, and what they can do to them."""
