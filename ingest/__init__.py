"""From the world to mentions: sources, cleaning, envelopes, the log."""
