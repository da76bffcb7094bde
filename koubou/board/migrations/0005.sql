-- Reports look at the tasks that ended within a time.
CREATE INDEX task_ended ON task (finished_at) WHERE filed_at IS NOT NULL;
