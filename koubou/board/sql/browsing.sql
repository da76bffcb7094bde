-- name: if_one_status
status = :one_status

-- name: newest_of_status
-- The newest tasks, for conditions that name one status: in the order of its index, so that nothing is sorted.
SELECT $TASK FROM task WHERE {conditions} ORDER BY created_at DESC, seq DESC LIMIT :limit;

-- name: listed
-- What a list shows of the tasks that meet conditions, the newest first.
SELECT $LISTED FROM task WHERE {conditions} ORDER BY seq DESC LIMIT :limit;

-- name: ids_like
-- Tasks whose id begins so, by the index of ids.
SELECT id, status FROM task WHERE id >= :prefix AND id < :prefix || char(1114111) ORDER BY id LIMIT :limit;

-- name: sessions_like
-- Sessions whose name begins so, by the index of sessions.
SELECT DISTINCT session FROM task WHERE session >= :prefix AND session < :prefix || char(1114111)
ORDER BY session LIMIT :limit;
