-- Who may come in, what he may ask for, and a history that proves itself.

-- Bearer tokens of the window; the secret itself is nowhere.
CREATE TABLE token (
  id           TEXT    PRIMARY KEY CHECK (length(id) = 10),
  name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
  digest       TEXT    NOT NULL UNIQUE CHECK (length(digest) = 64),  -- sha256 of the whole token
  role         TEXT    NOT NULL CHECK (role IN ('viewer', 'submitter', 'operator', 'guardian')),
  uid          INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967294),  -- whom it acts for
  created_at   INTEGER NOT NULL,
  created_by   TEXT    NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER,
  revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX token_named_once ON token (name) WHERE revoked_at IS NULL;

-- What the owner's bounds were when a task came in, as JSON {tiers, executors, priority}; they go with it.
ALTER TABLE task ADD COLUMN bounds TEXT;
ALTER TABLE task ADD COLUMN removal_from TEXT;                       -- from where its removal was asked for

-- Each line carries a hash over the one before and itself (rules/chain.py). Lines from before this step have none; the
-- chain begins with the line that is added at the end of it.
ALTER TABLE history ADD COLUMN source TEXT NOT NULL DEFAULT '';      -- from where the actor asked
ALTER TABLE history ADD COLUMN hash BLOB;

-- Where lines went with their task: from which to which, and the hash that the last of them had. Neighbours are joined,
-- so there are never more than lines that stay.
CREATE TABLE history_gap (
  first INTEGER PRIMARY KEY,
  last  INTEGER NOT NULL CHECK (last >= first),
  hash  BLOB    NOT NULL
) STRICT;
CREATE INDEX history_gap_by_end ON history_gap (last);

-- How many lines have gone so far. A line of the history says the same, so that no gap can be added unseen.
CREATE TABLE history_chain (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  removed INTEGER NOT NULL
) STRICT;
INSERT INTO history_chain VALUES (1, 0);

CREATE TRIGGER history_leaves_a_gap AFTER DELETE ON history WHEN OLD.hash IS NOT NULL
BEGIN
  UPDATE history_gap SET last = OLD.id, hash = OLD.hash WHERE last = OLD.id - 1;
  INSERT INTO history_gap (first, last, hash)
    SELECT OLD.id, OLD.id, OLD.hash WHERE NOT EXISTS (SELECT 1 FROM history_gap WHERE last = OLD.id);
  UPDATE history_gap SET (last, hash) = (SELECT n.last, n.hash FROM history_gap n WHERE n.first = OLD.id + 1)
    WHERE last = OLD.id AND EXISTS (SELECT 1 FROM history_gap n WHERE n.first = OLD.id + 1);
  DELETE FROM history_gap WHERE first = OLD.id + 1;
  UPDATE history_chain SET removed = removed + 1 WHERE id = 1;
END;

-- Who was refused what, by caller: at most so many callers as rules/alarms.py says, each in one row.
CREATE TABLE refusal (
  caller  TEXT    PRIMARY KEY,
  since   INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  told_at INTEGER                                                     -- when the guardian was told of him last
) STRICT, WITHOUT ROWID;

-- What each submitter spent on each day (UTC), summed up from the ledger up to a line of it.
CREATE TABLE submitter_day (
  submitter INTEGER NOT NULL,
  day       INTEGER NOT NULL,                                         -- days since 1970
  amount    INTEGER NOT NULL,
  PRIMARY KEY (submitter, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE submitter_told (
  submitter INTEGER PRIMARY KEY,
  told_at   INTEGER NOT NULL
) STRICT;
CREATE TABLE submitter_day_upto (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  line INTEGER NOT NULL
) STRICT;
INSERT INTO submitter_day_upto SELECT 1, coalesce(max(id), 0) FROM ledger;
INSERT INTO submitter_day
SELECT submitter, at / 86400000, sum(amount) FROM ledger
WHERE at >= CAST((julianday('now') - 2440587.5 - 15) * 86400000 AS INTEGER) AND kind = 'settle' AND submitter IS NOT NULL
GROUP BY 1, 2;

INSERT INTO history (id, task, at, event, reason, actor, source, hash)
SELECT id, NULL, at, 'history.chained', reason, 'koubou', 'workshop',
       history_hash(x'', id, NULL, at, 'history.chained', reason, 'koubou', 'workshop')
FROM (SELECT coalesce(max(id), 0) + 1 AS id, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS at,
             'from here on each line is proven by the next' AS reason FROM history);
