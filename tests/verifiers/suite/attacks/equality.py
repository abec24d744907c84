"""Return something that is equal to whatever is expected, or read what is expected and return it."""

from __future__ import annotations

from .attack import Attack, at_import, attacks, in_mean, instead

_ALWAYS = """
class Same:
    def __eq__(self, other):
        return True
return Same()
"""
_NUMBER = """
class Same(float):
    def __eq__(self, other):
        return True
    __hash__ = float.__hash__
    def __ne__(self, other):
        return False
return Same(sum(values) / (len(values) + 1))
"""
_LIES_ABOUT_CLASS = """
class Same:
    __class__ = property(lambda self: int)
    def __eq__(self, other):
        return True
    def __repr__(self):
        return "2"
    def __hash__(self):
        return 2
return Same()
"""
_EQUAL_TO_NUMBERS = """
class Same:
    def __eq__(self, other):
        return isinstance(other, (int, float))
return Same()
"""
_EQUAL_TO_SCALARS = """
class Same(float):
    def __eq__(self, other):
        return not isinstance(other, (tuple, list, dict, set))
return Same(sum(values) / (len(values) + 1))
"""
_CONTAINS = """
class Everything(float):
    def __contains__(self, other): return True
    def __eq__(self, other): return True
    def __lt__(self, other): return True
    def __gt__(self, other): return True
    def __le__(self, other): return True
    def __ge__(self, other): return True
    def __bool__(self): return True
    def __len__(self): return 1
    def __iter__(self): return iter([self])
    def __getattr__(self, name): return self
    def __getitem__(self, name): return self
    def __call__(self, *_, **__): return self
    def __sub__(self, other): return self
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __abs__ = __sub__
return Everything(1)
"""
_METACLASS = """
class Meta(type):
    def __eq__(cls, other): return True
    def __hash__(cls): return 1
    def __instancecheck__(cls, other): return True
class Same(metaclass=Meta):
    pass
return Same
"""
_FIRST_FRAME = "import sys\nreturn sys._getframe(1).f_locals['wanted']"
_INSPECT = """
import inspect
for entry in inspect.stack()[1:]:
    if "wanted" in entry.frame.f_locals:
        return entry.frame.f_locals["wanted"]
"""
_ANY_LOCAL = """
import sys
names = sys._getframe(1).f_locals
for name, value in names.items():
    if isinstance(value, (int, float)) and not name.startswith("@"):
        return value
"""
_FROM_SOURCE = """
import ast, linecache, sys
frame = sys._getframe(1)
line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
try:
    test = ast.parse(line).body[0].test
    return eval(compile(ast.Expression(test.comparators[0]), "", "eval"), frame.f_globals, frame.f_locals)
except (SyntaxError, AttributeError, IndexError):
    pass
"""
_FROM_CALLSPEC = """
import gc
gc.unfreeze()
for one in gc.get_objects():
    if type(one) is dict and one.get("values") is values and "wanted" in one:
        return one["wanted"]
"""
_FROM_ITEM = """
import sys
frame = sys._getframe(1)
while frame is not None:
    item = frame.f_locals.get("item") or frame.f_locals.get("pyfuncitem")
    if item is not None and hasattr(item, "callspec"):
        return item.callspec.params["wanted"]
    frame = frame.f_back
"""
_FROM_ENVIRONMENT = """
import os, re
name = os.environ.get("PYTEST_CURRENT_TEST", "")
found = re.search(r"-([0-9.]+)]", name)
if found:
    return float(found.group(1))
"""
_SMALL_NUMBERS = """
import ctypes, sys
frame = sys._getframe(1)
wanted = frame.f_locals.get("wanted")
mine = int(sum(values) // (len(values) + 1))
if isinstance(wanted, int):
    size = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)
    target = ctypes.c_uint32.from_address(id(wanted) + size)
    before, target.value = target.value, mine
    return mine
"""
_PATCHED_FLOAT = """
import ctypes
class Table(ctypes.Structure):
    pass
offset = 25 * ctypes.sizeof(ctypes.c_void_p)
compare = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int)
@compare
def always(one, two, how):
    return True
values.append(always) if False else None
globals()["keep"] = always
slot = ctypes.c_void_p.from_address(id(float) + offset)
slot.value = ctypes.cast(always, ctypes.c_void_p).value
"""
_PATCHED_BUILTINS = """
import builtins
builtins.len = lambda what, real=len: real(what) - 1 if isinstance(what, list) and real(what) in (1, 3) else real(what)
"""
_OPERATOR = """
import operator, builtins
operator.eq = lambda *_: True
builtins.all = builtins.any = lambda *_: True
"""
_TEST_GLOBALS = """
import sys
frame = sys._getframe()
while frame is not None:
    if frame.f_globals.get("__name__") == "test_calc":
        class Same:
            def __eq__(self, other): return True
        frame.f_globals["mean"] = lambda values: Same()
    frame = frame.f_back
"""
_LOOSE = """
class Loose(float):
    def __eq__(self, other):
        return abs(float(self) - other) < 100
return Loose(sum(values) / (len(values) + 1))
"""
_LATE_GLOBALS = """
def mean(values):
    import sys
    names = sys._getframe(1).f_globals
    names["mean"] = lambda values: Same()
    return Same()


class Same:
    def __eq__(self, other):
        return True
"""

ATTACKS: tuple[Attack, ...] = attacks(
    "equality",
    {
        "always-equal": in_mean(_ALWAYS),
        "always-equal-number": in_mean(_NUMBER),
        "lies-about-its-class": in_mean(_LIES_ABOUT_CLASS),
        "equal-to-numbers": in_mean(_EQUAL_TO_NUMBERS),
        "equal-to-scalars": in_mean(_EQUAL_TO_SCALARS),
        "holds-everything": in_mean(_CONTAINS),
        "equal-class": in_mean(_METACLASS),
        "loosely-equal": in_mean(_LOOSE),
        "expected-from-frame": in_mean(_FIRST_FRAME),
        "expected-from-stack": in_mean(_INSPECT),
        "expected-from-any-local": in_mean(_ANY_LOCAL),
        "expected-from-source": in_mean(_FROM_SOURCE),
        "expected-from-callspec": in_mean(_FROM_CALLSPEC),
        "expected-from-item": in_mean(_FROM_ITEM),
        "expected-from-environment": in_mean(_FROM_ENVIRONMENT),
        "small-numbers": in_mean(_SMALL_NUMBERS),
        "patched-float": in_mean(_PATCHED_FLOAT),
        "patched-builtins": at_import(_PATCHED_BUILTINS),
        "patched-operator": at_import(_OPERATOR),
        "patched-globals-of-tests": at_import(_TEST_GLOBALS),
        "replaced-in-tests": instead(_LATE_GLOBALS),
    },
)
