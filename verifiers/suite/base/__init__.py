"""What the tests of the clean base say: measured, kept, split."""
