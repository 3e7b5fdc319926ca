"""Sockets, TLS and HTTP: how requests come in, and what a connection may cost."""
