"""The packages whose histories are searched, and a virtual environment for each with what its tests import."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .history import Repository

_TOOLS = """
    pytest>=8.3,<9 coverage hypothesis pytest-mock pytest-asyncio pytest-timeout mock pytz tzdata python-dateutil PyYAML
    setuptools<80
""".split()

PROJECTS: Mapping[str, tuple[str, str]] = {
    "apispec": ("marshmallow-code/apispec", "marshmallow<4 openapi-spec-validator prance packaging"),
    "bidict": ("jab/bidict", "sortedcollections sortedcontainers typing_extensions"),
    "bottle": ("bottlepy/bottle", "jinja2 mako"),
    "cmd2": ("python-cmd2/cmd2", "pyperclip wcwidth attrs colorama rich rich-argparse typing_extensions prompt_toolkit"),
    "construct": ("construct/construct", "numpy cloudpickle lz4 ruamel.yaml arrow cryptography"),
    "croniter": ("pallets-eco/croniter", "tzlocal"),
    "deepdiff": ("seperman/deepdiff", "orderly-set numpy jsonpickle pydantic click tomli-w toml clevercsv orjson pandas ordered-set"),
    "dictdiffer": ("inveniosoftware/dictdiffer", "numpy"),
    "dpath": ("dpath-maintainers/dpath-python", "nose2"),
    "falcon": ("falconry/falcon", "msgpack requests httpx jsonschema testtools websockets uvicorn aiofiles cbor2 mujson"),
    "freezegun": ("spulec/freezegun", ""),
    "furl": ("gruns/furl", "orderedmultidict six"),
    "glom": ("mahmoud/glom", "attrs boltons face tomli"),
    "graphql-core": ("graphql-python/graphql-core", "pytest-describe pytest-benchmark typing_extensions"),
    "holidays": ("vacanza/holidays", "korean-lunar-calendar hijri-converter convertdate hijridate numpy"),
    "icalendar": ("collective/icalendar", "typing_extensions"),
    "intervaltree": ("chaimleib/intervaltree", "sortedcontainers"),
    "isort": ("PyCQA/isort", "colorama toml tomli natsort pylama libcst hypothesmith typing_extensions"),
    "jmespath": ("jmespath/jmespath.py", ""),
    "jsonpickle": ("jsonpickle/jsonpickle", "numpy pandas sqlalchemy simplejson ujson feedparser"),
    "markdown2": ("trentm/python-markdown2", "pygments wavedrom latex2mathml"),
    "natsort": ("SethMMorton/natsort", "fastnumbers"),
    "num2words": ("savoirfairelinux/num2words", "docopt delegator.py pexpect"),
    "parsimonious": ("erikrose/parsimonious", "regex"),
    "petl": ("petl-developers/petl", ""),
    "pint": ("hgrecco/pint", "numpy uncertainties pytest-subtests appdirs platformdirs flexparser flexcache babel"),
    "portion": ("AlexandreDecan/portion", "sortedcontainers"),
    "pypdf": ("py-pdf/pypdf", "pillow cryptography pytest-socket fpdf2"),
    "pyrsistent": ("tobgu/pyrsistent", ""),
    "python-box": ("cdgriffith/Box", "msgpack toml tomli tomli-w ruamel.yaml"),
    "responses": ("getsentry/responses", "requests urllib3 pytest-httpserver tomli tomli-w toml six"),
    "rfc3986": ("python-hyper/rfc3986", "idna"),
    "rich": ("Textualize/rich", "attrs pygments markdown-it-py commonmark typing_extensions colorama"),
    "semver": ("python-semver/python-semver", ""),
    "sqlite-utils": ("simonw/sqlite-utils", "click click-default-group sqlite-fts4 tabulate pluggy cogapp"),
    "starlette": ("encode/starlette", "httpx<0.28 requests anyio trio itsdangerous jinja2 python-multipart typing_extensions"),
    "tablib": ("jazzband/tablib", "markuppy odfpy openpyxl<3.2 tabulate xlrd xlwt pandas"),
    "textdistance": ("life4/textdistance", "numpy"),
    "webargs": ("marshmallow-code/webargs", "marshmallow<4 flask bottle falcon webtest tornado packaging"),
    "wtforms": ("wtforms/wtforms", "markupsafe babel email-validator webob sqlalchemy"),
}  # fmt: skip
"""Package -> repository and what its tests need beyond the package's own requirements."""


def locate(mirrors: Path, package: str) -> Repository:
    """The package's git directory: `OWNER+NAME/repo` or `OWNER+NAME` below `mirrors`."""
    name = PROJECTS[package][0]
    folder = mirrors / name.replace("/", "+")
    return Repository(name, folder / "repo" if (folder / "repo").is_dir() else folder)


def make_environment(folder: Path, package: str) -> Path:
    """The interpreter of `folder/venvs/PACKAGE`, made at the first call. The package itself is not left in it.

    Raises:
        subprocess.CalledProcessError: pip could not install what the tests need.
    """
    home = folder.resolve() / "venvs" / package
    python = home / "bin" / "python"
    if (home / "ready").exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, package, *_TOOLS, *PROJECTS[package][1].split()], check=True)
    subprocess.run([str(python), "-c", _KEEP_METADATA_ONLY, package], check=True)
    (home / "ready").touch()
    return python


# The tree under test must be the only copy that can be imported; its version is still asked for by some packages.
_KEEP_METADATA_ONLY = """
import importlib.metadata, sys
for file in importlib.metadata.files(sys.argv[1]) or ():
    if file.suffix in {".py", ".so", ".pth"} or file.name == "entry_points.txt":
        file.locate().unlink(missing_ok=True)
"""
