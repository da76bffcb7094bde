-- name: chain
-- Every line in order, with what proves it.
SELECT id, task, at, event, reason, actor, source, hash FROM history ORDER BY id;

-- name: gaps
SELECT first AS id, last, hash FROM history_gap ORDER BY first;

-- name: counted
SELECT removed FROM history_chain WHERE id = 1;

-- name: lines
-- Lines that meet conditions, the newest first.
SELECT h.id, t.id AS task, h.at, h.event, h.reason, h.actor, h.source, h.hash
FROM history h LEFT JOIN task t ON t.seq = h.task WHERE {conditions} ORDER BY h.id DESC LIMIT :limit;

-- name: if_any
1

-- name: if_actor
h.actor = :actor

-- name: if_event
(h.event = :event OR substr(h.event, 1, length(:event) + 1) = :event || '.')

-- name: if_since
h.at >= :since

-- name: if_task
h.task = (SELECT seq FROM task WHERE id = :task)
