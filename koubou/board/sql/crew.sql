-- name: hired
INSERT INTO worker (id, tier, model, endpoint, executor, pid, born, boot, status, last_beat, created_at)
VALUES (:id, :tier, :model, :endpoint, :executor, :pid, :born, :boot, 'idle', :now, :now);

-- name: seen
-- Heartbeats reach the board at most every few seconds.
UPDATE worker SET last_beat = :now, status = :status WHERE id = :id AND ended_at IS NULL;

-- name: gone
UPDATE worker SET status = :status, ended_at = :now, end_reason = :reason WHERE id = :id AND ended_at IS NULL;

-- name: alive
SELECT * FROM worker WHERE ended_at IS NULL;

-- name: forget
-- Rows of retired workers stay for a day.
DELETE FROM worker WHERE ended_at < :before;

-- name: latch
INSERT INTO latch (name, reason, at) VALUES (:name, :reason, :now) ON CONFLICT (name) DO NOTHING;

-- name: unlatch
DELETE FROM latch WHERE name = :name;

-- name: latches
SELECT name, reason, at FROM latch ORDER BY name;
