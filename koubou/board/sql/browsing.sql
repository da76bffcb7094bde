-- name: if_one_status
status = :one_status

-- name: ids_like
-- Tasks whose id begins so, by the index of ids.
SELECT id, status FROM task WHERE id >= :prefix AND id < :prefix || char(1114111) ORDER BY id LIMIT :limit;

-- name: sessions_like
-- Sessions whose name begins so, by the index of sessions.
SELECT DISTINCT session FROM task WHERE session >= :prefix AND session < :prefix || char(1114111)
ORDER BY session LIMIT :limit;
