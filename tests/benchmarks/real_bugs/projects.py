"""The packages whose histories are searched, and an environment with what their tests import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .history import Repository

PROJECTS: Mapping[str, str] = {
    "apispec": "marshmallow-code/apispec",
    "bidict": "jab/bidict",
    "bottle": "bottlepy/bottle",
    "cmd2": "python-cmd2/cmd2",
    "construct": "construct/construct",
    "croniter": "pallets-eco/croniter",
    "deepdiff": "seperman/deepdiff",
    "dictdiffer": "inveniosoftware/dictdiffer",
    "dpath": "dpath-maintainers/dpath-python",
    "falcon": "falconry/falcon",
    "freezegun": "spulec/freezegun",
    "furl": "gruns/furl",
    "glom": "mahmoud/glom",
    "graphql-core": "graphql-python/graphql-core",
    "holidays": "vacanza/holidays",
    "icalendar": "collective/icalendar",
    "intervaltree": "chaimleib/intervaltree",
    "isort": "PyCQA/isort",
    "jmespath": "jmespath/jmespath.py",
    "jsonpickle": "jsonpickle/jsonpickle",
    "natsort": "SethMMorton/natsort",
    "num2words": "savoirfairelinux/num2words",
    "parsimonious": "erikrose/parsimonious",
    "petl": "petl-developers/petl",
    "pint": "hgrecco/pint",
    "portion": "AlexandreDecan/portion",
    "pypdf": "py-pdf/pypdf",
    "pyrsistent": "tobgu/pyrsistent",
    "python-box": "cdgriffith/Box",
    "responses": "getsentry/responses",
    "rfc3986": "python-hyper/rfc3986",
    "rich": "Textualize/rich",
    "semver": "python-semver/python-semver",
    "sqlite-utils": "simonw/sqlite-utils",
    "starlette": "encode/starlette",
    "tablib": "jazzband/tablib",
    "textdistance": "life4/textdistance",
    "webargs": "marshmallow-code/webargs",
    "wtforms": "wtforms/wtforms",
}
"""Package -> repository. `engine.train.denied` keeps each of them out of the training data."""

_TOOLS = """
    pytest>=8.3,<9 coverage hypothesis pytest-mock pytest-asyncio pytest-timeout pytest-describe
    pytest-benchmark pytest-subtests pytest-httpserver mock pytz tzdata python-dateutil PyYAML
    setuptools<80 packaging typing_extensions
"""
_IMPORTED = """
    marshmallow<4 sortedcontainers sortedcollections jinja2 pyperclip wcwidth attrs colorama rich
    rich-argparse numpy tzlocal orderly-set ordered-set click tomli tomli-w toml orjson msgpack
    requests httpx<0.28 aiofiles orderedmultidict six boltons face natsort simplejson regex
    uncertainties appdirs platformdirs flexparser flexcache ruamel.yaml idna click-default-group
    sqlite-fts4 tabulate pluggy anyio trio itsdangerous python-multipart openpyxl xlrd xlwt markuppy
    odfpy markupsafe email-validator webob docopt delegator.py testtools jsonschema pandas pydantic
    uuid6
"""


def locate(mirrors: Path, package: str) -> Repository:
    """The package's git directory: `OWNER+NAME/repo` or `OWNER+NAME` below `mirrors`."""
    name = PROJECTS[package]
    folder = mirrors / name.replace("/", "+")
    return Repository(name, folder / "repo" if (folder / "repo").is_dir() else folder)


def make_environment(folder: Path) -> Path:
    """The interpreter of `folder/venv`, made at the first call.

    The packages themselves are installed for their metadata; the tree under test goes first.

    Raises:
        subprocess.CalledProcessError: pip could not install what the tests need.
    """
    home = folder.resolve() / "venv"
    python = home / "bin" / "python"
    if (home / "ready").exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, *_TOOLS.split(), *_IMPORTED.split()], check=True)
    subprocess.run([*pip, "--no-deps", *(set(PROJECTS) - {"rich", "natsort"})], check=True)
    (home / "ready").touch()
    return python
