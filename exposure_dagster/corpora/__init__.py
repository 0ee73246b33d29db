"""What can be asked about. `corpus.py` is the contract, `registry.py` lists what there is; a folder a source.

Only names stand here, so that settings can check one without loading what reads the sources.
"""

from collections.abc import Mapping

from exposure_dagster.corpora import onet, ooh

KNOWN_CORPORA: tuple[str, ...] = (ooh.NAME, onet.NAME, onet.TASKS_NAME)
"""The corpora that come with the project; a user's own stand beside them."""

WITH_SIGNALS = (onet.NAME,)
"""Those of which growth and openings are known, which a resilience formula needs."""

OF_PARTS = (onet.TASKS_NAME,)
"""Those whose documents are parts of others, to which their scores can be rolled up."""

SECTIONS: Mapping[str, tuple[str, ...]] = {onet.NAME: onet.SECTIONS}
"""What prompts about a corpus may include in the text that is asked about (`Corpus.sections`), by name."""
