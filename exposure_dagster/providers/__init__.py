"""Who answers: the contract of a provider, the registry of those there are, a file for each, and the baseline."""
