"""Snapshots: loaded, validated, pseudonymised, encrypted, withdrawn, destroyed."""
