"""A durable service that speaks Amazon Connect Voice ID's protocol.

Importing this package is cheap on purpose; ``voiceid_optout.service.server`` brings in the web server and the
database.
"""
