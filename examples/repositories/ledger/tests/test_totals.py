import unittest
from datetime import date

from ledger import Entry, balance, by_category, by_month

ENTRIES = [
    Entry(date(2026, 2, 1), "food", -500),
    Entry(date(2026, 1, 9), "food", -250),
    Entry(date(2026, 1, 1), "salary", 10000),
]


class TotalsTest(unittest.TestCase):
    def test_balance_is_the_sum(self):
        self.assertEqual(balance(ENTRIES), 9250)

    def test_balance_of_nothing_is_zero(self):
        self.assertEqual(balance([]), 0)

    def test_by_category_puts_most_spent_first(self):
        totals = list(by_category(ENTRIES).items())
        self.assertEqual(totals, [("food", -750), ("salary", 10000)])

    def test_by_month_is_in_order(self):
        totals = list(by_month(ENTRIES).items())
        self.assertEqual(totals, [("2026-01", 9750), ("2026-02", -500)])


if __name__ == "__main__":
    unittest.main()
