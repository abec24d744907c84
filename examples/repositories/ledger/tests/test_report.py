from datetime import date

from ledger import Budget, Entry, overspent, read_ledger, render_table


def test_render_table_aligns_amounts():
    assert render_table({"food": -1250, "salary": 123456}) == "food      -12.50\nsalary  1,234.56"


def test_render_table_of_nothing_says_so():
    assert render_table({}) == "(nothing booked)"


def test_overspent_names_what_is_above_its_limit():
    entries = [Entry(date(2026, 1, 1), "food", -700), Entry(date(2026, 1, 1), "rent", -900)]
    assert overspent(entries, Budget({"food": 500, "rent": 900})) == {"food": 200}


def test_overspent_adds_up_what_was_booked_under_one_name():
    text = "date,category,amount\n2026-01-01,Food,-4\n2026-01-02,food ,-3\n"
    assert overspent(read_ledger(text), Budget({"food": 500})) == {"food": 200}
