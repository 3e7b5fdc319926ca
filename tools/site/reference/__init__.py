"""The reference pages, made from the code and its schemas: Markdown by its path on the site."""

from tools.site.reference.commands import commands_page
from tools.site.reference.exit_codes import exit_codes_page
from tools.site.reference.faults import faults_page
from tools.site.reference.metrics import metrics_page
from tools.site.reference.schemas import plan_page, register_page


def pages() -> dict[str, str]:
    """Return every page of the reference."""
    return {
        "reference/commands.md": commands_page(),
        "reference/exit-codes.md": exit_codes_page(),
        "reference/faults.md": faults_page(),
        "reference/register.md": register_page(),
        "reference/plan.md": plan_page(),
        "reference/metrics.md": metrics_page(),
    }
