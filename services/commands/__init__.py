"""The commands of `resonance`, by what they are about."""
