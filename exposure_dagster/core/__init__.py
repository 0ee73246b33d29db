"""What everything stands on: types of tables and columns, checks, lineage, digests, the clock."""
