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

ALTER TABLE task ADD COLUMN waiting_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN half_used INTEGER NOT NULL DEFAULT 0;    -- more than half of its own budget is used
ALTER TABLE task ADD COLUMN has_locks INTEGER NOT NULL DEFAULT 0;

UPDATE task SET waiting_since = max(coalesce(not_before, created_at), created_at),
                has_locks = EXISTS (SELECT 1 FROM task_lock WHERE task = seq);
UPDATE task SET ripe_at = waiting_since + (10 - priority) * 30000;

DROP INDEX task_queue;
DROP INDEX task_breached;
CREATE INDEX task_due ON task (waiting, ripe_at, seq) WHERE park IS NULL AND (waiting = 'classify' OR waiting = 'route');
-- All that is asked of the queue is in these, so that who looks past thousands does not read a page of each.
CREATE INDEX task_queue ON task (tier, ripe_at, seq, owner, session, waiting, park)
  WHERE waiting = 'admit' AND park IS NULL;
CREATE INDEX task_queue_of_owner ON task (tier, owner, ripe_at, seq, session, waiting, park)
  WHERE waiting = 'admit' AND park IS NULL;
CREATE INDEX task_queue_of_session ON task (tier, owner, session, ripe_at, seq, waiting, park)
  WHERE waiting = 'admit' AND park IS NULL AND session IS NOT NULL;
CREATE INDEX task_breached ON task (park_account, park_dimension, ripe_at, seq) WHERE park = 'budget';

-- Who stands in line for a lock: given up by whoever does anything but wait for it or for his place.
CREATE TABLE lock_line (
  name    TEXT    NOT NULL,
  ripe_at INTEGER NOT NULL,
  task    INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,
  PRIMARY KEY (name, ripe_at, task)
) STRICT, WITHOUT ROWID;
CREATE INDEX lock_line_of_task ON lock_line (task);
CREATE TRIGGER line_is_left AFTER UPDATE OF waiting, park ON task
WHEN NEW.has_locks AND (NEW.waiting IS NOT 'admit' OR coalesce(NEW.park, 'dependency') <> 'dependency')
BEGIN DELETE FROM lock_line WHERE task = NEW.seq; END;
CREATE TRIGGER line_is_in_order_of_ripeness AFTER UPDATE OF ripe_at ON task WHEN NEW.has_locks
BEGIN UPDATE lock_line SET ripe_at = NEW.ripe_at WHERE task = NEW.seq; END;

CREATE INDEX task_waits_for_tier ON task (priority, seq DESC)
  WHERE waiting = 'route' AND park IN ('tier', 'secrecy') AND park_until IS NULL;

ALTER TABLE run ADD COLUMN purpose TEXT NOT NULL DEFAULT 'answer'
  CHECK (purpose IN ('difficulty', 'answer', 'judge'));
ALTER TABLE run ADD COLUMN executor TEXT NOT NULL DEFAULT '';        -- that of its tier when it was admitted
ALTER TABLE run ADD COLUMN examined INTEGER NOT NULL DEFAULT 0;      -- its answer was looked at by rules and detector
ALTER TABLE task ADD COLUMN released INTEGER NOT NULL DEFAULT 0;     -- a named person said how secret it is
CREATE INDEX run_answered ON run (tier, ended_at) WHERE outcome = 'answered';

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
