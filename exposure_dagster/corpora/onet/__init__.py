"""O*NET: one document an occupation, and one a task statement; with the employment projections."""

NAME = "onet"
TASKS_NAME = "onet_tasks"
