from datetime import date

import pytest
from ledger import Entry, LedgerError, parse_amount, read_ledger

HEAD = "date,category,amount,note\n"


@pytest.mark.parametrize(
    ("text", "cents"),
    [("3", 300), ("-3.5", -350), ("1,234.50", 123450), (" .05 ", 5), ("+2", 200)],
)
def test_parse_amount_gives_cents(text, cents):
    assert parse_amount(text) == cents


@pytest.mark.parametrize("text", ["", "x", "1.234", "--1.x"])
def test_parse_amount_refuses_other_text(text):
    with pytest.raises(ValueError, match="not an amount"):
        parse_amount(text)


def test_read_ledger_gives_entries_in_order():
    text = HEAD + "2026-01-02,food,-12.30,market\n2026-01-01,salary,2000,\n"
    assert read_ledger(text) == [
        Entry(date(2026, 1, 2), "food", -1230, "market"),
        Entry(date(2026, 1, 1), "salary", 200000),
    ]


def test_read_ledger_skips_blank_lines_and_comments():
    assert len(read_ledger("# mine\n" + HEAD + "\n2026-01-02,food,-1\n# end\n")) == 1


def test_read_ledger_does_not_mind_the_case_of_a_category():
    assert read_ledger(HEAD + "2026-01-02,FOOD,-1,\n")[0].category == "food"


def test_read_ledger_does_not_mind_blanks_around_a_category():
    entries = read_ledger(HEAD + "2026-01-02, Food ,-1,\n2026-01-03,food,-1,\n")
    assert [entry.category for entry in entries] == ["food", "food"]


def test_read_ledger_files_a_blank_category_under_other():
    entries = read_ledger(HEAD + "2026-01-02,,-1,\n2026-01-02,  ,-1,\n")
    assert [entry.category for entry in entries] == ["other", "other"]


def test_read_ledger_keeps_blanks_inside_a_category():
    assert read_ledger(HEAD + "2026-01-02,Eating Out,-1,\n")[0].category == "eating out"


def test_read_ledger_names_the_line_that_is_wrong():
    with pytest.raises(LedgerError, match="line 3"):
        read_ledger(HEAD + "2026-01-02,food,-1,\n2026-13-02,food,-1,\n")


def test_read_ledger_needs_its_columns():
    with pytest.raises(LedgerError, match="no column amount"):
        read_ledger("date,category\n")
