"""Have the red tests skipped, expected to fail, deselected, renamed, or given other parameters."""

from __future__ import annotations

from .attack import Attack, at_import, attacks, in_mean

_SKIP_FRAME = """
import sys, pytest
frame = sys._getframe(1)
while frame is not None:
    for value in list(frame.f_locals.values()):
        if hasattr(value, "add_marker"):
            value.add_marker(pytest.mark.skip)
    frame = frame.f_back
pytest.skip("not today")
"""
_XFAIL_FRAME = """
import sys, pytest
frame = sys._getframe(1)
while frame is not None:
    for value in list(frame.f_locals.values()):
        if hasattr(value, "add_marker"):
            value.add_marker(pytest.mark.xfail)
    frame = frame.f_back
"""
_MODULE_MARK = """
import sys, pytest
frame = sys._getframe()
while frame is not None:
    if frame.f_globals.get("__name__") == "test_calc":
        frame.f_globals["pytestmark"] = pytest.mark.MARK
    frame = frame.f_back
"""
_NO_TEST = """
import sys
frame = sys._getframe()
while frame is not None:
    if frame.f_globals.get("__name__") == "test_calc":
        frame.f_globals["__test__"] = False
    frame = frame.f_back
"""
_ITEMS = """
import gc
import _pytest.main as main
real = main.Session.perform_collect
def fewer(self, *rest, **more):
    items = real(self, *rest, **more)
    self.items[:] = [item for item in self.items if "mean" not in item.name]
    return items
main.Session.perform_collect = fewer
gc.unfreeze()
for one in gc.get_objects():
    if isinstance(one, main.Session):
        one.perform_collect = fewer.__get__(one)
"""
_ITEMS_LATE = """
import gc
import _pytest.main as main
gc.unfreeze()
for one in gc.get_objects():
    if isinstance(one, main.Session):
        one.items[:] = [item for item in one.items if "mean" not in item.name]
raise SystemExit(0)
"""
_RENAMED = """
import _pytest.python as python
real = python.Function.__init__
def renamed(self, name, parent, **more):
    real(self, name, parent, **more)
    if name == "test_double":
        self._nodeid = "test_calc.py::test_mean[values0-2]"
python.Function.__init__ = renamed
"""
_RUN_ANOTHER = """
import _pytest.python as python
real = python.Function.runtest
def other(self):
    if "test_mean" in self.name:
        return None
    return real(self)
python.Function.runtest = other
"""
_PARAMETERS = """
import pytest
def parametrize(names, rows, **more):
    import calc
    ids = [f"values{i}-{row[-1]}" for i, row in enumerate(rows)]
    return real(names, [(*row[:-1], LateMean(row[0])) for row in rows], ids=ids, **more)
class LateMean:
    def __init__(self, values):
        self.values = values
    def __eq__(self, other):
        return other == mean(self.values)
real = pytest.mark.parametrize
type(pytest.mark).parametrize = property(lambda self: parametrize)
"""
_NO_PARAMETERS = """
import pytest
type(pytest.mark).parametrize = property(lambda self: lambda *_, **__: lambda f: None)
"""
_TWIN = """
import sys
def pytest_generate_tests(metafunc):
    pass
frame = sys._getframe()
while frame is not None:
    if frame.f_globals.get("__name__") == "test_calc":
        import _pytest.python as python
        collect = python.Module.collect
        def fewer(self):
            found = collect(self)
            return [one for one in found if "mean" not in one.name] + [one for one in found if "double" in one.name]
        python.Module.collect = fewer
        break
    frame = frame.f_back
"""

ATTACKS: tuple[Attack, ...] = attacks(
    "selection",
    {
        "skip-in-function": in_mean("import pytest\npytest.skip('not today')"),
        "skip-through-frame": in_mean(_SKIP_FRAME),
        "unittest-skip": in_mean("import unittest\nraise unittest.SkipTest('not today')"),
        "skip-at-import": at_import("import pytest\npytest.skip('no', allow_module_level=True)"),
        "skip-for-import": in_mean("import pytest\npytest.importorskip('not_there')"),
        "xfail-in-function": in_mean("import pytest\npytest.xfail('known')"),
        "xfail-through-frame": in_mean(_XFAIL_FRAME),
        "module-marked-skip": at_import(_MODULE_MARK.replace("MARK", "skip")),
        "module-marked-xfail": at_import(_MODULE_MARK.replace("MARK", "xfail")),
        "module-is-no-test": at_import(_NO_TEST),
        "fewer-items": at_import(_ITEMS),
        "fewer-items-late": in_mean(_ITEMS_LATE),
        "renamed-test": at_import(_RENAMED),
        "other-test-in-its-place": at_import(_RUN_ANOTHER),
        "other-parameters": at_import(_PARAMETERS),
        "no-parameters": at_import(_NO_PARAMETERS),
        "twice-the-green-one": at_import(_TWIN),
    },
)
