"""The directory of jobs: by state, and by whose they are, what they do and on what."""
