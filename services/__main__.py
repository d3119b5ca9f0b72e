"""`python -m services`: the command `resonance`."""

from services.cli import main

main()
