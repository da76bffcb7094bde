-- The right bench: the order in which tasks ripen, checking calls beside answers, circuits, and what was learned.

ALTER TABLE task ADD COLUMN ripe_at INTEGER NOT NULL DEFAULT 0;      -- when it is as urgent as anything can be: who ripens first goes first
ALTER TABLE task ADD COLUMN phase TEXT NOT NULL DEFAULT 'answer'     -- what its next call is for
  CHECK (phase IN ('difficulty', 'answer', 'judge'));
ALTER TABLE task ADD COLUMN answer_run INTEGER;                      -- the run whose answer is being judged
ALTER TABLE task ADD COLUMN upgraded_to TEXT;                        -- the next tier up, to which bad work sent it, once
ALTER TABLE task ADD COLUMN lesser TEXT                              -- it met a lesser tier than it should have: what is done about it
  CHECK (lesser IN ('proceed', 'verify', 'simplify'));
ALTER TABLE task ADD COLUMN judge_score REAL;                        -- 0 to 1
ALTER TABLE task ADD COLUMN rated TEXT CHECK (rated IN ('good', 'bad'));

UPDATE task SET ripe_at = coalesce(not_before, created_at) + (10 - priority) * 30000;

CREATE INDEX task_waits_for_tier ON task (priority, seq DESC)
  WHERE waiting = 'route' AND park IN ('tier', 'secrecy') AND park_until IS NULL;

ALTER TABLE run ADD COLUMN purpose TEXT NOT NULL DEFAULT 'answer'
  CHECK (purpose IN ('difficulty', 'answer', 'judge'));

-- A provider's model, as it has served lately. What is not here serves well.
CREATE TABLE circuit (
  name       TEXT    PRIMARY KEY,                                    -- provider and model
  state      TEXT    NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
  recent     TEXT    NOT NULL DEFAULT '',                            -- its last calls, oldest first: + or -
  successes  INTEGER NOT NULL DEFAULT 0,                             -- in a row, since it is half open
  wait       INTEGER NOT NULL DEFAULT 0,                             -- how long it stays open; grows
  retry_at   INTEGER,                                                -- when it is looked at again
  quiet_until INTEGER,                                               -- the provider asked for silence until then
  reason     TEXT    NOT NULL DEFAULT '',
  opened_at  INTEGER,                                                -- degraded since
  changed_at INTEGER NOT NULL DEFAULT 0                                -- when its state did; calls begun earlier say nothing of it
) STRICT, WITHOUT ROWID;

-- How tasks of a type did in a tier.
CREATE TABLE experience (
  type      TEXT    NOT NULL,
  tier      TEXT    NOT NULL,
  answered  INTEGER NOT NULL DEFAULT 0,                              -- tasks that were completed there
  retried   INTEGER NOT NULL DEFAULT 0,                              -- runs that had to be made again
  poor      INTEGER NOT NULL DEFAULT 0,                              -- tasks that had to go up, or failed
  good      INTEGER NOT NULL DEFAULT 0,                              -- as people rated them
  bad       INTEGER NOT NULL DEFAULT 0,
  praised   INTEGER NOT NULL DEFAULT 0,                              -- good ones since the last bad one
  PRIMARY KEY (type, tier)
) STRICT, WITHOUT ROWID;
