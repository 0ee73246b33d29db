"""What everything stands on: types of tables and columns, checks, errors, digests, progress, the clock."""
