"""Renders every policy of the guardrails and lets parliament judge it; prints what it finds.

Run as ``python -m tools.policies PARLIAMENT``. parliament has AWS's actions, resources and conditions with it and
asks nobody. Trust policies, which have no resource, it does not know; those are for the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from voiceid_optout.providers import guardrail_policies as policies
from voiceid_optout.providers.guardrail_settings import GuardrailSettings

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def settings() -> list[GuardrailSettings]:
    """Return settings that bring out every statement there is."""
    choices = product((False, True), (None, KEY), (None, "s3://states/optouts"))
    return [
        GuardrailSettings.parse(
            {
                "account": "111122223333",
                "repository": "example/optouts",
                "releases": releases,
                "domainKey": key,
                "stateUrl": state,
            },
            stack="production",
            region="eu-central-1",
            domains=["UcUuCPFOsAjzg9xoByUatN", "AbCdEfGhIjKlMnOpQrStUv"],
        )
        for releases, key, state in choices
    ]


def documents() -> dict[str, policies.Document]:
    """Return every document by a name."""
    kinds = (
        *(policies.preview_permissions, policies.apply_permissions),
        *(policies.log_policy, policies.topic_policy),
    )
    made = {}
    for number, each in enumerate(settings()):
        made |= {f"{kind.__name__}-{number}": kind(each) for kind in kinds}
    return made


def main(parliament: str) -> int:
    """Judge all documents; returns the linter's exit status."""
    # A policy that is at fault must be found, or the linter's silence says nothing.
    fault = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "voiceid:OptOut", "Resource": "*"}}
    if "Unknown action" not in judge(parliament, {"fault": fault}).stdout:
        print("parliament does not find the fault in a policy that has one")
        return 1
    made = documents()
    done = judge(parliament, made)
    print(done.stdout, done.stderr, sep="", end="")
    print(f"{len(made)} policies: {'not clean' if done.returncode else 'clean'}")
    return done.returncode


def judge(parliament: str, made: dict[str, policies.Document]) -> subprocess.CompletedProcess[str]:
    """Run parliament over documents."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}  # of its own way to find its files
    with TemporaryDirectory() as folder:
        for name, document in made.items():
            Path(folder, f"{name}.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
        command = [parliament, "--include-community-auditors", "--directory", folder]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
