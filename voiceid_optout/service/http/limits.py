"""What one connection, and all of them together, may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Sizes in bytes, times in seconds. The size of a body is the application's business.

    ``request_seconds`` is for a whole request to arrive, from its first byte or from the opening of the connection,
    and for a client to take its answer.
    """

    connections: int = 1000
    header_bytes: int = 16 * 1024
    request_seconds: float = 20.0
    idle_seconds: float = 60.0
