from slots import Span, first_slot, free_time, parse_span, utilisation

DAY = parse_span("09:00-17:00")
BUSY = [parse_span("09:30-10:00"), parse_span("10:45-12:00"), parse_span("16:00-18:00")]


def test_free_time_lies_between_the_bookings():
    assert free_time(BUSY, DAY) == [
        parse_span("09:00-09:30"),
        parse_span("10:00-10:45"),
        parse_span("12:00-16:00"),
    ]


def test_free_time_of_an_empty_calendar_is_the_day():
    assert free_time([], DAY) == [DAY]


def test_free_time_is_empty_when_the_day_is_full():
    assert free_time([Span(0, 1440)], DAY) == []


def test_first_slot_takes_the_earliest_gap():
    assert first_slot(BUSY, DAY, 20) == parse_span("09:00-09:20")


def test_first_slot_skips_gaps_that_are_too_short():
    assert first_slot(BUSY, DAY, 40) == parse_span("10:00-10:40")
    assert first_slot(BUSY, DAY, 46) == parse_span("12:00-12:46")


def test_first_slot_uses_a_gap_that_fits_to_the_minute():
    assert first_slot(BUSY, DAY, 45) == parse_span("10:00-10:45")


def test_first_slot_leaves_pauses_on_both_sides():
    assert first_slot(BUSY, DAY, 30, pause=5) == parse_span("10:05-10:35")


def test_first_slot_may_fill_a_gap_with_its_pauses():
    assert first_slot(BUSY, DAY, 35, pause=5) == parse_span("10:05-10:40")


def test_first_slot_is_none_when_nothing_is_long_enough():
    assert first_slot(BUSY, DAY, 241) is None


def test_utilisation_is_the_booked_share():
    assert utilisation([parse_span("09:00-13:00")], DAY) == 0.5
