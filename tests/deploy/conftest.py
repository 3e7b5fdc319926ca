"""Makes the database of the service's tests known to this folder."""

from tests.service.conftest import database_url, postgres  # noqa: F401 - found by name
