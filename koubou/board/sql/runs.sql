-- name: insert
INSERT INTO run (task, number, tier, worker, call, cap, timeout, admitted_at, purpose, executor)
VALUES (:task, :number, :tier, :worker, :call, :cap, :timeout, :now, :purpose, :executor);

-- name: get
SELECT * FROM run WHERE task = :task AND number = :number;

-- name: of_task
SELECT * FROM run WHERE task = :task ORDER BY number;

-- name: sent
UPDATE run SET sent_at = :now WHERE task = :task AND number = :number AND sent_at IS NULL;

-- name: started
UPDATE run SET started_at = :now, sent_at = coalesce(sent_at, :now)
WHERE task = :task AND number = :number AND started_at IS NULL AND ended_at IS NULL;

-- name: ended
-- A run ends once; no row means that its end was known.
UPDATE run SET ended_at = :now, outcome = :outcome, answer_bytes = :answer_bytes, examined = :examined
WHERE task = :task AND number = :number AND ended_at IS NULL;

-- name: richest
-- The run of which the most came; an empty answer is two bytes of JSON.
SELECT number, answer_bytes FROM run WHERE task = :task AND ended_at IS NOT NULL AND answer_bytes > 2 AND purpose = 'answer'
ORDER BY answer_bytes DESC, number DESC LIMIT 1;

-- name: open_of_worker
SELECT r.*, t.id AS task_id FROM run r JOIN task t ON t.seq = r.task WHERE r.worker = :worker AND r.ended_at IS NULL;

-- name: open
SELECT r.*, t.id AS task_id FROM run r JOIN task t ON t.seq = r.task WHERE r.ended_at IS NULL;

-- name: open_count
-- Places that are taken, by worker: always counted, never stored.
SELECT worker, COUNT(*) AS n FROM run WHERE ended_at IS NULL GROUP BY worker;

-- name: apart
-- Workers at which a task is tried apart.
SELECT r.worker FROM run r JOIN task t ON t.seq = r.task WHERE r.ended_at IS NULL AND t.suspect;

-- name: owed
-- Runs that no worker has been told of.
SELECT r.task, r.number, r.worker, t.id AS task_id FROM run r JOIN task t ON t.seq = r.task
WHERE r.sent_at IS NULL AND r.ended_at IS NULL;
