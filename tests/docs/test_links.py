"""Links of the repository become links of the site."""

from tests.tables import each_row
from tools.site.links import relink

PAGES = {
    "README.md": "readme.md",
    "docs/plan.md": "plan.md",
    "docs/adr/0001-one.md": "adr/0001-one.md",
    "docs/images/up.svg": "images/up.svg",
    "examples/gitlab/README.md": "gitlab.md",
}


@each_row(
    ("source", "text", "expected"),
    [
        ("README.md", "[plans](docs/plan.md)", "[plans](plan.md)"),
        ("README.md", "![up](docs/images/up.svg)", "![up](images/up.svg)"),
        ("docs/plan.md", "[a](../README.md#inside) [b](plan.md#forms)", "[a](readme.md#inside) [b](plan.md#forms)"),
        ("docs/adr/0001-one.md", "[plans](../plan.md)", "[plans](../plan.md)"),
        ("examples/gitlab/README.md", "[plans](../../docs/plan.md)", "[plans](plan.md)"),
        ("docs/plan.md", "[code](../voiceid_optout/cli/up.py)", "code"),
        ("docs/plan.md", "[wrong](plam.md)", "[wrong](plam.md)"),
        ("docs/plan.md", r"| `a\|b` | c\|d |", r"| `a|b` | c\|d |"),
        (
            "docs/plan.md",
            "[there](#forms) [far](https://example.org/a)",
            "[there](#forms) [far](https://example.org/a)",
        ),
        (
            "docs/plan.md",
            "```\n[code](../README.md)\n```\n[a](../README.md)",
            "```\n[code](../README.md)\n```\n[a](readme.md)",
        ),
    ],
)
def test_a_link_leads_to_where_things_are(source: str, text: str, expected: str) -> None:
    assert relink(text, source, PAGES, "") == expected


def test_what_is_on_no_page_is_shown_at_the_forge_if_there_is_one() -> None:
    linked = relink("[code](../voiceid_optout/cli/up.py)", "docs/plan.md", PAGES, "https://example.org/a/b/")
    assert linked == "[code](https://example.org/a/b/blob/HEAD/voiceid_optout/cli/up.py)"
