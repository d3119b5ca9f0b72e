"""The query language, and the matcher of all topics at once."""

from resonance.matching.lint import lint
from resonance.matching.matcher import Match, Matcher
from resonance.matching.parser import parse
from resonance.matching.query import Tree, normal_form
from resonance.matching.scanner import Limits

__all__ = ["Limits", "Match", "Matcher", "Tree", "lint", "normal_form", "parse"]
