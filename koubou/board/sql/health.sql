-- name: open_runs
-- How many runs are open, and how many have been so for a minute longer than they may take.
SELECT COUNT(*), COALESCE(SUM(admitted_at + timeout + 60000 < :now), 0) FROM run WHERE ended_at IS NULL;

-- name: owed_filings
-- Ended tasks whose papers are not on their shelf, and since when the first of them is.
SELECT COUNT(*), MIN(COALESCE(finished_at, updated_at)) FROM task
WHERE waiting = 'file' AND outcome IS NOT NULL AND filed_at IS NULL;

-- name: owed_notices
SELECT COUNT(*), MIN(at) FROM notice WHERE told_at IS NULL;

-- name: latches
SELECT name, reason FROM latch ORDER BY name;
