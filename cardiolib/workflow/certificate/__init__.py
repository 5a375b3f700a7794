"""A run as something to check: codecheck.yml, a Workflow Run RO-Crate, and a page that says what was recomputed."""
