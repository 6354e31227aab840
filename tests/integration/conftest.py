import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.process import remove  # noqa: E402
from harness.servers import Postgres  # noqa: E402


# The files that take minutes, so that neither worker waits for the other at the end.
LONG = ["watch_test.py", "disk_test.py", "trouble_test.py", "quickstart_test.py"]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    item.wrong = getattr(item, "wrong", False) or report.failed


@pytest.fixture(autouse=True)
def tidy(request, tmp_path_factory):
    """What a test wrote is removed at once, so that a run needs little disk; a failed one's stays."""
    base = tmp_path_factory.getbasetemp()
    before = set(base.iterdir())
    yield
    if not getattr(request.node, "wrong", False):
        for folder in set(base.iterdir()) - before:
            remove(folder)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The PostgreSQL of this run."""
    pg = Postgres(tmp_path_factory.mktemp("pg") / "server").start()
    yield pg
    pg.remove()


@pytest.fixture
def postgres(server):
    """Running at the start of each test, whatever the last one did to it."""
    server.start()
    return server


@pytest.fixture
def make_site(tmp_path_factory, postgres):
    """make_site(change=None) -> a Site that is stopped at the end of the test."""
    from harness.site import Site
    made = []

    def make(change=None):
        made.append(Site(tmp_path_factory.mktemp("site") / "s", postgres, change))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site):
    """Prepared (broker up, migrated, applied); lanes are started by the test."""
    return make_site().prepare()
