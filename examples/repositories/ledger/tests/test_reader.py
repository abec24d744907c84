import unittest
from datetime import date

from ledger import Entry, LedgerError, parse_amount, read_ledger

HEAD = "date,category,amount,note\n"


class ParseAmountTest(unittest.TestCase):
    def test_whole_units(self):
        self.assertEqual(parse_amount("3"), 300)
        self.assertEqual(parse_amount("+2"), 200)

    def test_fractions(self):
        self.assertEqual(parse_amount("-3.5"), -350)
        self.assertEqual(parse_amount(" .05 "), 5)

    def test_thousands_separators(self):
        self.assertEqual(parse_amount("1,234.50"), 123450)

    def test_other_text_is_refused(self):
        for text in ("", "x", "1.234", "--1.x"):
            with self.assertRaisesRegex(ValueError, "not an amount"):
                parse_amount(text)


class ReadLedgerTest(unittest.TestCase):
    def test_entries_are_in_order(self):
        text = HEAD + "2026-01-02,food,-12.30,market\n2026-01-01,salary,2000,\n"
        self.assertEqual(
            read_ledger(text),
            [
                Entry(date(2026, 1, 2), "food", -1230, "market"),
                Entry(date(2026, 1, 1), "salary", 200000),
            ],
        )

    def test_blank_lines_and_comments_are_skipped(self):
        entries = read_ledger("# mine\n" + HEAD + "\n2026-01-02,food,-1\n# end\n")
        self.assertEqual(len(entries), 1)

    def test_case_of_a_category_does_not_matter(self):
        (entry,) = read_ledger(HEAD + "2026-01-02,FOOD,-1,\n")
        self.assertEqual(entry.category, "food")

    def test_blanks_around_a_category_do_not_matter(self):
        entries = read_ledger(HEAD + "2026-01-02, Food ,-1,\n2026-01-03,food,-1,\n")
        self.assertEqual([entry.category for entry in entries], ["food", "food"])

    def test_a_blank_category_is_filed_under_other(self):
        entries = read_ledger(HEAD + "2026-01-02,,-1,\n2026-01-02,  ,-1,\n")
        self.assertEqual([entry.category for entry in entries], ["other", "other"])

    def test_blanks_inside_a_category_are_kept(self):
        (entry,) = read_ledger(HEAD + "2026-01-02,Eating Out,-1,\n")
        self.assertEqual(entry.category, "eating out")

    def test_the_line_that_is_wrong_is_named(self):
        with self.assertRaisesRegex(LedgerError, "line 3"):
            read_ledger(HEAD + "2026-01-02,food,-1,\n2026-13-02,food,-1,\n")

    def test_columns_must_be_there(self):
        with self.assertRaisesRegex(LedgerError, "no column amount"):
            read_ledger("date,category\n")


if __name__ == "__main__":
    unittest.main()
