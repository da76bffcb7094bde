-- name: sums
-- What calls used and cost within a window, by a key that is put in by name. A call belongs to the moment of its hold,
-- as in the accounts; whoever looks by `at` first can use its index, since no line is older than its call.
SELECT nullif({key}, '') AS key, count(*) FILTER (WHERE kind = 'settle') AS calls, sum(input) AS input,
       sum(cached_input) AS cached_input, sum(cache_write) AS cache_write, sum(output) AS output,
       sum(reasoning) AS reasoning, sum(amount) AS cost,
       coalesce(sum(amount) FILTER (WHERE unreconciled = 1 AND r.line IS NULL), 0) AS unreconciled
FROM ledger LEFT JOIN reconciled r ON r.line = ledger.id
WHERE ledger.at >= :since AND begun_at >= :since AND begun_at < :until AND kind IN ('settle', 'reconcile')
GROUP BY 1 ORDER BY cost DESC, calls DESC, 1;

-- name: slots
-- What was spent in each quarter of an hour, by tier.
SELECT begun_at / 900000 AS slot, tier, sum(amount) AS cost
FROM ledger
WHERE at >= :since AND begun_at >= :since AND begun_at < :until AND kind IN ('settle', 'reconcile')
GROUP BY 1, 2 ORDER BY 1;

-- name: paid_calls
-- The calls of each tier that cost something, what they cost, corrections included, and the model of the last of them:
-- sqlite takes a column that stands alone from the row that has the maximum.
SELECT tier, count(*) FILTER (WHERE kind = 'settle') AS calls, sum(amount) AS cost, model, max(id) AS last
FROM ledger
WHERE at >= :since AND begun_at >= :since AND begun_at < :until
  AND (kind = 'settle' AND amount > 0 OR kind = 'reconcile')
GROUP BY 1 HAVING calls > 0 ORDER BY 1;

-- name: first_at
SELECT min(begun_at) FROM ledger WHERE at = (SELECT min(at) FROM ledger);

-- name: backends
-- How the runs that were admitted within a window did, by the executor of their tier, and what all calls of theirs cost.
-- A run that is under way, was called off or never sent has neither succeeded nor failed. The time is that of those
-- that ended by themselves.
SELECT r.executor AS backend, count(*) AS runs,
       count(*) FILTER (WHERE r.outcome = 'answered') AS succeeded,
       count(*) FILTER (WHERE r.outcome NOT IN ('answered', 'cancelled', 'unsent')) AS failed,
       coalesce(sum(l.cost), 0) AS cost,
       coalesce(sum(r.ended_at - coalesce(r.started_at, r.admitted_at)) FILTER (WHERE r.outcome NOT IN ('cancelled', 'unsent')), 0) AS time
FROM run r JOIN task t ON t.seq = r.task
LEFT JOIN (SELECT task, run, sum(amount) AS cost FROM ledger
           WHERE at >= :since AND begun_at >= :since AND kind IN ('settle', 'reconcile') GROUP BY task, run) l
  ON l.task = t.id AND l.run = r.number
WHERE r.admitted_at >= :since AND r.admitted_at < :until AND r.purpose = 'answer'
GROUP BY 1 ORDER BY runs DESC, 1;
