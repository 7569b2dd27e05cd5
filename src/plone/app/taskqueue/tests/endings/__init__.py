"""What users are told when their jobs end."""
