"""Make repositories of the templates of ``optout init``, for tools that check them: ``-m tools.rendered FOLDER``.

There is one for each forge, with and without what may be left out, and one whose names YAML reads otherwise.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from voiceid_optout.cli.init_files import PRODUCTION, SANDBOX_DOMAIN, SANDBOX_STACK, Answers, Forge, render

_PLAIN = Answers(
    name="register",
    stack=PRODUCTION,
    region="eu-central-1",
    domain_id=SANDBOX_DOMAIN,
    endpoint="https://voiceid.example.org",
)
_PIPELINE = f"example/voiceid-optout@{'0123456789' * 4}"
_HOSTED = replace(_PLAIN, forge=Forge.GITHUB, workflows=_PIPELINE)
CASES = {
    "none": _PLAIN,
    "sandbox": replace(_PLAIN, stack=SANDBOX_STACK, endpoint=None),
    "github": _HOSTED,
    "github-full": replace(
        _HOSTED, backend="s3://states/a?region=eu-central-1&b=c", owners="@example/privacy @ann"
    ),
    "github-odd": replace(_HOSTED, name="Yes", stack="1.0", branch="null", domain_id="1" * 22),
    "gitlab": replace(_HOSTED, forge=Forge.GITLAB, workflows=f"group/{_PIPELINE}"),
}


def main(folder: Path) -> None:
    """Write all of them below a folder."""
    for case, answers in CASES.items():
        for path, text in render(answers).items():
            target = folder / case / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
