"""The Python client: signs requests, checks receipts."""
