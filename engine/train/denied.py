"""What must never be learnt from: benchmark repositories, withheld packages, withheld functions by hash."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

_BENCHMARKS = """
    quixbugs human-eval humaneval evalplus mbpp bugsinpy swebench swe-bench defects4j livecodebench
    astropy django flask matplotlib pylint pytest requests scikit-learn seaborn sphinx sympy xarray
    ansible black cookiecutter fastapi httpie keras luigi pandas pysnooper sanic scrapy spacy thefuck tornado tqdm
    youtube-dl
"""
"""The benchmarks, and every project that SWE-bench and BugsInPy took their bugs from."""

_HELD_OUT = """
    jmespath glom natsort intervaltree portion textdistance semver dictdiffer furl croniter hyperlink webcolors
    pytimeparse isodate num2words rfc3986 parsimonious pyrsistent bidict construct rich deepdiff jsonpickle icalendar
    pyfakefs graphql-core falcon webargs apispec wtforms pypdf pint cmd2 sqlite-utils isort babel markdown2 bottle
    python-box petl tablib holidays dpath freezegun responses starlette
"""
"""Packages of our own evaluations: held-out mutants and real bugs."""

_IMPORT_NAMES = "attr dateutil dotenv slugify markdown_it tomllib ensurepip box graphql sklearn"
"""Import names of packages of the lists that differ from the names on the index."""

_VENDOR_FOLDER = re.compile(r"_?(vendor(ed|s)?|extern(al|als)?|third_?party|site-packages)(_.*)?")
_COMMON_MODULES = frozenset(
    {"parse", "schema", "click", "black", "construct", "arrow", "responses", "holidays"}
)
"""Names of the lists that are also everyday names of modules."""

_TOKEN = re.compile(r"[A-Za-z_]+|\d+|[^\sA-Za-z_\d]")
_SHARE_OF_WITHHELD, _SHARE_OF_OWN = 0.45, 0.60


@dataclass(frozen=True, slots=True)
class DenyList:
    """Packages by name and functions by their hashed token 5-grams."""

    packages: frozenset[str]
    withheld: tuple[frozenset[str], ...] = ()
    gram_index: frozenset[str] = frozenset()

    def has_package(self, name: str) -> bool:
        """True for a package that stays out in every version."""
        return normalise_name(name) in self.packages

    def has_path(self, path: str) -> bool:
        """True for a file that looks like a copy of another project, or like a part of a package that stays out."""
        *folders, file = path.split("/")
        if any(
            _VENDOR_FOLDER.fullmatch(folder.lower()) or self.has_package(folder)
            for folder in folders
        ):
            return True
        stem = file.removesuffix(".py")
        return stem not in _COMMON_MODULES and self.has_package(stem)

    def is_withheld(self, source: str) -> bool:
        """True when the function covers, or lies in, a withheld one."""
        if not self.withheld:
            return False
        own = grams(source)
        smallest = _SHARE_OF_WITHHELD * min(map(len, self.withheld))
        if len(own & self.gram_index) < min(_SHARE_OF_OWN * len(own), smallest):
            return False
        return any(
            len(own & theirs) >= _SHARE_OF_WITHHELD * len(theirs)
            or len(own & theirs) >= _SHARE_OF_OWN * len(own)
            for theirs in self.withheld
        )


def load_deny_list(contamination: Path | None) -> DenyList:
    """The built-in lists, and those of a folder with `packages.txt` and `grams.jsonl` where there is one."""
    packages = {normalise_name(n) for n in (_BENCHMARKS + _HELD_OUT + _IMPORT_NAMES).split()}
    if contamination is None:
        return DenyList(frozenset(packages))
    lines = (contamination / "packages.txt").read_text().splitlines()
    packages |= {normalise_name(line) for line in lines if line.strip()}
    rows = (contamination / "grams.jsonl").read_text().splitlines()
    withheld = tuple(frozenset(json.loads(row)["grams"]) for row in rows)
    return DenyList(frozenset(packages), withheld, frozenset().union(*withheld))


def grams(source: str) -> frozenset[str]:
    """Hashed token 5-grams of a function: blake2b with 8 bytes, in hex."""
    tokens = _TOKEN.findall(source)
    windows = {" ".join(tokens[i : i + 5]) for i in range(len(tokens) - 4)}
    return frozenset(hashlib.blake2b(w.encode(), digest_size=8).hexdigest() for w in windows)


def normalise_name(name: str) -> str:
    """A distribution name in its canonical form."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
