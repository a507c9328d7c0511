"""The front end: signed SQL to a typed plan, in a child process that can be killed."""
