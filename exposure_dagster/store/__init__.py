"""Where everything is kept: the DuckDB file, its migrations, locks between processes."""
