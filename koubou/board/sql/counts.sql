-- name: tasks
-- How many tasks of each tier have each status; the index has all that is asked. Tasks that never met a tier have none.
SELECT tier, status, COUNT(*) AS n FROM task GROUP BY tier, status;

-- name: first_in_line
-- When the task came that is next in the line of a tier.
SELECT waiting_since FROM task WHERE waiting = 'admit' AND tier = :tier AND park IS NULL ORDER BY ripe_at, seq LIMIT 1;

-- name: without_money
-- How many wait for an account of each kind; there may be as many accounts as tasks, so each kind is one stretch of the index.
SELECT kinds.column1 AS kind, (SELECT COUNT(*) FROM task WHERE park = 'budget'
  AND park_account >= kinds.column1 || ':' AND park_account < kinds.column1 || ';') AS n
FROM (VALUES ('month'), ('day'), ('tier'), ('model'), ('submitter'), ('session'), ('task')) AS kinds;

-- name: workers
-- How many of each tier's crew stand how.
SELECT tier, status, COUNT(*) AS n FROM worker WHERE ended_at IS NULL GROUP BY tier, status;

-- name: accounts
-- The accounts of the windows of this moment, but for those of submitters, sessions and tasks, of which there may be any number.
SELECT * FROM account WHERE name >= 'day:' AND name < 'day;' AND reopens > :now
UNION ALL SELECT * FROM account WHERE name >= 'model:' AND name < 'model;' AND reopens > :now
UNION ALL SELECT * FROM account WHERE name >= 'month:' AND name < 'month;' AND reopens > :now
UNION ALL SELECT * FROM account WHERE name >= 'tier:' AND name < 'tier;' AND reopens > :now;

-- name: submitters
-- How many limits of submitters there are this month, and how many of them have nothing left.
SELECT COUNT(*), COALESCE(SUM(settled + held >= ceiling), 0) FROM account
WHERE name >= 'submitter:' AND name < 'submitter;' AND reopens > :now AND ceiling IS NOT NULL;

-- name: owed
-- What the board owes to the world, and since when the first of each.
SELECT 'filing' AS deed, COUNT(*) AS n, MIN(COALESCE(finished_at, updated_at)) AS since FROM task
WHERE waiting = 'file' AND outcome IS NOT NULL AND filed_at IS NULL
UNION ALL SELECT 'notice', COUNT(*), MIN(at) FROM notice WHERE told_at IS NULL
UNION ALL SELECT 'sending', COUNT(*), MIN(admitted_at) FROM run WHERE sent_at IS NULL AND ended_at IS NULL
UNION ALL SELECT 'removal', COUNT(*), NULL FROM task WHERE removal IS NOT NULL;
