"""The door: HTTP, formats, the client and the command. Holds no data, keys, budget or noise."""
