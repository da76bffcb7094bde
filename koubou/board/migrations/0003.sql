-- Agents at the bench: calls that a run makes by itself, and what is kept of it.

ALTER TABLE run ADD COLUMN session TEXT;                             -- the agent's own name of its conversation, to go on with
ALTER TABLE run ADD COLUMN edits INTEGER NOT NULL DEFAULT 0;         -- what its events tell of
ALTER TABLE run ADD COLUMN commands INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN dangerous INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;         -- that were let through
ALTER TABLE run ADD COLUMN breach TEXT;                              -- JSON: what could not bear its last call

-- Calls of agents that are under way; their holds stand in the ledger.
CREATE TABLE agent_call (
  call     TEXT    PRIMARY KEY,
  task     INTEGER NOT NULL,
  run      INTEGER NOT NULL,
  tier     TEXT    NOT NULL,
  begun_at INTEGER NOT NULL,
  FOREIGN KEY (task, run) REFERENCES run (task, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_call_of_run ON agent_call (task, run);

-- An issue of a stop that goes on by itself is looked at until a person has closed it.
ALTER TABLE notice ADD COLUMN issue INTEGER;                         -- its number on GitHub
ALTER TABLE notice ADD COLUMN closed_at INTEGER;                     -- when that was seen
