"""A durable service that speaks Amazon Connect Voice ID's protocol.

Importing this package is cheap on purpose; ``optout.service.server`` brings in the web server and the database.
"""
