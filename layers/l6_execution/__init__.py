"""L6: sends what was permitted, keeps books, cancels, resolves, reconciles. See README.md."""
