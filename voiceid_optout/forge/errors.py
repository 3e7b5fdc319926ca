"""What can go wrong on the way to the forge: one root, one class a cause.

No message carries the token or an identifier of a person, so every one of them may be shown and logged.
"""
# ruff: noqa: N818 - named for what is the case, which reads better in an except clause than a row of Errors


class ForgeError(Exception):
    """Root of all errors of this package; the text is one line that says what to do."""


class SettingsInvalid(ForgeError):
    """A variable or option is missing or malformed; nothing was sent."""


class NotAuthenticated(ForgeError):
    """The forge does not accept the token (401)."""


class NotPermitted(ForgeError):
    """The token is good but may not do this (403)."""


class NotFound(ForgeError):
    """There is no such thing, or the token may not see it (404, 410)."""


class Rejected(ForgeError):
    """The forge found the request wrong (other 4xx)."""


class RateLimited(ForgeError):
    """The forge wants to be left alone for longer than a run can wait (403 or 429)."""


class Unreachable(ForgeError):
    """No answer: refused, unknown host, timeout, TLS, cut connection."""


class ServiceFailed(ForgeError):
    """The forge failed (5xx) after all retries."""


class UnexpectedAnswer(ForgeError):
    """The answer is not one that the API gives: most likely something else answers there."""


class IdentifierInText(ForgeError):
    """A text that was to be posted carries the identifier of a person; nothing was posted."""


class NotReviewed(ForgeError):
    """No plan was shown to the people who merged, or not for the commit that they merged."""
