-- name: counted
-- How many tasks have each status; the index has all that is asked.
SELECT status, COUNT(*) AS n FROM task GROUP BY status;

-- name: parked
-- How many are parked, by reason. What is parked is pending, so only those are looked at.
SELECT park, COUNT(*) AS n FROM task WHERE status = 'pending' AND park IS NOT NULL GROUP BY park;

-- name: queued
-- How many wait for a place in each tier.
SELECT tier, COUNT(*) AS n FROM task WHERE waiting = 'admit' AND park IS NULL GROUP BY tier;

-- name: running
-- How many places are taken in each tier.
SELECT tier, COUNT(*) AS n FROM run WHERE ended_at IS NULL GROUP BY tier;

-- name: workers
-- The crew with what each has under way, and those that left within the last day.
SELECT w.*, (SELECT COUNT(*) FROM run r WHERE r.worker = w.id AND r.ended_at IS NULL) AS running
FROM worker w ORDER BY w.ended_at IS NOT NULL, w.tier, w.created_at;

-- name: latches
SELECT name, reason, at FROM latch ORDER BY name;

-- name: account
SELECT * FROM account WHERE name = :name AND dimension = :dimension;

-- name: newest
-- Tasks that meet conditions (put in by name), the newest first.
SELECT $TASK FROM task WHERE {conditions} ORDER BY seq DESC LIMIT :limit;

-- name: newest_of_status
-- The same for conditions that name one status: in the order of its index, so that nothing is sorted.
SELECT $TASK FROM task WHERE {conditions} ORDER BY created_at DESC, seq DESC LIMIT :limit;

-- name: how_many
-- How many meet them.
SELECT COUNT(*) FROM task WHERE {conditions};

-- name: if_any
1

-- name: if_status
status IN (SELECT value FROM json_each(:status))

-- name: if_tier
tier IN (SELECT value FROM json_each(:tier))

-- name: if_session
session = :session

-- name: if_type
type IN (SELECT value FROM json_each(:type))

-- name: if_park
park IN (SELECT value FROM json_each(:park))

-- name: if_since
created_at >= :since

-- name: if_older
created_at < :older

-- name: rest_of_task
-- What the lean page of a task leaves out.
SELECT error, filed_at, parent, answer_bytes, tokens, estimated_cost, park_account, park_dimension, park_need, park_bearable,
       runs_removed_at, text_removed_at, purged_at FROM task WHERE seq = :seq;

-- name: history_after
-- What happened to a task since a line of its history.
SELECT id, at, event, reason, actor FROM history WHERE task = :seq AND id > :after ORDER BY id LIMIT :limit;

-- name: standing
-- Where some tasks stand, and by what the same is known again.
SELECT id, status, digest, owner FROM task WHERE id IN (SELECT value FROM json_each(:ids));

-- name: limits_by_hand
SELECT scope, dimension, amount, actor, reason, at FROM limit_setting ORDER BY scope, dimension;

-- name: warn_at
SELECT warning_threshold FROM budget_setting WHERE id = 1;
