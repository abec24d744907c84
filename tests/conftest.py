from collections.abc import Iterator

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does: no timed assertions in tests.
settings.register_profile("winnow", deadline=None)
settings.load_profile("winnow")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests keep of the bases that they measure is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
