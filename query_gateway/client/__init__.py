"""The Python client: signs requests, checks receipts.

with Client(read_client_settings(None, {})) as client:
    answer = client.query("SELECT COUNT(*) FROM records", {"epsilon": "0.5"})
"""
