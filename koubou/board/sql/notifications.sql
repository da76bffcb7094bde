-- name: asked
-- The targets that a task's file names.
SELECT value FROM request, json_each(request.body, '$.notify') WHERE request.task = :task;

-- name: owe
INSERT INTO notification (marker, target, body, at, next_try_at) VALUES (:marker, :target, :body, :now, :now);

-- name: open_in_session
SELECT EXISTS (SELECT 1 FROM task WHERE session = :session AND session IS NOT NULL AND filed_at IS NULL);

-- name: first_told
-- Nothing changes where nothing came since it was told.
INSERT INTO session_told (session, seq, at) SELECT :session, max(seq), :now FROM task WHERE session = :session
ON CONFLICT (session) DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > session_told.seq;

-- name: session
SELECT status, count(*) AS tasks, sum(cost) AS cost, max(coalesce(sensitivity, 'confidential') = 'confidential') AS secret
FROM task WHERE session = :session GROUP BY status;

-- name: due
SELECT id, marker, target, body, at, tries FROM notification
WHERE told_at IS NULL AND given_up_at IS NULL AND target = :target AND next_try_at <= :now ORDER BY next_try_at, id LIMIT :limit;

-- name: begun
-- Should we end before we know what became of it, the next try is not before `until`.
UPDATE notification SET tries = tries + 1, next_try_at = :until WHERE id = :id AND told_at IS NULL;

-- name: told
UPDATE notification SET told_at = :now, trouble = NULL WHERE id = :id AND told_at IS NULL AND given_up_at IS NULL;

-- name: failed
UPDATE notification SET next_try_at = :until, trouble = :trouble
WHERE id = :id AND told_at IS NULL AND given_up_at IS NULL;

-- name: give_up
UPDATE notification SET given_up_at = :now WHERE at < :before AND told_at IS NULL AND given_up_at IS NULL
RETURNING marker, target;

-- name: forget
DELETE FROM notification WHERE id IN (
  SELECT id FROM notification WHERE at < :before AND (told_at IS NOT NULL OR given_up_at IS NOT NULL) LIMIT :limit);

-- name: hurry
UPDATE notification SET next_try_at = :now
WHERE told_at IS NULL AND given_up_at IS NULL AND trouble = 'settings' AND next_try_at > :now;
