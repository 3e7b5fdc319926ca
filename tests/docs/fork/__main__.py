"""The Pulumi program of the register in config/."""

from voiceid_optout.program import run

run()
