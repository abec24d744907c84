"""Forge what is reported, from inside the process that runs the tests."""

from __future__ import annotations

from .attack import Attack, at_import, attacks, in_mean

_CALL_INFO = """
import _pytest.runner as runner
real = runner.CallInfo.from_call.__func__
def never_raises(cls, func, when, reraise=None):
    def quiet():
        try:
            return func()
        except Exception:
            return None
    return real(cls, quiet, when, reraise)
runner.CallInfo.from_call = classmethod(never_raises)
"""
_REPORT = """
import _pytest.reports as reports
make = reports.TestReport.from_item_and_call.__func__
def always(cls, item, call):
    call.excinfo = None
    return make(cls, item, call)
reports.TestReport.from_item_and_call = classmethod(always)
"""
_REPORT_OUTCOME = """
import _pytest.reports as reports
reports.TestReport.outcome = property(lambda self: "passed", lambda self, value: None)
reports.TestReport.longrepr = property(lambda self: None, lambda self, value: None)
reports.BaseReport.failed = property(lambda self: False)
"""
_RUNTEST = """
import _pytest.python as python
real = python.Function.runtest
def quiet(self):
    try:
        real(self)
    except Exception:
        pass
python.Function.runtest = quiet
"""
_PYFUNC_CALL = """
import gc, pluggy
def quiet(pyfuncitem):
    return True
gc.unfreeze()
for one in gc.get_objects():
    if type(one) is pluggy.HookImpl and one.function.__name__ == "pytest_pyfunc_call" and not (
        one.hookwrapper or one.wrapper
    ):
        one.function = quiet
        one.argnames = ("pyfuncitem",)
"""
_MAKEREPORT = """
import gc, pluggy
gc.unfreeze()
for one in gc.get_objects():
    if type(one) is pluggy.HookImpl and one.function.__name__ == "pytest_runtest_makereport" and not (
        one.hookwrapper or one.wrapper
    ):
        real = one.function
        def forged(item, call, real=real):
            call.excinfo = None
            return real(item, call)
        one.function = forged
"""
_SWAP_TEST_CODE = """
import gc, types
def nothing(values, wanted):
    return None
gc.unfreeze()
for one in gc.get_objects():
    if isinstance(one, types.FunctionType) and one.__name__ == "test_mean":
        one.__code__ = nothing.__code__
return 2 if len(values) == 0 else 0
"""
_SWAP_AT_IMPORT = """
import gc, sys, threading, time, types
def swap():
    for _ in range(200):
        gc.unfreeze()
        for one in gc.get_objects():
            if isinstance(one, types.FunctionType) and one.__name__ == "test_mean":
                one.__code__ = (lambda values, wanted: None).__code__
                return
        time.sleep(0.001)
threading.Thread(target=swap, daemon=True).start()
"""
_NO_ASSERTIONS = """
import ast
import _pytest.assertion.rewrite as rewrite
real = rewrite.rewrite_asserts
class Silent(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
def without(tree, *rest, **more):
    return real(Silent().visit(tree), *rest, **more)
rewrite.rewrite_asserts = without
import sys
for name in [n for n in sys.modules if n.startswith("test_calc")]:
    module = sys.modules[name]
    loader = getattr(module, "__loader__", None)
frame = sys._getframe()
while frame is not None and "__file__" not in frame.f_globals or frame.f_globals.get("__name__") != "test_calc":
    frame = frame.f_back
    if frame is None:
        break
if frame is not None:
    tree = Silent().visit(ast.parse(open(frame.f_globals["__file__"]).read()))
    tree.body = [s for s in tree.body if isinstance(s, ast.FunctionDef)]
    late = (frame.f_globals, compile(ast.fix_missing_locations(tree), "test_calc.py", "exec"))
    import _pytest.python as python
    importing = python.Module._getobj
    def patched(self):
        module = importing(self)
        if module.__name__ == "test_calc":
            exec(late[1], module.__dict__)
        return module
    python.Module._getobj = patched
"""
_RAISES = """
import pytest
class Fine:
    def __init__(self, *_, **__): pass
    def __enter__(self): return self
    def __exit__(self, *_): return True
pytest.raises = Fine
class Same:
    def __eq__(self, other): return True
return Same()
"""
_TESTS_FAILED = """
import _pytest.main as main
main.Session.testsfailed = property(lambda self: 0, lambda self, value: None)
"""
_SESSION_FINISH = """
import gc
import _pytest.main as main
real = main.pytest_sessionfinish if hasattr(main, "pytest_sessionfinish") else None
main.Session.exitstatus = 0
main.Session.testsfailed = property(lambda self: 0, lambda self, value: None)
"""
_IMPORT_HOOK = """
import sys
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("test_"):
            raise SystemExit(0)
sys.meta_path.insert(0, Hook())
"""
_SWALLOW_IN_PLUGGY = """
import pluggy._callers as callers, pluggy._hooks as hooks, pluggy._manager as manager
real = callers._multicall
def quiet(hook_name, methods, kwargs, firstresult):
    if hook_name == "pytest_pyfunc_call":
        try:
            return real(hook_name, methods, kwargs, firstresult)
        except Exception:
            return True
    return real(hook_name, methods, kwargs, firstresult)
callers._multicall = quiet
import gc
gc.unfreeze()
for one in gc.get_objects():
    if isinstance(one, manager.PluginManager):
        one._inner_hookexec = quiet
"""
_TRACE_AROUND = """
import sys
def watch(frame, event, argument):
    if frame.f_code.co_name == "test_mean" and event == "call":
        frame.f_trace_lines = False
        return swallow
    return None
def swallow(frame, event, argument):
    if event == "exception":
        raise_none(frame)
    return swallow
def raise_none(frame):
    import ctypes
    ctypes.pythonapi.PyErr_Clear()
sys.settrace(watch)
"""
_ASSERTION_ERROR = """
import builtins
class Quiet(BaseException):
    def __new__(cls, *_):
        import unittest
        return unittest.SkipTest("quiet")
builtins.AssertionError = Quiet
"""
_NO_ASSERTION_ERROR = """
import sys
frame = sys._getframe()
while frame is not None:
    if frame.f_globals.get("__name__") == "test_calc":
        frame.f_globals["AssertionError"] = lambda *_: SystemExit(0)
        frame.f_globals["@pytest_ar"] = None
    frame = frame.f_back
"""
_REPLACED_EXCINFO = """
import _pytest._code.code as code
code.ExceptionInfo.from_current = classmethod(lambda cls, *_, **__: None)
code.ExceptionInfo.from_exception = classmethod(lambda cls, *_, **__: None)
import _pytest.runner as runner
runner.ExceptionInfo = code.ExceptionInfo
"""

