"""Plans: what a run would change, to whom and why. Built from engine events; no I/O."""

from optout.plan.builder import PlanBuilder
from optout.plan.digest import Purpose, Scope
from optout.plan.errors import PlanError
from optout.plan.model import Action, Change, Plan, Step
from optout.plan.review import Review

__all__ = ["Action", "Change", "Plan", "PlanBuilder", "PlanError", "Purpose", "Review", "Scope", "Step"]
