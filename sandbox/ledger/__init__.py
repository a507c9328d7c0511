"""Accounts, charges and stored releases, written by one writer."""
