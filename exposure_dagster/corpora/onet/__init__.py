"""O*NET: one document an occupation, and one a task statement; with the employment projections."""

NAME = "onet"
TASKS_NAME = "onet_tasks"

SECTIONS = ("skills", "software", "work_activities", "related")
"""What more is known of occupations, by the names that prompts include it by."""
