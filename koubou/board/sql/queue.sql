-- name: waiting_owners
-- Whose tasks wait for a place in a tier: from one to the next in the index, however many each has.
WITH RECURSIVE found (owner) AS (
  SELECT min(owner) FROM task WHERE waiting = 'admit' AND park IS NULL AND tier = :tier
  UNION ALL
  SELECT (SELECT min(owner) FROM task WHERE waiting = 'admit' AND park IS NULL AND tier = :tier AND owner > found.owner)
  FROM found WHERE owner IS NOT NULL
)
SELECT owner FROM found WHERE owner IS NOT NULL LIMIT :most;

-- name: waiting_sessions
-- The same of sessions.
WITH RECURSIVE found (seq) AS (
  SELECT (SELECT seq FROM task WHERE waiting = 'admit' AND park IS NULL AND tier = :tier AND session IS NOT NULL
          ORDER BY owner, session LIMIT 1)
  UNION ALL
  SELECT coalesce(
    (SELECT next.seq FROM task next WHERE next.waiting = 'admit' AND next.park IS NULL AND next.tier = :tier
       AND next.owner = last.owner AND next.session > last.session ORDER BY next.session LIMIT 1),
    (SELECT next.seq FROM task next WHERE next.waiting = 'admit' AND next.park IS NULL AND next.tier = :tier
       AND next.owner > last.owner AND next.session IS NOT NULL ORDER BY next.owner, next.session LIMIT 1))
  FROM found JOIN task last ON last.seq = found.seq
  LIMIT :most
)
SELECT t.owner, t.session FROM found JOIN task t ON t.seq = found.seq;

-- name: taken
-- Who has places in a tier.
SELECT t.owner, t.session, COUNT(*) AS places FROM run r JOIN task t ON t.seq = r.task
WHERE r.ended_at IS NULL AND r.tier = :tier GROUP BY t.owner, t.session;

-- name: ripest
-- Who comes first for a tier's places, but for some; every column is in the index.
SELECT seq, ripe_at, owner, session FROM task
WHERE waiting = 'admit' AND park IS NULL AND tier = :tier
  AND owner NOT IN (SELECT value FROM json_each(:not_owners))
  AND (session IS NULL OR owner || ' ' || session NOT IN (SELECT value ->> 0 || ' ' || (value ->> 1)
                                                           FROM json_each(:not_sessions)))
ORDER BY ripe_at, seq LIMIT :most;

-- name: ripest_of_owner
SELECT seq, ripe_at, owner, session FROM task
WHERE waiting = 'admit' AND park IS NULL AND tier = :tier AND owner = :owner
  AND (session IS NULL OR session NOT IN (SELECT value ->> 1 FROM json_each(:not_sessions)))
ORDER BY ripe_at, seq LIMIT :most;

-- name: ripest_of_session
SELECT seq, ripe_at, owner, session FROM task
WHERE waiting = 'admit' AND park IS NULL AND tier = :tier AND owner = :owner AND session = :session
ORDER BY ripe_at, seq LIMIT :most;

-- name: lock_held
-- Another task at work that has one of the locks that a task wants.
SELECT mine.name, t.id FROM task_lock mine
CROSS JOIN run r ON r.ended_at IS NULL AND r.task <> mine.task
CROSS JOIN task_lock held ON held.task = r.task AND held.name = mine.name
CROSS JOIN task t ON t.seq = r.task
WHERE mine.task = :task LIMIT 1;

-- name: lock_wanted
-- Another that comes before it in the line for one of its locks, and that may start.
SELECT mine.name, t.id FROM task_lock mine
CROSS JOIN lock_line l ON l.name = mine.name AND (l.ripe_at, l.task) < (:ripe_at, :task)
CROSS JOIN task t ON t.seq = l.task
WHERE mine.task = :task AND t.tier IN (SELECT value FROM json_each(:tiers)) LIMIT 1;

-- name: line_up
INSERT OR IGNORE INTO lock_line (name, ripe_at, task) SELECT name, :ripe_at, task FROM task_lock WHERE task = :task;

-- name: first_in_line
-- Of each lock that somebody waits for, who comes first of those that may start, where he is parked.
WITH RECURSIVE lock (name) AS (
  SELECT min(name) FROM lock_line
  UNION ALL
  SELECT (SELECT min(name) FROM lock_line WHERE name > lock.name) FROM lock WHERE name IS NOT NULL
)
SELECT DISTINCT t.seq FROM lock JOIN task t ON t.seq = (
  SELECT l.task FROM lock_line l JOIN task first ON first.seq = l.task
  WHERE l.name = lock.name AND first.tier IN (SELECT value FROM json_each(:tiers)) ORDER BY l.ripe_at, l.task LIMIT 1
) WHERE t.park IS NOT NULL;

-- name: ahead
-- How many wait for the same tier and come first.
SELECT COUNT(*) FROM task
WHERE waiting = 'admit' AND park IS NULL AND tier = :tier AND (ripe_at, seq) < (:ripe_at, :seq);

-- name: durations
-- How long the last answers of a tier took.
SELECT ended_at - coalesce(started_at, admitted_at) FROM run WHERE tier = :tier AND outcome = 'answered'
ORDER BY ended_at DESC LIMIT :most;

-- name: of_locks
-- The locks that a task wants: who has each, and who comes before it in the line.
SELECT mine.name,
       (SELECT t.id FROM run r JOIN task_lock held ON held.task = r.task AND held.name = mine.name
        JOIN task t ON t.seq = r.task WHERE r.ended_at IS NULL AND r.task <> mine.task LIMIT 1) AS holder,
       (SELECT t.id FROM lock_line l JOIN task t ON t.seq = l.task
        WHERE l.name = mine.name AND (l.ripe_at, l.task) < (:ripe_at, :task) ORDER BY l.ripe_at DESC, l.task DESC LIMIT 1)
         AS before
FROM task_lock mine WHERE mine.task = :task ORDER BY mine.name LIMIT :most;

-- name: urged_by
-- Who waits for a task and makes it more urgent than it is by itself.
SELECT w.id, w.ripe_at FROM dependency d JOIN task w ON w.seq = d.task
WHERE d.needs = :id AND w.owner = :owner AND w.outcome IS NULL ORDER BY w.ripe_at, w.seq LIMIT 1;
