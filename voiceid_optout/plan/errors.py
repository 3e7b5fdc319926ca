"""What can be wrong with a plan that was saved."""

from __future__ import annotations


class PlanError(Exception):
    """Root of this package's errors. The message says what is wrong and what to do."""


class PlanFileError(PlanError):
    """A file is no saved plan, or one that was cut short or changed."""


class ForeignPlanError(PlanError):
    """A saved plan is for something else than what it is used for."""


class LimitsError(PlanError):
    """The guard's limits are not what they should be."""
