"""A query from its request to its answer: read, decided, priced, run, released and shown."""
