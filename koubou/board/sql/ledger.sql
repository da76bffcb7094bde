-- name: open_account
-- Make an account, or bring its limit up to date; what it holds and has settled stays.
INSERT INTO account (name, dimension, limit_amount, ceiling, warn_percent, reopens, created_at)
VALUES (:name, :dimension, :limit, :ceiling, :warn_percent, :reopens, :now)
ON CONFLICT (name, dimension) DO UPDATE SET limit_amount = excluded.limit_amount + added,
  ceiling = excluded.ceiling + added, warn_percent = excluded.warn_percent, reopens = excluded.reopens,
  over = CASE WHEN excluded.ceiling IS NULL THEN 0 ELSE max(0, settled + held - excluded.ceiling - added) END,
  overdrawn = overdrawn AND coalesce(settled > excluded.limit_amount + added, 0),
  told = CASE WHEN settled * 100 >= told * (excluded.limit_amount + added) THEN told ELSE 0 END
WHERE limit_amount IS NOT excluded.limit_amount + added OR ceiling IS NOT excluded.ceiling + added
  OR reopens IS NOT excluded.reopens OR warn_percent IS NOT excluded.warn_percent;

-- name: past_of_window
-- What was used since a moment, by tier, model, submitter, or in all; calls under way count with all that they hold.
SELECT $USED WHERE l.at >= :since AND l.begun_at >= :since
  AND CASE :column WHEN 'tier' THEN l.tier = :value WHEN 'model' THEN l.model = :value
                   WHEN 'submitter' THEN l.submitter = :value ELSE 1 END;

-- name: past_of_session
SELECT $USED WHERE l.session = :value;

-- name: past_of_task
SELECT $USED WHERE l.task = :value
  AND l.id > coalesce((SELECT max(id) FROM ledger WHERE task = :value AND kind = 'reset'), 0);

-- name: carry
-- The line with which an account begins that was made when some of its calls had been made already: those since
-- `begun_at`. So are those moved that were under way then, when they end.
INSERT INTO ledger (call, kind, task, operation, run, tier, model, amount, tokens, time, accounts, begun_at, at)
VALUES ('carry:' || :account || ':' || :dimension || ':' || :now, 'carry', '', '', 0, '', '',
        iif(:dimension = 'usd', :amount, 0), iif(:dimension IN ('tokens', 'calls'), :amount, 0),
        iif(:dimension = 'time', :amount, 0), json_array(json_array(:account, :dimension)), :since, :now);

-- name: account
SELECT * FROM account WHERE name = :name AND dimension = :dimension;

-- name: several
SELECT account.* FROM json_each(:accounts) AS k JOIN account ON name = k.value ->> 0 AND dimension = k.value ->> 1;

-- name: accounts
SELECT * FROM account ORDER BY name, dimension;

-- name: window_accounts
-- All but those of tasks, of which there are as many as tasks.
SELECT * FROM account WHERE name < 'task:' UNION ALL SELECT * FROM account WHERE name >= 'task;' ORDER BY name, dimension;

-- name: hold
-- Promise something on one account; no row moved = a breach. `bearable` is up to where this call may fill it.
UPDATE account SET held = held + :amount, overdrawn = overdrawn OR coalesce(settled + held + :amount > limit_amount, 0)
WHERE name = :name AND dimension = :dimension AND over = 0
  AND (ceiling IS NULL OR settled + held + :amount <= min(ceiling, coalesce(:bearable, ceiling)));

-- name: unhold
-- A fact always commits: what a call used in the end, in place of what was promised; what stands above is kept as over.
UPDATE account SET held = held - :hold, settled = settled + :amount, unreconciled = unreconciled + :unreconciled,
  over = CASE WHEN ceiling IS NULL THEN 0 ELSE max(0, settled + :amount + held - :hold - ceiling) END
WHERE name = :name AND dimension = :dimension;

-- name: count
-- A fact that nothing was held for: an agent's deed, or a line of a provider's bill. Makes no account.
UPDATE account SET settled = max(0, settled + :amount), unreconciled = max(0, unreconciled + :unreconciled),
  over = CASE WHEN ceiling IS NULL THEN 0 ELSE max(0, max(0, settled + :amount) + held - ceiling) END
WHERE name = :name AND dimension = :dimension
RETURNING *;

-- name: told
UPDATE account SET told = :level WHERE name = :name AND dimension = :dimension;

-- name: add
-- A person gives more than the settings do; the account is made where there is none yet.
INSERT INTO account (name, dimension, added, created_at) VALUES (:name, :dimension, :amount, :now)
ON CONFLICT (name, dimension) DO UPDATE SET added = added + :amount, limit_amount = limit_amount + :amount,
  ceiling = ceiling + :amount, over = CASE WHEN ceiling IS NULL THEN 0 ELSE max(0, settled + held - ceiling - :amount) END,
  overdrawn = overdrawn AND coalesce(settled > limit_amount + :amount, 0),
  told = CASE WHEN settled * 100 >= told * (limit_amount + :amount) THEN told ELSE 0 END;

-- name: restart
-- A new period: what was settled no longer counts. What is held stays held.
UPDATE account SET settled = 0, unreconciled = 0, overdrawn = 0, told = 0,
  over = CASE WHEN ceiling IS NULL THEN 0 ELSE max(0, held - ceiling) END
