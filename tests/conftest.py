import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does: no timed assertions in tests.
settings.register_profile("winnow", deadline=None)
settings.load_profile("winnow")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
