"""A cold run: a fresh interpreter, `python -m pytest`, a sandbox of its own. What anyone could do by hand."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

import anyio

from verifiers.sandbox import BACKENDS, Group, SandboxLimits, limited, own_name

from .channel import Channel
from .runs import Request, Result, new_nonce
from .site import Site
from .watching import Watch

Keep: TypeAlias = Literal["nothing", "compiled"]


async def run_cold(
    site: Site, request: Request, sandbox: SandboxLimits, *, hash_seed: int, keep: Keep = "nothing"
) -> Result:
    """Run the tests with `python -m pytest` in a copy of the tree.

    With `keep="compiled"` the compiled files that the run made are added to the site's tree; only for the base itself.

    Raises:
        SandboxError: the sandbox cannot be entered.
    """
    with tempfile.TemporaryDirectory(prefix=own_name(), ignore_cleanup_errors=True) as folder:
        copy = replace(site, folder=Path(folder))
        await anyio.to_thread.run_sync(_prepare, site.tree, copy.tree, request)
        async with limited(sandbox) as group:
            result = await _run(copy, request, sandbox, hash_seed, group)
            result = replace(result, out_of_memory=group.num_killed_for_memory() > 0)
        if keep == "compiled":
            await anyio.to_thread.run_sync(_keep_compiled, copy.tree, site.tree)
    return result


async def _run(
    site: Site, request: Request, sandbox: SandboxLimits, hash_seed: int, group: Group
) -> Result:
    report, output = Channel.open(), Channel.open()
    nonce = new_nonce()
    number = report.theirs.fileno()
    environment = site.environment(hash_seed)
    environment |= {"PYTHONPATH": site.inside, "WINNOW_CHANNEL": str(number)}
    command = [site.interpreter.executable, "-m", "pytest", "-p", "winnow_observer"]
    command += [*request.arguments, *request.tests]
    limits = replace(sandbox, cpu_seconds=request.limits.cpu_seconds)
    if site.isolation != "unsafe":
        enter = BACKENDS[site.isolation]
        command = enter(site.room, command, environment, limits, groups=group.paths)
        environment = {}
    folder = site.tree if site.isolation == "unsafe" else None
    try:
        process = await anyio.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output.theirs.fileno(),
            stderr=output.theirs.fileno(),
            cwd=folder,
            env=environment,
            pass_fds=[number],
            start_new_session=True,
        )
        try:
            report.theirs.close()
            output.theirs.close()
            await report.send(request.options(nonce, quit_early=False))
            watch = Watch(
                report=report,
                output=output,
                limits=request.limits,
                ended=process.wait,
                kill=lambda: _kill(process.pid),
                nonce=nonce,
            )
            return await watch.result()
        finally:
            with anyio.CancelScope(shield=True):
                await _kill(process.pid)
                await process.wait()
    finally:
        report.close()
        output.close()


async def _kill(leader: int) -> None:
    # The whole session: without namespaces the tests' own children are in it too.
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _prepare(source: Path, target: Path, request: Request) -> None:
    shutil.copytree(source, target, symlinks=True)
    for path, content in request.files.items():
        (target / path).unlink(missing_ok=True)
        if content is not None:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
            stamp = (source / path).stat().st_mtime + 10 if (source / path).exists() else None
            if stamp is not None:  # a compiled file counts as fresh when second and size agree
                os.utime(target / path, (stamp, stamp))


def _keep_compiled(source: Path, target: Path) -> None:
    for path in source.rglob("__pycache__/*.pyc"):
        relative = path.relative_to(source)
        if not path.is_symlink() and (target / relative.parent.parent).is_dir():
            (target / relative.parent).mkdir(exist_ok=True)
            shutil.copy2(path, target / relative)
