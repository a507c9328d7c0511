"""Vitrine beside plain DuckDB: data, workloads, measured results."""
