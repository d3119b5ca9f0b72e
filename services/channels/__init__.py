"""Where notifications go: one file a kind of channel, and the words in which they speak."""
