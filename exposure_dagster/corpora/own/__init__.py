"""Users' own documents, from files that a setting names."""
