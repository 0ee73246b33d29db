"""A model on loopback and a warehouse to score, as the tests of scoring have them."""

from tests.integration.scoring.conftest import model, scene

__all__ = ["model", "scene"]
