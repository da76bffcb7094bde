-- name: begun
INSERT INTO agent_call (call, task, run, tier, begun_at) VALUES (:call, :task, :run, :tier, :now);

-- name: counted
UPDATE run SET calls = calls + 1, breach = NULL WHERE task = :task AND number = :run;

-- name: ended
DELETE FROM agent_call WHERE call = :call;

-- name: of_run
SELECT call FROM agent_call WHERE task = :task AND run = :run;

-- name: of_tiers
-- Whether a call of one of these tiers is under way that was begun since a moment.
SELECT EXISTS (SELECT 1 FROM agent_call WHERE begun_at >= :since AND tier IN (SELECT value FROM json_each(:tiers)));

-- name: breached
UPDATE run SET breach = :breach WHERE task = :task AND number = :run;

-- name: breach_of
SELECT breach FROM run WHERE task = :task AND number = :run;

-- name: noted
-- What a run's events tell only grows.
UPDATE run SET session = coalesce(:session, session), edits = max(edits, :edits), commands = max(commands, :commands),
               dangerous = max(dangerous, :dangerous)
WHERE task = :task AND number = :run;
