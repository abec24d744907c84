"""Three sources of candidates: sampled, infilled, enumerated."""
