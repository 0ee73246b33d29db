"""The file that a new prompt begins as."""

from __future__ import annotations

from exposure_dagster.corpora import KNOWN_CORPORA

_TEMPLATE = """\
---
# Above the second line of dashes: what the prompt is. Below it: what the model is told.
# `exposure prompts check` says what is wrong with a file, `exposure prompts render DOC_ID` shows what is sent.

title: {title}
description: One sentence for readers of the results.

# What the prompt is asked about.
corpus: {corpus}
# include: [skills]         # of corpora that have more to say of their documents; `exposure prompts check` names what

# Remove this line when the prompt is ready; until then it is scored only where it is named.
enabled: false

# What answers. A change to these, to the levels or to the text below asks every document again.
model: claude-haiku-5-5
# effort: low               # low, medium, high, xhigh or max; the model's own choice if left out
samples: 1                  # answers to a document; their mean is the score
# sampling: {{min: 3, max: 8, target: tiers}}  # in place of samples: more where a tier, or totals, are not sure yet
documents_per_request: 1    # documents in one request

# Allowed answers: all whole numbers from min to max, or {{values: [0, 0.5, 1]}}.
scale: {{min: 0, max: 10}}

# What stretches of the scale mean; both ends of a range belong to it. The model reads range, description
# and examples. Examples that are titles of documents, or aliases of them, also teach the baseline.
levels:
  - label: Low
    range: [0, 3]
    description: What makes an occupation belong here.
    examples: [Roofer, Electrician]
  - label: Middle
    range: [4, 6]
    description: What makes an occupation belong here.
    examples: [Registered nurse, Veterinarian]
  - label: High
    range: [7, 10]
    description: What makes an occupation belong here.
    examples: [Accountant, Translator]

# Names for stretches of the scale, in rankings and legends. A change here asks nothing again. A tier in whole numbers
# takes the scores that round to it; with any fraction among them, each reaches up to where the next one begins.
tiers:
  - {{label: Low, range: [0, 3]}}
  - {{label: Middle, range: [4, 6]}}
  - {{label: High, range: [7, 10]}}

# The same question in other words, of another model or with another effort: their answers make no part of the score and
# say how much of it lies in how it was asked. Each costs as much as the prompt itself.
# variants:
#   - {{name: plain_words, instruction: "Say in other words what the number measures."}}

# Documents that are never shown as examples, and where they should score: whether they do is looked at before anything
# is published. A change here asks nothing again.
# probes:
#   - {{document: Bakers, range: [0, 3]}}

# Words that speak for a high or a low answer; only the baseline reads them. `*` stands for any ending.
baseline:
  raises: [computer*, writ*]
  lowers: [lift*, outdoors]
---
You rate occupations by … Say here what the number measures, in words that leave little to guess.

# What to weigh

- …

# What to leave out

- …
"""


def template_text(name: str) -> str:
    """The commented file of a new prompt; its title is made from the name."""
    return _TEMPLATE.format(title=name.replace("_", " ").capitalize(), corpus=KNOWN_CORPORA[0])
