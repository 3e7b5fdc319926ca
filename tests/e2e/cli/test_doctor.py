from tests.cli.projects import NAME, Project
from voiceid_optout.cli.doctor import examine
from voiceid_optout.state.backend import Backend


def test_the_state_of_a_run_is_read(live: Project) -> None:
    assert live.run("up", "--yes").exit_code == 0
    found = {finding.subject: finding for finding in examine(live.context(PATH=""))}["state"]
    size = Backend(live.state_folder, NAME, "test").state_file.stat().st_size
    assert (found.verdict, found.text) == ("ok", f"4 resources, {size:,} bytes")
