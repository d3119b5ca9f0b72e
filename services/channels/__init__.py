"""Where notifications go: one file a kind of channel."""
