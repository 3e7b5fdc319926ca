"""Makes the fixtures known to this folder."""

from tests.providers.fixtures import configured, configured_shards  # noqa: F401 - found by name
from tests.voiceid.fixtures import (  # noqa: F401 - found by name
    aws_environment,
    client,
    clock,
    closed_port,
    connect,
    domain,
    live,
    live_service,
    serve,
)
