"""The repositories that `make lint-workflows` looks at."""

from pathlib import Path

import yaml

from tools.rendered import CASES, main
from voiceid_optout.cli.init_files import Forge, render


def test_every_forge_is_among_them_and_all_files_are_written(tmp_path: Path) -> None:
    main(tmp_path)
    assert {answers.forge for answers in CASES.values()} == set(Forge)
    for case, answers in CASES.items():
        for path, text in render(answers).items():
            assert (tmp_path / case / path).read_text(encoding="utf-8") == text
    odd = yaml.safe_load((tmp_path / "github-odd" / ".github" / "workflows" / "up.yml").read_text(encoding="utf-8"))
    assert odd[True]["push"]["branches"] == ["null"]
