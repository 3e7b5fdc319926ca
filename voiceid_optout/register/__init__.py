"""The register: YAML files that name the people who must not be recognised by voice."""

from voiceid_optout.register.codes import ABOUT, Code
from voiceid_optout.register.loader import load, load_paths
from voiceid_optout.register.model import Entry, Fault, Location, Register, RegisterError, RegisterInvalid
from voiceid_optout.speakers import Ensure

__all__ = [
    "ABOUT",
    "Code",
    "Ensure",
    "Entry",
    "Fault",
    "Location",
    "Register",
    "RegisterError",
    "RegisterInvalid",
    "load",
    "load_paths",
]
