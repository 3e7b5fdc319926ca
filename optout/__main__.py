"""``python -m optout``: the same as the console script."""

from optout.cli.main import main

main()
