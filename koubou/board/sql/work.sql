-- name: ended
-- How each task ended that did so within a window, how long it waited for its first run, and how long it then took.
-- The key is put in by name. The order of the index is that of the window.
SELECT {key} AS key, status, started_at - created_at AS waited, finished_at - started_at AS took
FROM task WHERE filed_at IS NOT NULL AND finished_at >= :since AND finished_at < :until;

-- name: failures
-- What tasks of a window failed of, the most frequent first.
SELECT json_extract(error, '$.class') AS class, coalesce(json_extract(error, '$.code'), '') AS code, count(*) AS tasks
FROM task WHERE filed_at IS NOT NULL AND finished_at >= :since AND finished_at < :until AND status = 'failed'
GROUP BY 1, 2 ORDER BY tasks DESC, 1, 2 LIMIT :limit;
