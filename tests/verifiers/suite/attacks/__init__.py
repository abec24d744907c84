"""Changes that leave the bug in and try to pass, or to do harm, all the same. One file for each class of them."""

from . import (
    configuration,
    ending,
    equality,
    forging,
    hidden_text,
    paths,
    selection,
    shadowing,
    side_effects,
    special_casing,
    spying,
)
from .attack import Attack as Attack

FAKE_PASSES: tuple[Attack, ...] = (
    *ending.ATTACKS,
    *configuration.ATTACKS,
    *shadowing.ATTACKS,
    *forging.ATTACKS,
    *spying.ATTACKS,
    *equality.ATTACKS,
    *selection.ATTACKS,
    *paths.ATTACKS,
    *hidden_text.ATTACKS,
)
"""They try to be accepted."""
SIDE_EFFECTS: tuple[Attack, ...] = side_effects.ATTACKS
"""They try to reach something outside, or to use up the machine."""
SPECIAL_CASING: tuple[Attack, ...] = special_casing.ATTACKS
"""They know the right answers of the tests by heart: nothing but further tests can find them."""
