-- Reports look at the tasks that ended within a time.
CREATE INDEX task_ended ON task (finished_at) WHERE filed_at IS NOT NULL;

-- What programs are told of tasks and sessions that ended: owed together with the ending, until it has arrived.
CREATE TABLE notification (
  id          INTEGER PRIMARY KEY,
  marker      TEXT    NOT NULL UNIQUE,                          -- by which the other end knows it again
  target      TEXT    NOT NULL,
  body        TEXT    NOT NULL,                                 -- JSON: ids, numbers, categories, never text of a task
  at          INTEGER NOT NULL,
  tries       INTEGER NOT NULL DEFAULT 0,
  next_try_at INTEGER NOT NULL,
  trouble     TEXT,                                             -- why the last try failed
  told_at     INTEGER,
  given_up_at INTEGER,                                          -- owed until one of these two
  CHECK (told_at IS NULL OR given_up_at IS NULL)
) STRICT;
CREATE INDEX notification_owed ON notification (target, next_try_at) WHERE told_at IS NULL AND given_up_at IS NULL;
CREATE INDEX notification_by_age ON notification (at);

-- Up to which of its tasks it was told that a session is done.
CREATE TABLE session_told (
  session TEXT    PRIMARY KEY,
  seq     INTEGER NOT NULL,
  at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX task_open_in_session ON task (session) WHERE session IS NOT NULL AND filed_at IS NULL;
