-- name: refusals
SELECT since, count, told_at FROM refusal WHERE caller = :caller;

-- name: set_refusals
INSERT INTO refusal (caller, since, count, told_at) VALUES (:caller, :since, :count, :told_at)
ON CONFLICT (caller) DO UPDATE SET since = excluded.since, count = excluded.count, told_at = excluded.told_at;

-- name: refused_callers
SELECT COUNT(*) FROM refusal;

-- name: forget_refusals
DELETE FROM refusal WHERE since < :before;

-- name: newest_line
SELECT coalesce(max(id), 0) FROM ledger;

-- name: sum_up
-- What was settled since the last time, by submitter and day.
INSERT INTO submitter_day (submitter, day, amount)
SELECT submitter, at / 86400000, sum(amount) FROM ledger
WHERE id > (SELECT line FROM submitter_day_upto) AND id <= :line AND kind = 'settle' AND submitter IS NOT NULL
GROUP BY 1, 2
ON CONFLICT (submitter, day) DO UPDATE SET amount = amount + excluded.amount;

-- name: summed_up
UPDATE submitter_day_upto SET line = :line WHERE id = 1;

-- name: forget_days
DELETE FROM submitter_day WHERE day < :day;

-- name: spenders
-- Who spent more than so much on a day, and when the guardian heard of him last.
SELECT d.submitter, d.amount, t.told_at FROM submitter_day d LEFT JOIN submitter_told t ON t.submitter = d.submitter
WHERE d.day = :day AND d.amount > :little;

-- name: days_of
SELECT amount FROM submitter_day WHERE submitter = :submitter AND day >= :since AND day < :day AND amount > 0;

-- name: told
INSERT INTO submitter_told (submitter, told_at) VALUES (:submitter, :now)
ON CONFLICT (submitter) DO UPDATE SET told_at = excluded.told_at;
