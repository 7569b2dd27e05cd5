"""The jobs of an object: ``@jobs`` of content, and what content tells of them."""
