-- name: open_account
-- Make an account, or bring its limit up to date; what it holds and has settled stays.
INSERT INTO account (name, dimension, limit_amount, ceiling, warn_percent, reopens, created_at)
VALUES (:name, :dimension, :limit, :ceiling, :warn_percent, :reopens, :now)
ON CONFLICT (name, dimension) DO UPDATE SET limit_amount = excluded.limit_amount, ceiling = excluded.ceiling,
  warn_percent = excluded.warn_percent, reopens = excluded.reopens,
  over = CASE WHEN excluded.ceiling IS NULL THEN 0 ELSE max(0, settled + held - excluded.ceiling) END
WHERE limit_amount IS NOT excluded.limit_amount OR ceiling IS NOT excluded.ceiling OR reopens IS NOT excluded.reopens
  OR warn_percent IS NOT excluded.warn_percent;

-- name: account
SELECT * FROM account WHERE name = :name AND dimension = :dimension;

-- name: accounts
SELECT * FROM account ORDER BY name, dimension;

-- name: hold
-- Promise money on one account; no row moved = a breach.
UPDATE account SET held = held + :amount
WHERE name = :name AND dimension = 'usd' AND over = 0 AND (ceiling IS NULL OR settled + held + :amount <= ceiling);

-- name: unhold
-- A fact always commits: what a call cost in the end, in place of what was promised; what stands above is kept as over.
UPDATE account SET held = held - :hold, settled = settled + :amount, unreconciled = unreconciled + :unreconciled,
  over = CASE WHEN ceiling IS NULL THEN 0 ELSE max(0, settled + :amount + held - :hold - ceiling) END
WHERE name = :name AND dimension = 'usd';

-- name: line
INSERT INTO ledger (call, kind, task, operation, run, tier, model, amount, accounts, price, input, cached_input, cache_write,
                    output, reasoning, unreconciled, at)
VALUES (:call, :kind, :task, :operation, :run, :tier, :model, :amount, :accounts, :price, :input, :cached_input, :cache_write,
        :output, :reasoning, :unreconciled, :now);

-- name: open_hold
-- The hold of a call, unless it was settled or released.
SELECT * FROM ledger h WHERE h.call = :call AND h.kind = 'hold'
AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.call = :call AND e.kind IN ('settle', 'release'));

-- name: usage_of_task
SELECT COUNT(*) AS calls, coalesce(sum(input), 0) AS input, coalesce(sum(cached_input), 0) AS cached_input,
       coalesce(sum(cache_write), 0) AS cache_write, coalesce(sum(output), 0) AS output,
       coalesce(sum(reasoning), 0) AS reasoning, coalesce(sum(amount), 0) AS amount
FROM ledger WHERE task = :task AND kind IN ('settle', 'reconcile');

-- name: budget_setting
INSERT INTO budget_setting (id, monthly, warning_threshold, emergency_threshold, updated_at)
VALUES (1, :monthly, :warn, :emergency, :now)
ON CONFLICT (id) DO UPDATE SET monthly = :monthly, warning_threshold = :warn, emergency_threshold = :emergency,
  updated_at = :now;

-- name: rate
SELECT due_at FROM rate WHERE tier = :tier AND dimension = :dimension;

-- name: set_rate
INSERT INTO rate (tier, dimension, due_at) VALUES (:tier, :dimension, :due_at)
ON CONFLICT (tier, dimension) DO UPDATE SET due_at = :due_at;
