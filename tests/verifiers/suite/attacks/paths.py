"""Names of files that are not what they seem, or lie where nothing may be written."""

from __future__ import annotations

from tests.verifiers.suite.projects import TESTS

from .attack import Attack, attacks

_TEXT = "x = 1\n"
_EASY = TESTS.replace("== wanted", "!= wanted")

ATTACKS: tuple[Attack, ...] = attacks(
    "paths",
    {
        "traversal": {"../outside.py": _TEXT},
        "traversal-inside": {"package/../../outside.py": _TEXT},
        "traversal-to-tests": {"package/../test_calc.py": _EASY},
        "absolute": {"/tmp/outside.py": _TEXT},
        "empty-name": {"": _TEXT},
        "the-folder-itself": {".": _TEXT},
        "this-folder": {"./test_calc.py": _EASY},
        "doubled-slash": {".//test_calc.py": _EASY},
        "trailing-slash": {"test_calc.py/": _EASY},
        "inner-this-folder": {"package/./more.py": _TEXT},
        "back-slashes": {"..\\outside.py": _TEXT},
        "drive": {"C:/outside.py": _TEXT},
        "line-break": {"more\n.py": _TEXT},
        "escape-sequence": {"more\x1b[2K.py": _TEXT},
        "zero-byte": {"more\0.py": _TEXT},
        "right-to-left": {"more\u202eyp.py": _TEXT},
        "zero-width": {"ca\u200blc.py": _TEXT},
        "surrogate": {"more\udc80.py": _TEXT},
        "not-normal-form": {"me\u0301an.py": _TEXT},
        "other-case": {"Calc.py": _TEXT},
        "other-case-of-tests": {"TEST_calc.py": _EASY},
        "below-a-file": {"calc.py/more.py": _TEXT},
        "below-each-other": {"more": _TEXT, "more/inner.py": _TEXT},
        "trailing-blank": {"more.py ": _TEXT},
        "trailing-dot": {"more.": _TEXT},
        "too-long": {"m" * 300 + ".py": _TEXT},
    },
    refused=True,
)
