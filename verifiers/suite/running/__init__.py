"""Running the tests: cold, and on servers that fork."""
