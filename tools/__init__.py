"""Programs for maintainers; none is needed to use the project."""
