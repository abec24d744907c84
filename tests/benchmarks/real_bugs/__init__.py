"""Bugs that no one planted: small fixes from the histories of public packages, and what `winnow fix` does before them."""
