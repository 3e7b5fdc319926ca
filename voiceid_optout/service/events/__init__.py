"""Speaker events: recorded in the transaction that changes the speaker, delivered afterwards."""
