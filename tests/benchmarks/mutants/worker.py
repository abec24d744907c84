"""The judge's other half: holds one collected test suite and forks for every candidate.

It is run as a script by the interpreter that the judged package is installed for, so it knows
pytest and the standard library only. Requests and answers are lines of JSON on two inherited pipes.
The child of a fork swaps the code of one function, runs a few collected tests and dies; the parent
never runs a test, so that every candidate starts clean.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

Request = dict[str, Any]
_MEMORY_ABOVE_PARENT, _FILE_BYTES = 768 << 20, 32 << 20
_WALL_PER_CPU_SECOND, _WALL_SLACK = 8.0, 4.0


class Server:
    """A pytest plugin that answers requests where pytest would run the tests."""

    def __init__(self, root: Path, requests: int, answers: int) -> None:
        self.root, self.requests, self.answers = root, requests, answers
        self.items: dict[str, pytest.Item] = {}
        self.functions: dict[tuple[str, int], list[FunctionType]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve until the client closes its end."""
        self.items = {item.nodeid: item for item in session.items}
        self._index_functions()
        gc.collect()
        gc.freeze()  # pages that the collector never writes stay shared with the children
        self._answer({"tests": list(self.items)})
        for line in os.fdopen(self.requests):
            request = json.loads(line)
            self._answer(
                self._fork(self._survey if request["op"] == "survey" else self._run, request)
            )
        return True

    def _index_functions(self) -> None:
        """Every live function of the package by file and first line: wrapped, bound and registered
        ones too.
        """
        for found in gc.get_objects():
            if isinstance(found, FunctionType) and found.__code__.co_filename.startswith(
                str(self.root)
            ):
                key = (found.__code__.co_filename, found.__code__.co_firstlineno)
                self.functions.setdefault(key, []).append(found)

    def _answer(self, answer: Request) -> None:
        os.write(self.answers, json.dumps(answer).encode() + b"\n")

    def _fork(self, task: Any, request: Request) -> Request:
        """Run `task` in a child; its lines are merged into one answer."""
        folder, started = tempfile.mkdtemp(), time.perf_counter()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            _become_candidate(folder, request["cpu_seconds"])
            _end_with(task, request, writer)
        os.close(writer)
        wall = request["cpu_seconds"] * _WALL_PER_CPU_SECOND + _WALL_SLACK
        lines, in_time = _read_all(reader, started + wall)
        _kill_group(child)
        _, status, used = os.wait4(child, 0)
        _remove(folder)
        end = _ending(status, in_time, lines)
        cpu_seconds = used.ru_utime + used.ru_stime
        wall_seconds = time.perf_counter() - started
        return {"end": end, "lines": lines, "cpu_seconds": cpu_seconds, "seconds": wall_seconds}

    def _run(self, request: Request, writer: int) -> None:
        """Swap, then run tests in order; with `all` false, stop at the first that does not pass."""
        if request.get("source") is not None:
            swap(self.functions, request)
        place = (request["path"], request["line"], request["source"].count("\n") + 1)
        for test in request["tests"]:
            executed: set[int] = set()
            if request.get("trace"):
                _trace(*place, executed)
            else:
                _leave_untold(self.items[test])
            outcome, reports = _outcome(self.items[test])
            sys.settrace(None)
            line = [test, outcome, sorted(executed), _raised_at(reports, *place)]
            os.write(writer, json.dumps(line).encode() + b"\n")
            if outcome != "passed" and not request.get("all"):
                break
        os.write(writer, json.dumps(["", "end"]).encode() + b"\n")

    def _survey(self, request: Request, writer: int) -> None:
        """Run the whole suite once under coverage; outcomes and executed lines go to a file."""
        import coverage

        meter = coverage.Coverage(
            data_file=None, include=request["include"], config_file=False, messages=False
        )
        outcomes, seconds = {}, {}
        meter.start()
        for test, item in self.items.items():
            meter.switch_context(test)
            started = time.process_time()
            outcomes[test] = _outcome(item)[0]
            seconds[test] = time.process_time() - started
        meter.stop()
        measured = meter.get_data()
        lines = {path: measured.contexts_by_lineno(path) for path in measured.measured_files()}
        text = json.dumps({"outcomes": outcomes, "seconds": seconds, "lines": lines})
        os.write(writer, json.dumps(["", text]).encode() + b"\n")


def swap(functions: dict[tuple[str, int], list[FunctionType]], request: Request) -> None:
    """Give every live copy of the function the candidate's code, and its defaults where the
    signature differs.

    Raises:
        LookupError: no live function has that file and line, or the code needs other free
            variables.
        SyntaxError: the candidate does not compile.
    """
    found = functions.get((request["path"], request["first_line"]), [])
    if not found:
        raise LookupError("no live function there")
    code = compile_function(request, found[0].__code__)
    for function in found:
        function.__code__ = with_free_variables(code, function.__code__.co_freevars)
    if request.get("signature_differs"):
        defaults = _defaults(request, found[0])
        for function in found:
            function.__defaults__, function.__kwdefaults__ = (
                defaults.__defaults__,
                defaults.__kwdefaults__,
            )


