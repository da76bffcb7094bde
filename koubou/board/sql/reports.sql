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
