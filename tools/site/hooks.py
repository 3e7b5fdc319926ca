"""mkdocs' hook: pages that lie outside docs/, the reference made from the code, and links between all of them.

It runs in the site's own virtual environment, which has mkdocs and not the project. The reference is therefore made
by the project's Python, anew at each build, so that it cannot be older than the code.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from tools.site.links import relink

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("OPTOUT_PYTHON", ROOT / ".venv" / "bin" / "python"))
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|link(?= [^>]*stylesheet))[^>]* (?:src|href)=["']((?:https?:)?//[^"']+)"""
)
BESIDE = {  # by their paths in the repository
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/gitlab/README.md": "gitlab.md",
    "examples/pulumi-cli/README.md": "pulumi-cli.md",
    "config/optouts.schema.json": "reference/optouts.schema.json",
    "voiceid_optout/plan/plan.schema.json": "reference/plan.schema.json",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of a folder where the navigation has an asterisk: a new decision needs no line there."""
    _fill(config.nav or [], Path(config.docs_dir))
    return config


def _fill(sections: list[dict[str, Any]], docs: Path) -> None:
    for section in sections:
        for title, entry in section.items():
            if isinstance(entry, list):
                _fill(entry, docs)
            elif "*" in entry:
                section[title] = [path.relative_to(docs).as_posix() for path in sorted(docs.glob(entry))]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies elsewhere in the repository, and what is made from the code."""
    for path, uri in BESIDE.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    for uri, text in _reference().items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to where things are on the site."""
    pages = {f"docs/{file.src_uri}": file.src_uri for file in files} | BESIDE
    source = {uri: path for path, uri in pages.items()}[page.file.src_uri]
    return relink(markdown, source, pages, config.repo_url or "")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 - mkdocs passes them by name
    """Refuse a page for which a reader's browser would ask somebody else."""
    if found := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} would fetch {found[1]}: everything must come from the site itself")
    return output


def _reference() -> dict[str, str]:
    command = [str(PYTHON), "-m", "tools.site.reference"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except OSError as error:
        raise PluginError(f"the reference needs the project's Python, {PYTHON}: `make docs` sets it up") from error
    except subprocess.CalledProcessError as error:
        raise PluginError(f"the reference cannot be made: {error.stderr.strip()}") from error
    made: dict[str, str] = json.loads(done.stdout)
    return made
