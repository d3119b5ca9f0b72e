"""The demo: an invented company and what is said of it, from a seed."""

from ingest.demo.company import catalogue_toml
from ingest.demo.generator import Demo, Truth, demo_lines, endless, generate
from ingest.demo.rhythm import last_working_day

__all__ = ["Demo", "Truth", "catalogue_toml", "demo_lines", "endless", "generate", "last_working_day"]
