"""TLS by certificate files, which may be renewed while the service runs."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from voiceid_optout.service.errors import StartError
from voiceid_optout.service.secret_source import SecretError, read_private


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the certificate with the chain behind it, and its key without a passphrase."""

    certificate: Path
    key: Path

    def load_into(self, context: ssl.SSLContext) -> None:
        """Give the files to a context, whose next connections use them; raises StartError and changes nothing."""
        try:
            read_private(self.key)
        except SecretError as error:
            raise StartError(f"The TLS key cannot be used: {error}") from error
        try:
            # A pair that does not fit must not reach the context in use by halves.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, _no_passphrase)
            context.load_cert_chain(self.certificate, self.key, _no_passphrase)
        except ssl.SSLError as error:
            raise StartError(
                f"{self.certificate} and {self.key} are not a certificate and its key in PEM form: "
                f"{error.reason or 'unreadable'}."
            ) from error
        except OSError as error:
            raise StartError(f"{self.certificate} cannot be read: {error.strerror}.") from error

    def context(self) -> ssl.SSLContext:
        """Return a context for a server: TLS 1.2 or newer. Raises StartError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load_into(context)
        return context


def _no_passphrase() -> str:
    # Without this, OpenSSL would ask the terminal and the service would hang.
    raise StartError("The TLS key is encrypted; give one without a passphrase, readable by the service alone.")
