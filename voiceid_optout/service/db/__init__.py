"""The database: what lies in it, and transactions that many requests share."""
