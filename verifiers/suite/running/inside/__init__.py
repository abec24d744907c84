"""Two scripts that run beside the judged code; what they say is evidence, never a verdict."""
