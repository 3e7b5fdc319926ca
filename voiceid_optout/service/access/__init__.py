"""Who may do what, how often, and not twice: keys, roles, replays and quotas."""
