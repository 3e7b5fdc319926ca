import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.running import Service, thread
from voiceid_optout.service.settings import AccessSettings, Limits

NODE_FOLDER = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("clients")
    (folder / "objects").mkdir()
    # One quota, of a call that the scenarios make seldom: so that it can be met, and does not get in the way.
    access = AccessSettings(rates={"DeleteFraudster": 2})
    with thread(folder / "data", Limits(domains=100), objects=str(folder / "objects"), access=access) as running:
        yield running


@pytest.fixture
def objects(service: Service) -> Path:
    """The folder in which the service's jobs find their files."""
    return service.data.parent / "objects"


@pytest.fixture
def domain(service: Service) -> str:
    return service.new_domain()


@pytest.fixture
def environment(service: Service, tmp_path: Path) -> dict[str, str]:
    """Only what points a client at the service: nothing of the machine's own AWS settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        **service.running.environment(),
    }


@pytest.fixture
def aws_cli() -> str:
    """The path of a Python that has the AWS CLI, from OPTOUT_AWS_CLI: its script fails in a path with a space."""
    path = os.environ.get("OPTOUT_AWS_CLI")
    if not path or shutil.which(path) is None:
        pytest.skip("OPTOUT_AWS_CLI names no executable: run make test-clients")
    return path


@pytest.fixture
def node() -> str:
    """The path of Node.js, with the SDK installed for the script."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("Node.js is not installed")
    if not (NODE_FOLDER / "node_modules").is_dir():
        pytest.skip("tests/clients/node has no node_modules: run make test-clients")
    return path
