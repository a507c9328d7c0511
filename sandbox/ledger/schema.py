"""The one database: registry, ledger, stored releases and log, so that one transaction covers a charge and its leaf."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
