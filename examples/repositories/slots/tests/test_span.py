import pytest
from slots import Span, merge


def test_span_counts_its_minutes():
    assert Span(540, 600).minutes == 60


def test_span_must_not_end_before_it_starts():
    with pytest.raises(ValueError, match="must end after"):
        Span(600, 600)


def test_spans_that_only_touch_do_not_overlap():
    assert not Span(540, 600).overlaps(Span(600, 660))
    assert Span(540, 601).overlaps(Span(600, 660))


def test_clipped_keeps_the_part_inside():
    assert Span(500, 700).clipped(Span(540, 600)) == Span(540, 600)
    assert Span(500, 540).clipped(Span(540, 600)) is None


def test_merge_joins_what_overlaps_or_touches():
    assert merge([Span(60, 90), Span(0, 30), Span(30, 60), Span(100, 110)]) == [
        Span(0, 90),
        Span(100, 110),
    ]


def test_merge_keeps_the_longer_end():
    assert merge([Span(0, 100), Span(10, 20)]) == [Span(0, 100)]
