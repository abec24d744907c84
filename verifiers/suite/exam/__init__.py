"""The sealed exam: tests made false, and what becomes of them."""
