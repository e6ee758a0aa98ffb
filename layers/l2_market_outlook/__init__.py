"""L2: features and NO-TRADE triggers, by code, one symbol at a time."""
