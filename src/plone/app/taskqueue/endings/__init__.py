"""What users are told when their jobs end: on the next page, and by mail."""
