"""Plans: what a run would change, to whom and why. Built from engine events; no I/O."""

from optout.plan.builder import PlanBuilder
from optout.plan.model import Action, Plan, Step

__all__ = ["Action", "Plan", "PlanBuilder", "Step"]
