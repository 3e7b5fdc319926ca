"""The operations of the API, and the service's own, on a database transaction."""
