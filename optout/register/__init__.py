"""The register: YAML files that name the people who must not be recognised by voice."""

from optout.register.codes import ABOUT, Code
from optout.register.errors import Fault, RegisterError, RegisterInvalid
from optout.register.loader import load, load_paths
from optout.register.model import Ensure, Entry, Location, Register

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
