"""A model on loopback and a warehouse to score, as the tests of scoring have them."""

from tests.integration.scoring.conftest import model, provider, scene, store

__all__ = ["model", "provider", "scene", "store"]