WHERE name = :name AND dimension = :dimension;

-- name: line
INSERT INTO ledger (call, kind, task, operation, run, tier, model, session, submitter, amount, tokens, time, accounts, price,
                    input, cached_input, cache_write, output, reasoning, unreconciled, begun_at, at)
VALUES (:call, :kind, :task, :operation, :run, :tier, :model, :session, :submitter, :amount, :tokens, :time, :accounts, :price,
        :input, :cached_input, :cache_write, :output, :reasoning, :unreconciled, :begun_at, :now);

-- name: open_hold
-- The hold of a call, unless it was settled or released.
SELECT * FROM ledger h WHERE h.call = :call AND h.kind = 'hold'
AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.call = :call AND e.kind IN ('settle', 'release'));

-- name: usage_of_task
SELECT COUNT(*) AS calls, coalesce(sum(input), 0) AS input, coalesce(sum(cached_input), 0) AS cached_input,
       coalesce(sum(cache_write), 0) AS cache_write, coalesce(sum(output), 0) AS output,
       coalesce(sum(reasoning), 0) AS reasoning, coalesce(sum(amount), 0) AS amount
FROM ledger WHERE task = :task AND kind IN ('settle', 'reconcile')
  -- an id that was forgotten and given again begins anew
  AND id > coalesce((SELECT max(id) FROM ledger WHERE task = :task AND kind = 'reset'), 0);

-- name: hours
-- What each model and tier cost in each hour of a span, and how much of it nobody has confirmed.
SELECT model, tier, begun_at / 3600000 * 3600000 AS hour, sum(amount) AS amount,
       sum(CASE WHEN unreconciled AND NOT EXISTS (SELECT 1 FROM reconciled WHERE line = id) THEN amount ELSE 0 END) AS unknown
FROM ledger WHERE kind IN ('settle', 'reconcile') AND model = :model AND begun_at >= :since AND begun_at < :until
GROUP BY model, tier, hour ORDER BY hour, tier;

-- name: bookings
-- Calls of a model that a provider may book in another hour than that in which they began, unless its bill has already
-- spoken of them; and those under way, whose end is not known.
SELECT begun_at AS begun, at AS ended, amount FROM ledger
WHERE kind IN ('settle', 'reconcile') AND kind = 'settle' AND model = :model AND begun_at >= :since AND begun_at < :until
  AND (begun_at - :clocks) / 3600000 < (at + :clocks) / 3600000
  AND NOT EXISTS (SELECT 1 FROM reconciled WHERE line = id)
UNION ALL
SELECT h.begun_at, NULL, h.amount
FROM (SELECT call FROM run WHERE ended_at IS NULL UNION ALL SELECT call FROM agent_call) c
JOIN ledger h ON h.call = c.call AND h.kind = 'hold'
WHERE h.model = :model AND h.amount > 0
  AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.call = h.call AND e.kind IN ('settle', 'release'));

-- name: models
-- The models that anything was spent on.
SELECT DISTINCT model FROM ledger WHERE kind IN ('settle', 'reconcile');

-- name: unknown_lines
-- The settled lines of an hour whose outcome nobody knows yet.
SELECT * FROM ledger
WHERE kind = 'settle' AND unreconciled AND model = :model AND begun_at >= :since AND begun_at < :until
  AND NOT EXISTS (SELECT 1 FROM reconciled WHERE line = id);

-- name: began_anew
-- Whether an account has begun a new period after a line, since a moment.
SELECT 1 FROM ledger WHERE kind = 'reset' AND accounts = :accounts AND id > :after AND at >= :since LIMIT 1;

-- name: days_made_since
-- Accounts of days that were made while a call of theirs was under way, and began with it.
SELECT name FROM account AS a
WHERE dimension = 'usd' AND name >= 'day:' || date(:at / 1000 - 86400, 'unixepoch') AND name < 'day;' AND created_at >= :at
  AND EXISTS (SELECT 1 FROM ledger WHERE at = a.created_at AND kind = 'carry' AND begun_at <= :at
              AND accounts = json_array(json_array(a.name, 'usd')));

-- name: reconciled
INSERT INTO reconciled (line, at) VALUES (:line, :now);

-- name: reconciliations
-- How many lines were added for a model's hour.
SELECT COUNT(*) FROM ledger WHERE kind = 'reconcile' AND model = :model AND begun_at = :hour;

-- name: settings
SELECT scope, dimension, amount FROM limit_setting;

-- name: set_limit
INSERT INTO limit_setting (scope, dimension, amount, actor, reason, at)
VALUES (:scope, :dimension, :amount, :actor, :reason, :now)
ON CONFLICT (scope, dimension) DO UPDATE SET amount = :amount, actor = :actor, reason = :reason, at = :now;

-- name: unset_limit
DELETE FROM limit_setting WHERE scope = :scope AND dimension = :dimension;

-- name: unpark_account
-- The limit of an account has changed: who waits for it asks anew.
UPDATE task SET park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL,
                park_least = NULL, updated_at = :now
WHERE park = 'budget' AND park_account = :name AND park_dimension = :dimension;

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
