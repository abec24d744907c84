import unittest
from datetime import date

from ledger import Budget, Entry, overspent, read_ledger, render_table


class RenderTableTest(unittest.TestCase):
    def test_amounts_are_aligned(self):
        table = render_table({"food": -1250, "salary": 123456})
        self.assertEqual(table, "food      -12.50\nsalary  1,234.56")

    def test_nothing_booked_is_said(self):
        self.assertEqual(render_table({}), "(nothing booked)")


class OverspentTest(unittest.TestCase):
    def test_what_is_above_its_limit_is_named(self):
        entries = [Entry(date(2026, 1, 1), "food", -700), Entry(date(2026, 1, 1), "rent", -900)]
        budget = Budget({"food": 500, "rent": 900})
        self.assertEqual(overspent(entries, budget), {"food": 200})

    def test_a_category_without_a_limit_is_free(self):
        entries = read_ledger("date,category,amount\n2026-01-05,food,-7\n2026-01-06,travel,-90\n")
        self.assertEqual(overspent(entries, Budget({"food": 500})), {"food": 200})

    def test_a_limit_of_nothing_forbids_everything(self):
        entries = read_ledger("date,category,amount\n2026-01-05,sweets,-3\n")
        self.assertEqual(overspent(entries, Budget({"sweets": 0})), {"sweets": 300})

    def test_nothing_is_overspent_without_a_budget(self):
        entries = read_ledger("date,category,amount\n2026-01-05,food,-7\n")
        self.assertEqual(overspent(entries, Budget()), {})

    def test_what_was_booked_under_one_name_adds_up(self):
        text = "date,category,amount\n2026-01-01,Food,-4\n2026-01-02,food ,-3\n"
        self.assertEqual(overspent(read_ledger(text), Budget({"food": 500})), {"food": 200})


if __name__ == "__main__":
    unittest.main()
