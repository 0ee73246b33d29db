"""The partitions: one a prompt file."""

from dagster import DynamicPartitionsDefinition

PROMPTS_PARTITIONS = DynamicPartitionsDefinition(name="prompts")
"""A partition key is the stem of a prompt file."""