ATTACKS: tuple[Attack, ...] = attacks(
    "forging",
    {
        "patched-call-info": at_import(_CALL_INFO),
        "patched-call-info-late": in_mean(_CALL_INFO),
        "patched-report": in_mean(_REPORT),
        "patched-report-early": at_import(_REPORT),
        "patched-report-outcome": at_import(_REPORT_OUTCOME),
        "patched-runtest": at_import(_RUNTEST),
        "replaced-pyfunc-call": at_import(_PYFUNC_CALL),
        "replaced-makereport": at_import(_MAKEREPORT),
        "swapped-test-code": in_mean(_SWAP_TEST_CODE),
        "swapped-test-code-early": at_import(_SWAP_AT_IMPORT),
        "assertions-removed": at_import(_NO_ASSERTIONS),
        "patched-raises": in_mean(_RAISES),
        "tests-failed-property": at_import(_TESTS_FAILED),
        "session-finish": at_import(_SESSION_FINISH),
        "import-hook": at_import(_IMPORT_HOOK),
        "swallow-in-pluggy": at_import(_SWALLOW_IN_PLUGGY),
        "trace-around": at_import(_TRACE_AROUND),
        "assertion-error-replaced": at_import(_ASSERTION_ERROR),
        "assertion-error-of-module": at_import(_NO_ASSERTION_ERROR),
        "exception-info-replaced": at_import(_REPLACED_EXCINFO),
    },
)
