"""Institutions, people, signing keys and licences as state, changed by transactions."""
