"""L4: reviews plans against named policy rules. It unlocks nothing; only APPROVE approves."""
