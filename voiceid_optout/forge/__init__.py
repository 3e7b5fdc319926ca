"""The forge: one comment a stack on a pull request, one issue a stack for drift. Knows nothing of plans."""
