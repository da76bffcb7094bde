-- name: all
SELECT * FROM circuit;

-- name: put
INSERT INTO circuit (name, state, recent, successes, wait, retry_at, quiet_until, reason, opened_at, changed_at)
VALUES (:name, :state, :recent, :successes, :wait, :retry_at, :quiet_until, :reason, :opened_at, :changed_at)
ON CONFLICT (name) DO UPDATE SET state = :state, recent = :recent, successes = :successes, wait = :wait,
  retry_at = :retry_at, quiet_until = :quiet_until, reason = :reason, opened_at = :opened_at, changed_at = :changed_at;

-- name: forget
DELETE FROM circuit WHERE name = :name;
