-- name: newest
-- The last line of the history.
SELECT COALESCE(MAX(id), 0) FROM history;

-- name: after
-- What happened since a line, in order, with what says who may know of it.
SELECT h.id, h.at, h.event, h.reason, h.actor, h.source, t.id AS task, t.owner, t.sensitivity, t.status
FROM history h LEFT JOIN task t ON t.seq = h.task WHERE h.id > :after ORDER BY h.id LIMIT :limit;
