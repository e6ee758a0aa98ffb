"""When, and in what order: gate, plan, cycle, kill switch and command line."""
