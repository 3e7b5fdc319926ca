"""Plans: what a run would change, to whom and why. Built from engine events; no I/O."""

from voiceid_optout.plan.builder import PlanBuilder
from voiceid_optout.plan.digest import Purpose, Scope
from voiceid_optout.plan.model import Action, Change, Plan, PlanError, Step
from voiceid_optout.plan.review import Review

__all__ = ["Action", "Change", "Plan", "PlanBuilder", "PlanError", "Purpose", "Review", "Scope", "Step"]
