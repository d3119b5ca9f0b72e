"""The core: words, sums and decisions of social listening. No network, no clock, no environment."""
