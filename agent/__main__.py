"""`python -m agent` is `winnow`."""

from agent.cli import main

main()
