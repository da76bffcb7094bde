-- name: lines
-- What moves accounts, in the order in which it was written.
SELECT kind, call, amount, tokens, time, accounts FROM ledger ORDER BY id;

-- name: accounts
SELECT name, dimension, settled, held, over, ceiling FROM account ORDER BY name, dimension;

-- name: open_holds
-- Calls for which something is promised while no run of theirs is open: nothing will settle them any more.
SELECT h.call, h.task, h.run FROM ledger h
WHERE h.kind = 'hold' AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.call = h.call AND e.kind IN ('settle', 'release'))
  AND NOT EXISTS (SELECT 1 FROM run r WHERE r.call = h.call AND r.ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM agent_call a JOIN run r ON r.task = a.task AND r.number = a.run
                  WHERE a.call = h.call AND r.ended_at IS NULL) LIMIT :limit;

-- name: orphan_runs
-- Runs that are under way by the board, whose worker has ended or was never there.
SELECT t.id, r.number, r.worker FROM run r JOIN task t ON t.seq = r.task
WHERE r.ended_at IS NULL AND r.worker NOT IN (SELECT id FROM worker WHERE ended_at IS NULL) LIMIT :limit;

-- name: textless
-- Tasks that are not done with, and whose text is gone.
SELECT id FROM task WHERE NOT EXISTS (SELECT 1 FROM request WHERE task = seq) AND text_removed_at IS NULL LIMIT :limit;

-- name: shelved
-- Tasks whose papers stand on a shelf, if all is well.
SELECT id, status FROM task WHERE filed_at IS NOT NULL AND text_removed_at IS NULL AND removal IS NULL;

-- name: known
SELECT id, status, filed_at IS NOT NULL AS filed, text_removed_at IS NOT NULL AS removed FROM task;

-- name: newest
-- Until when a board knows what happened.
SELECT max(at) FROM (SELECT max(at) AS at FROM history UNION ALL SELECT max(at) FROM ledger);
