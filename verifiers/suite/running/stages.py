"""How much a test server does before it forks; the more, the less is left to every run."""

from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["imports", "plugins", "session"]
"""`imports`: third-party modules are imported. `plugins`: pytest has read its configuration and loaded its plugins, too.
`session`: it has imported the initial conftest files, and would collect."""
