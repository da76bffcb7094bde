-- name: owe
-- What fell is told once by each way, however often it is asked for.
INSERT INTO notice (incident, channel, marker, kind, facts, at, next_try_at)
VALUES (:incident, :channel, :marker, :kind, :facts, :now, :now) ON CONFLICT (incident, channel) DO NOTHING;

-- name: due
-- The oldest that this way owes and whose time has come.
SELECT * FROM notice WHERE told_at IS NULL AND channel = :channel AND next_try_at <= :now ORDER BY at, incident LIMIT 1;

-- name: begun
-- From now on it may have arrived; should we end before we know, the next look is not before `until`.
UPDATE notice SET begun_at = :now, tries = tries + 1, next_try_at = :until
WHERE incident = :incident AND channel = :channel AND told_at IS NULL;

-- name: told
UPDATE notice SET told_at = :now, trouble = NULL, issue = :issue
WHERE incident = :incident AND channel = :channel AND told_at IS NULL;

-- name: watched
-- Issues of which nobody knows that they are closed, of sessions that are over since then.
SELECT notice.incident AS incident, circuit.name AS circuit, notice.issue AS issue
FROM circuit JOIN notice ON notice.incident = circuit.name || '@' || circuit.opened_at AND notice.channel = 'github'
WHERE circuit.state = 'open' AND notice.kind = :kind AND notice.issue IS NOT NULL AND notice.closed_at IS NULL
ORDER BY notice.at, notice.incident;

-- name: closed
UPDATE notice SET closed_at = :now WHERE incident = :incident AND channel = 'github' AND closed_at IS NULL;

-- name: failed
UPDATE notice SET next_try_at = :until, trouble = :trouble
WHERE incident = :incident AND channel = :channel AND told_at IS NULL;

-- name: hurry
-- A person may have mended the settings: what failed for them is tried now.
UPDATE notice SET next_try_at = :now WHERE told_at IS NULL AND trouble = 'settings' AND next_try_at > :now;

-- name: owed
SELECT channel, COUNT(*) AS n FROM notice WHERE told_at IS NULL GROUP BY channel;

-- name: spent
-- What this month's account has settled, by tier and model; a correction by the bill is no call. A line of the month stands in it after the month began.
SELECT tier, model, COUNT(*) FILTER (WHERE kind = 'settle') AS calls, sum(input + output) AS tokens, sum(amount) AS nusd
FROM ledger WHERE kind IN ('settle', 'reconcile') AND at >= :since AND instr(accounts, json_quote(:month)) > 0
GROUP BY tier, model ORDER BY nusd DESC, tier, model LIMIT :limit;

-- name: tasks
SELECT status, COUNT(*) AS n FROM task GROUP BY status;

-- name: at_work
SELECT COUNT(*) AS n FROM run WHERE ended_at IS NULL;

-- name: workers
SELECT status, COUNT(*) AS n FROM worker WHERE ended_at IS NULL GROUP BY status;
