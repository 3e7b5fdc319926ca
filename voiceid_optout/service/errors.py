"""What the service raises: answers meant for the caller, and faults of the service itself."""

from collections.abc import Mapping, Sequence

MODELLED = "com.amazonaws.voiceid#"
FRAMEWORK = "com.amazon.coral.service#"


class ServiceError(Exception):
    """Root of this package's errors."""


class StartError(ServiceError):
    """The service cannot start; the text says why and what to do."""


class DataLockedError(StartError):
    """Another service holds the data folder."""


class ApiError(ServiceError):
    """An answer other than success. ``code`` is a shape of the model; texts never carry a person's identifier."""

    namespace = MODELLED
    text_key = "Message"
    headers: Sequence[tuple[bytes, bytes]] = ()

    def __init__(
        self, code: str, text: str, *, status: int = 400, members: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.members = dict(members or {})

    def body(self) -> dict[str, str]:
        """Return the JSON members of the error's body, ``__type`` (the absolute shape id) first."""
        return {"__type": self.namespace + self.code, **self.members, self.text_key: self.text}


class FrameworkError(ApiError):
    """An answer of the layer in front of the operations: no such shape in the model, lower-case ``message``."""

    namespace = FRAMEWORK
    text_key = "message"


def invalid(text: str) -> ApiError:
    return ApiError("ValidationException", text)


def denied(text: str) -> ApiError:
    return ApiError("AccessDeniedException", text)


def quota_exceeded(text: str) -> ApiError:
    return ApiError("ServiceQuotaExceededException", text)


_MISSING = {
    "DOMAIN": "There is no domain with this id in the service.",
    "SPEAKER": "The domain has no speaker with this id.",
    "WATCHLIST": "The domain has no watchlist with this id.",
    "FRAUDSTER": "The domain has no fraudster with this id.",
    "BATCH_JOB": "The domain has no job of this kind with this id.",
    "SESSION": "The domain has no session with this name or id.",
}


def not_found(resource_type: str) -> ApiError:
    """Return the answer to a request for something that is not there; the type is one of the model's."""
    members = {"ResourceType": resource_type}
    return ApiError("ResourceNotFoundException", _MISSING[resource_type], members=members)


def conflict(conflict_type: str, text: str) -> ApiError:
    return ApiError("ConflictException", text, members={"ConflictType": conflict_type})


def domain_not_active() -> ApiError:
    return conflict("DOMAIN_NOT_ACTIVE", "The domain is not active.")


def concurrent_changes() -> ApiError:
    return conflict(
        "CONCURRENT_CHANGES",
        "The request could not be processed as the resource was modified by another request during execution.",
    )


def internal() -> ApiError:
    return ApiError("InternalServerException", "The service could not complete the request; try again.", status=500)


def serialization(text: str) -> FrameworkError:
    return FrameworkError("SerializationException", text)


def unknown_operation(status: int = 400) -> FrameworkError:
    return FrameworkError("UnknownOperationException", "", status=status)


def signature_incomplete(text: str) -> FrameworkError:
    return FrameworkError("IncompleteSignatureException", text)


def client_unknown(text: str) -> FrameworkError:
    return FrameworkError("UnrecognizedClientException", text)


def signature_invalid(text: str) -> FrameworkError:
    return FrameworkError("InvalidSignatureException", text)
