"""Who may call: signatures, keys, roles and quotas."""
