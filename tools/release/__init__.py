"""What `make release-check` and `make changelog` do."""
