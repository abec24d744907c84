"""The orchestrator: tools, calls, changes, candidates, choosing."""