def compile_function(request: Request, old: CodeType) -> CodeType:
    """Compile the candidate on its own lines, inside classes of the right names, without its
    module.
    """
    classes = request["qualname"].split(".")[:-1]
    heads = [f"{' ' * depth}class {name}:" for depth, name in enumerate(classes)]
    if not heads and request["source"][:1].isspace():
        heads = ["if 1:"]
    blank = "\n" * (request["line"] - 1 - len(heads))
    text = blank + "".join(head + "\n" for head in heads) + request["source"] + "\n"
    flags = old.co_flags & 0x1FF0000  # what the module imported from __future__
    code: CodeType = compile(text, request["path"], "exec", flags=flags, dont_inherit=True)
    for name in request["qualname"].split("."):
        inner = (one for one in code.co_consts if isinstance(one, CodeType))
        code = next(one for one in inner if one.co_name == name)
    return code


def with_free_variables(code: CodeType, wanted: tuple[str, ...]) -> CodeType:
    """The same code with the closure of the old one; a candidate that dropped `super()` needs no
    cell but must have it.

    Raises:
        LookupError: the code needs another closure.
    """
    if code.co_freevars == wanted:
        return code
    if code.co_freevars:
        raise LookupError(f"free variables {code.co_freevars}, not {wanted}")
    return code.replace(co_freevars=wanted)


def _defaults(request: Request, function: FunctionType) -> FunctionType:
    """The candidate's signature, evaluated with an empty body where the function's module can see
    it.
    """
    lines = request["source"].split("\n")
    head = "if 1:\n" if lines[0][:1].isspace() else ""
    tree = ast.parse(head + request["source"])
    node = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    empty = ast.Lambda(args=node.args, body=ast.Constant(None))
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    expression = ast.fix_missing_locations(ast.Expression(empty))
    made = eval(compile(expression, request["path"], "eval"), dict(function.__globals__))
    assert isinstance(made, FunctionType)
    return made


def _outcome(item: pytest.Item) -> tuple[str, list[pytest.TestReport]]:
    reports = runtestprotocol(item, log=False, nextitem=None)
    expected = any(hasattr(report, "wasxfail") for report in reports)
    if all(report.passed for report in reports) and not expected:
        return "passed", reports
    return "skipped" if any(report.skipped for report in reports) else "failed", reports


def _leave_untold(item: Any) -> None:
    """Describe no failure: that takes ten times as long as the verdict."""
    item.repr_failure = item._repr_failure_py = lambda *_arguments, **_options: "failed"


def _raised_at(
    reports: list[pytest.TestReport], path: str, line: int, num_lines: int
) -> int | None:
    """The innermost line of the function in the traceback of a failure, counted from `def`."""
    for report in reports:
        entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", [])
        for entry in reversed(entries):
            at = getattr(entry, "reprfileloc", None)
            if at and os.path.abspath(at.path) == path and 0 <= at.lineno - line < num_lines:
                return int(at.lineno - line)
    return None


def _trace(path: str, line: int, num_lines: int, executed: set[int]) -> None:
    """Collect the executed lines of one function, counted from its `def`."""

    def local(frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line":
            executed.add(frame.f_lineno - line)
        return local

    def enter(frame: FrameType, _event: str, _arg: object) -> Any:
        code = frame.f_code
        inside = code.co_filename == path and line <= code.co_firstlineno < line + num_lines
        return local if inside else None

    sys.settrace(enter)


def _become_candidate(folder: str, cpu_seconds: float) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ["TMPDIR"] = os.environ["HOME"] = folder
    tempfile.tempdir = None
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + _MEMORY_ABOVE_PARENT,) * 2
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)  # processor time: a busy machine kills nobody


def _end_with(task: Any, request: Request, writer: int) -> None:
    try:
        task(request, writer)
    except LookupError as error:
        os.write(writer, json.dumps(["", f"no swap: {error}"]).encode() + b"\n")
    except BaseException:  # the child must never return into the parent's loop
        os._exit(2)
    os._exit(0)


def _read_all(reader: int, deadline: float) -> tuple[list[Any], bool]:
    poll, parts, in_time = select.poll(), [], True
    poll.register(reader, select.POLLIN | select.POLLHUP)
    while True:
        if not poll.poll(max(0.0, deadline - time.perf_counter()) * 1000):
            in_time = False
            break
        part = os.read(reader, 1 << 16)
        if not part:
            break
        parts.append(part)
        if b'["", ' in part.rsplit(b"\n", 2)[-2:][0] and part.endswith(b"\n"):
            break  # grandchildren may hold the pipe open for ever
    os.close(reader)
    whole = b"".join(parts).split(b"\n")[:-1]
    return [json.loads(line) for line in whole], in_time


def _kill_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    except PermissionError:
        return


def _ending(status: int, in_time: bool, lines: list[Any]) -> str:
    if lines and lines[-1][0] == "":
        return "no-swap" if str(lines[-1][1]).startswith("no swap") else "done"
    if not in_time or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF):
        return "timeout"
    return "crash"


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Arguments: root of the package, the two pipes, then the arguments of pytest."""
    root, requests, answers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    return int(pytest.main(sys.argv[4:], plugins=[Server(root, requests, answers)]))


if __name__ == "__main__":
    sys.exit(main())
