-- name: due_confidential
-- Confidential tasks whose text and answer have been kept long enough. Each of these: ended, filed, and free to go.
SELECT $SLIM FROM task AS t
WHERE t.filed_at IS NOT NULL AND t.text_removed_at IS NULL AND t.sensitivity = 'confidential'
  AND t.finished_at < :confidential AND coalesce(t.removal, 'runs') = 'runs' AND $FREE
ORDER BY t.finished_at LIMIT :limit;

-- name: due_completed
SELECT $SLIM FROM task AS t
WHERE t.filed_at IS NOT NULL AND t.text_removed_at IS NULL AND t.status = 'completed'
  AND t.finished_at < :completed AND coalesce(t.removal, 'runs') = 'runs' AND $FREE
ORDER BY t.finished_at LIMIT :limit;

-- name: due_cancelled
-- Apart from the failed, so that the index has both in their order and no more are looked at than are asked for.
SELECT $SLIM FROM task AS t
WHERE t.filed_at IS NOT NULL AND t.text_removed_at IS NULL AND t.status = 'cancelled'
  AND t.finished_at < :failed AND coalesce(t.removal, 'runs') = 'runs' AND $FREE
ORDER BY t.finished_at LIMIT :limit;

-- name: due_failed
SELECT $SLIM FROM task AS t
WHERE t.filed_at IS NOT NULL AND t.text_removed_at IS NULL AND t.status = 'failed'
  AND t.finished_at < :failed AND coalesce(t.removal, 'runs') = 'runs' AND $FREE
ORDER BY t.finished_at LIMIT :limit;

-- name: due_runs
-- Tasks that stay, but for the records of their calls.
SELECT $SLIM FROM task AS t
WHERE t.filed_at IS NOT NULL AND t.runs_removed_at IS NULL AND t.finished_at < :runs AND t.removal IS NULL AND $FREE
ORDER BY t.finished_at LIMIT :limit;

-- name: due_ids
-- Bare ids that have been kept long enough.
SELECT $SLIM FROM task AS t
WHERE t.text_removed_at IS NOT NULL AND t.finished_at < :ids AND t.removal IS NULL AND $FREE
ORDER BY t.finished_at LIMIT :limit;

-- name: needed_by
-- A task that has not ended and needs this one.
SELECT n.id FROM dependency d JOIN task n ON n.seq = d.task WHERE d.needs = :id AND n.filed_at IS NULL LIMIT 1;

-- name: is_held
-- Whether a call of a task is yet to be settled.
SELECT EXISTS (SELECT 1 FROM run r WHERE r.task = :seq AND r.ended_at IS NULL)
    OR EXISTS (SELECT 1 FROM ledger h WHERE h.task = :id AND h.kind = 'hold'
               AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.call = h.call AND e.kind IN ('settle', 'release')));

-- name: owe
-- From now on its files are to be removed; nothing brings the task back.
UPDATE task SET removal = :what, removal_by = :actor, removal_from = :source, updated_at = :now
WHERE seq = :seq AND filed_at IS NOT NULL AND (text_removed_at IS NULL OR :what = 'purge') AND purged_at IS NULL;

-- name: owed
SELECT seq, id, removal FROM task WHERE removal IS NOT NULL ORDER BY seq LIMIT :limit;

-- name: owed_count
SELECT COUNT(*) FROM task WHERE removal IS NOT NULL;

-- name: owed_of
SELECT removal, removal_by, removal_from FROM task WHERE seq = :seq;

-- name: runs_removed
UPDATE task SET runs_removed_at = :now, removal = NULL, removal_by = NULL, removal_from = NULL, updated_at = :now
WHERE seq = :seq AND removal = 'runs';

-- name: text_removed
-- What is left says that there was a task, by which the same is known again, and how it ended.
UPDATE task SET text_removed_at = coalesce(text_removed_at, :now), runs_removed_at = coalesce(runs_removed_at, :now),
                purged_at = CASE WHEN removal = 'purge' THEN :now END,
                removal = NULL, removal_by = NULL, removal_from = NULL, title = '', judged = '[]', routed = '[]', park_detail = NULL,
                error = CASE WHEN error IS NOT NULL THEN
                  json_object('class', error ->> 'class', 'code', error ->> 'code', 'message', 'what it said was removed',
                              'remedy', '', 'retryable', json('false')) END,
                updated_at = :now
WHERE seq = :seq AND removal IN ('text', 'purge');

-- name: remove_request
DELETE FROM request WHERE task = :seq;

-- name: remove_history
DELETE FROM history WHERE task = :seq;

-- name: remove_runs
DELETE FROM run WHERE task = :seq AND ended_at IS NOT NULL;

-- name: remove_needs
DELETE FROM dependency WHERE task = :seq;

-- name: remove_locks
DELETE FROM task_lock WHERE task = :seq;

-- name: make_bare
UPDATE task SET session = NULL, parent = NULL, budget = '{}' WHERE seq = :seq;

-- name: close_accounts
-- The accounts of a task go with its id: a line takes back what they have settled, so that the same id begins at nothing.
INSERT INTO ledger (call, kind, task, operation, run, tier, model, amount, tokens, time, accounts, begun_at, at)
SELECT 'forget:' || :id || ':' || :seq, 'reset', :id, '', 0, '', '',
       -coalesce(sum(settled) FILTER (WHERE dimension = 'usd'), 0),
       -coalesce(sum(settled) FILTER (WHERE dimension = 'tokens'), 0),
       -coalesce(sum(settled) FILTER (WHERE dimension = 'time'), 0),
       json_group_array(json_array(name, dimension)), :now, :now
FROM account WHERE name = 'task:' || :id HAVING COUNT(*) > 0;

-- name: remove_accounts
DELETE FROM account WHERE name = 'task:' || :id;

-- name: remove_task
DELETE FROM task WHERE seq = :seq AND text_removed_at IS NOT NULL;

-- name: remove_notices
DELETE FROM notice WHERE told_at IS NOT NULL AND told_at < :ids;

-- name: removed_of
-- What is no longer there of a task, and since when.
SELECT runs_removed_at, text_removed_at, purged_at, removal FROM task WHERE seq = :seq;
