import pytest
from slots import Span, format_time, parse_span, parse_time


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), (" 9:05", 545), ("24:00", 1440)])
def test_parse_time_reads_minutes_since_midnight(text, minutes):
    assert parse_time(text) == minutes


@pytest.mark.parametrize("text", ["", "9", "9:61", "24:01", "a:b"])
def test_parse_time_refuses_what_is_no_time(text):
    with pytest.raises(ValueError, match="time"):
        parse_time(text)


def test_format_time_pads():
    assert format_time(545) == "09:05"


def test_parse_span_reads_both_ends():
    assert parse_span("09:00-10:30") == Span(540, 630)


def test_parse_span_needs_a_dash():
    with pytest.raises(ValueError, match="not a span"):
        parse_span("09:00")
