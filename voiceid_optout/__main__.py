"""``python -m voiceid_optout``: the same as the console script."""

from voiceid_optout.cli.main import main

main()
