"""From what a run showed to a verdict."""
