"""The number of examples: few by default, many with a profile.

``pytest --hypothesis-profile=thorough`` of this folder takes some ten minutes.
"""

from hypothesis import settings


settings.register_profile("thorough", max_examples=2_000, deadline=None)
