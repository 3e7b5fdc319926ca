"""The API over HTTP: requests in, answers out, and the admin port beside it."""
