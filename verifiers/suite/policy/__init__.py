"""What a change may touch, and what it may bring."""
