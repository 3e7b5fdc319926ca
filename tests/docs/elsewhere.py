"""Commands of the documentation that the tests do not run, each with the reason; what can be checked of them is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.docs.pages import Command

IN_PRODUCTION = "names folders of a machine in production: run on others by tests/service/test_cli_serve_*.py"
OFFICIAL = "needs the Pulumi CLI: run by `make test-official`"
REASONS = {  # by the beginning of a command
    r"pulumi (?:-C platform )?up --stack dev": "another project: run by tests/e2e/test_examples.py",
    r"optout up --stack dev": "another project: run by tests/package/test_package.py",
    r"cd examples/postgres": "makes secrets for containers",
    r"openssl rand -hex 24 > secrets": "makes secrets for containers",
    r"echo \"postgresql://voiceid:": "makes secrets for containers",
    r"cp /path/to/": "copies the reader's certificate",
    r"pulumi (?!.*--stack guardrails)": OFFICIAL,
    r"pulumi .*--stack guardrails": "makes roles in an AWS account",
    r"(?:optout serve|\(umask).*(?:/var/lib/voiceid|/etc/voiceid|/run/secrets)": IN_PRODUCTION,
    r"git push": "pushes to the reader's forge",
    r"make (?:test|check)": "would run these tests within themselves",
    r"pipx? install": "needs a package registry",
    r"\S*pip install": "needs a package registry",
    r"(?:env (?:-u \w+ )+\\\n +)?aws (?:s3|s3api|sso|sts|ecr|kms) ": "needs an AWS account",
    r"sudo |(?:systemctl|journalctl|useradd|install) ": "changes the machine",
    r"(?:docker|podman|buildah|kubectl) ": "needs containers",
    r"(?:psql|pg_dump|pg_restore|createdb|createuser) ": "needs the reader's PostgreSQL server",
    r"make (?:torture|audit|mutation)": "takes minutes or hours, or needs services of the network",
    r"(?:OPTOUT_SEED=\d+ )?python -m (?:benchmarks|tests)\.": "measures or records for minutes",
}


def reason(command: Command) -> str | None:
    """Return why a command is not run here; None says that it is."""
    return next((why for pattern, why in REASONS.items() if re.match(pattern, command.text)), None)
