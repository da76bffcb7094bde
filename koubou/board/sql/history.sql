-- name: add
INSERT INTO history (task, at, event, reason, actor) VALUES (:task, :at, :event, :reason, :actor);

-- name: of_task
SELECT at, event, reason, actor FROM history WHERE task = :task ORDER BY id;
