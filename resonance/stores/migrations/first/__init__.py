"""The tables of the first schema by who writes them, as they were."""
