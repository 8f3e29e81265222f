"""What to check: checklists are YAML files, read here into a typed model."""
