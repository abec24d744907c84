"""Commands other than pytest as the tests."""
