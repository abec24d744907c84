"""`python -m tests.benchmarks.mutants.prepare FOLDER`: install the packages and survey their suites
in the judge.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from .killing import Judge, JudgeError, can_confine
from .packages import Package, Survey, install, save_survey, unpacked


def main(
    folder: Annotated[
        Path, typer.Argument(help="Folder for downloads and surveys, outside the repository.")
    ],
    seconds: Annotated[
        float, typer.Option(help="Longest suite, in processor seconds under coverage.")
    ] = 25.0,
    download: bool = True,
) -> None:
    """Install and survey; packages whose suite is too slow or cannot be collected are named and
    left out.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if download:
        install(folder)
    for package in unpacked(folder):
        if not (folder / "packages" / f"{package.name}.json").exists():
            typer.echo(f"{package.name} {package.version}: {_survey(folder, package, seconds)}")


def _survey(folder: Path, package: Package, seconds: float) -> str:
    try:
        with Judge(package, confined=can_confine()) as judge:
            found = judge.survey(seconds)
    except JudgeError as error:
        return f"left out: {error}"
    if found is None:
        return f"left out: more than {seconds:.0f} s"
    survey = Survey(**found)
    save_survey(folder, package, survey)
    counts = Counter(survey.outcomes.values())
    return f"{dict(counts)}, {survey.total_seconds:.1f} s"


if __name__ == "__main__":
    typer.run(main)
