"""How hard hypothesis searches: `make test` with "test", the same cases each time; `make fuzz` with "fuzz", others."""

from hypothesis import settings

settings.register_profile("test", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=10_000, print_blob=True)
settings.load_profile("test")
