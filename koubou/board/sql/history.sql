-- name: add
INSERT INTO history (id, task, at, event, reason, actor, source, hash)
VALUES (:id, :task, :at, :event, :reason, :actor, :source, :hash);

-- name: head
-- The last line, be it still there or gone with its task.
SELECT id, hash FROM (SELECT id, hash FROM history ORDER BY id DESC LIMIT 1)
UNION ALL
SELECT id, hash FROM (SELECT last AS id, hash FROM history_gap ORDER BY first DESC LIMIT 1)
ORDER BY id DESC LIMIT 1;

-- name: of_task
SELECT at, event, reason, actor FROM history WHERE task = :task ORDER BY id;

-- name: removed
SELECT removed FROM history_chain WHERE id = 1;
