"""Fixtures: the projects of tests/cli on a running service, here with real engines."""

# ruff: noqa: F401 - pytest finds fixtures by their names

from tests.cli.conftest import _no_settings, domain, live, service
