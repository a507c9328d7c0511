"""How hard hypothesis searches: `make test` with "test", `make fuzz` with "fuzz"."""

from hypothesis import settings

settings.register_profile("test", deadline=None, max_examples=100)
settings.register_profile("fuzz", deadline=None, max_examples=10_000)
settings.load_profile("test")
