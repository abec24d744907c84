"""Bugs that no one planted: small fixes from the histories of public packages.

`mine` finds them and writes the manifest; `run` asks `winnow fix` for each, beside random enumeration.
"""
