-- name: of_type
SELECT tier, answered, retried, poor, good, bad, praised FROM experience WHERE type = :type;

-- name: counted
-- When a row is full, all of it is halved first, so that what was long ago weighs less than what is now.
INSERT INTO experience (type, tier, answered, retried, poor) VALUES (:type, :tier, :answered, :retried, :poor)
ON CONFLICT (type, tier) DO UPDATE SET
  answered = (answered >> (answered + retried + poor >= :full)) + :answered,
  retried  = (retried >> (answered + retried + poor >= :full)) + :retried,
  poor     = (poor >> (answered + retried + poor >= :full)) + :poor,
  good     = good >> (answered + retried + poor >= :full),
  bad      = bad >> (answered + retried + poor >= :full);

-- name: rated
-- `good` and `bad` are what is added: -1 takes back what the same person said before.
INSERT INTO experience (type, tier, good, bad, praised)
VALUES (:type, :tier, max(0, :good), max(0, :bad), max(0, :good))
ON CONFLICT (type, tier) DO UPDATE SET
  good    = max(0, good + :good),
  bad     = max(0, bad + :bad),
  praised = CASE WHEN :bad > 0 THEN 0 ELSE praised + max(0, :good) END;
