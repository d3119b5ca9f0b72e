"""The processes you can start, and the only place where things are put together."""
