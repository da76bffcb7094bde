-- The pages of the board. Times are integer milliseconds (UTC), money integer nano-dollars.

CREATE TABLE task (
  seq                      INTEGER PRIMARY KEY,                 -- the order of arrival
  id                       TEXT    NOT NULL COLLATE NOCASE UNIQUE,
  claim                    TEXT    NOT NULL,                    -- the ULID of the file it came in
  document                 INTEGER NOT NULL,                    -- which document of that file, from 1
  digest                   TEXT    NOT NULL,                    -- of what was asked: the same again is a duplicate
  owner                    INTEGER NOT NULL,                    -- uid of who dropped it
  type                     TEXT    NOT NULL,
  title                    TEXT    NOT NULL,
  session                  TEXT,
  parent                   TEXT,
  status                   TEXT    NOT NULL CHECK (status IN
                             ('pending', 'routing', 'assigned', 'in_progress', 'completed', 'failed', 'cancelled')),
  waiting                  TEXT    CHECK (waiting IN ('classify', 'route', 'admit', 'run', 'file')),
  park                     TEXT    CHECK (park IN ('schedule', 'dependency', 'budget', 'rate', 'tier', 'secrecy',
                                                   'sandbox', 'interrupted', 'operator')),
  park_detail              TEXT,
  park_until               INTEGER,
  park_account             TEXT,                                -- for a breach: which account could not bear it,
  park_dimension           TEXT,
  park_need                INTEGER,                             -- what must be left there before it can go on,
  park_least               INTEGER,                             -- what would do when nothing is held any more,
  park_bearable            INTEGER,                             -- and up to where this task may fill it
  priority                 INTEGER NOT NULL,
  sensitivity              TEXT    CHECK (sensitivity IN ('public', 'internal', 'confidential')),
  difficulty               TEXT    CHECK (difficulty IN ('low', 'medium', 'high')),
  asked_tier               TEXT,
  asked_difficulty         TEXT,
  asked_sensitivity        TEXT,
  requires_high_capability INTEGER NOT NULL,
  executor                 TEXT,
  tier                     TEXT,
  judged                   TEXT    NOT NULL DEFAULT '[]',       -- JSON: [{rule, reason}] of how secret and how hard it is
  routed                   TEXT    NOT NULL DEFAULT '[]',       -- and of why this tier
  given_up                 TEXT    NOT NULL DEFAULT '[]',       -- JSON: tiers that were tried in vain
  window_over              INTEGER,                             -- it was too long for a model that takes so many tokens
  input_bytes              INTEGER NOT NULL,
  message_count            INTEGER NOT NULL,
  inputs_bytes             INTEGER NOT NULL DEFAULT 0,          -- what answers of other tasks add
  max_output_tokens        INTEGER,
  budget                   TEXT    NOT NULL DEFAULT '{}',       -- JSON: what the file allows it
  retries                  INTEGER,
  on_interrupt             TEXT    NOT NULL,
  not_before               INTEGER,
  expires_at               INTEGER,
  has_dependencies         INTEGER NOT NULL,
  attempts                 INTEGER NOT NULL DEFAULT 0,          -- runs so far
  failures                 INTEGER NOT NULL DEFAULT 0,          -- of them, those that count against the tier's retries
  interruptions            INTEGER NOT NULL DEFAULT 0,
  suspect                  INTEGER NOT NULL DEFAULT 0,          -- a worker died over it and others: it is tried apart
  run                      INTEGER NOT NULL DEFAULT 0,          -- the current run's number; 0 = none yet
  cancel_asked             INTEGER NOT NULL DEFAULT 0,          -- a person wants it stopped while it is at work
  outcome                  TEXT    CHECK (outcome IN ('completed', 'failed', 'cancelled')),  -- decided, not yet filed
  error                    TEXT,                                -- JSON: {class, code, message, remedy, retryable}
  answer_bytes             INTEGER NOT NULL DEFAULT 0,
  estimated_tokens         INTEGER NOT NULL DEFAULT 0,
  estimated_cost           INTEGER NOT NULL DEFAULT 0,
  tokens                   INTEGER NOT NULL DEFAULT 0,
  cost                     INTEGER NOT NULL DEFAULT 0,
  created_at               INTEGER NOT NULL,
  updated_at               INTEGER NOT NULL,
  started_at               INTEGER,
  finished_at              INTEGER,
  filed_at                 INTEGER,                             -- the answer stands in its folder
  removal                  TEXT    CHECK (removal IN ('runs', 'text', 'purge')),  -- owed: files are yet to be removed
  removal_by               TEXT,
  runs_removed_at          INTEGER,                             -- the records of its calls are gone
  text_removed_at          INTEGER,                             -- so are its text and its answer; the id stays
  purged_at                INTEGER,                             -- because a person wanted it, with all that told of it
  UNIQUE (claim, document),
  CHECK ((park IS NULL) OR (status = 'pending')),
  CHECK ((filed_at IS NULL) OR (status IN ('completed', 'failed', 'cancelled'))),
  CHECK ((removal IS NULL AND text_removed_at IS NULL) OR (filed_at IS NOT NULL))
) STRICT;
CREATE INDEX task_queue ON task (waiting, tier, priority DESC, seq) WHERE park IS NULL AND waiting IS NOT NULL;
CREATE INDEX task_parked ON task (park_until) WHERE park IS NOT NULL AND park_until IS NOT NULL;
CREATE INDEX task_expiring ON task (expires_at) WHERE expires_at IS NOT NULL AND outcome IS NULL;
CREATE INDEX task_breached ON task (park_account, park_dimension, priority DESC, seq) WHERE park = 'budget';
CREATE INDEX task_by_status ON task (status, created_at);
CREATE INDEX task_by_session ON task (session) WHERE session IS NOT NULL;
CREATE INDEX task_by_tier ON task (tier, status);
CREATE INDEX task_kept ON task (status, finished_at) WHERE filed_at IS NOT NULL AND text_removed_at IS NULL;
CREATE INDEX task_kept_secret ON task (finished_at)
  WHERE filed_at IS NOT NULL AND text_removed_at IS NULL AND sensitivity = 'confidential';
CREATE INDEX task_runs_kept ON task (finished_at) WHERE filed_at IS NOT NULL AND runs_removed_at IS NULL;
CREATE INDEX task_bare ON task (finished_at) WHERE text_removed_at IS NOT NULL;
CREATE INDEX task_removal ON task (seq) WHERE removal IS NOT NULL;

-- What was asked, apart from the task so that a change of status does not write the text again.
CREATE TABLE request (
  task     INTEGER PRIMARY KEY REFERENCES task (seq) ON DELETE CASCADE,
  source   TEXT NOT NULL,                                       -- the document as it was dropped
  body     TEXT NOT NULL,                                       -- JSON: the checked request with its attachments
  findings TEXT NOT NULL,                                       -- JSON: what the examination saw
  factors  TEXT NOT NULL,                                       -- JSON: what made the score
  score    INTEGER NOT NULL
) STRICT;

CREATE TABLE dependency (
  task  INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,
  needs TEXT    NOT NULL COLLATE NOCASE,
  PRIMARY KEY (task, needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependency_by_need ON dependency (needs);

CREATE TABLE task_lock (
  task INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,
  name TEXT    NOT NULL,
  PRIMARY KEY (task, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
  task       INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  tier       TEXT    NOT NULL,
  worker     TEXT    NOT NULL,
  call       TEXT    NOT NULL UNIQUE,
  cap        INTEGER NOT NULL,                                  -- output tokens that were asked for at most
  timeout    INTEGER NOT NULL,
  admitted_at INTEGER NOT NULL,
  sent_at    INTEGER,                                           -- the worker was told: owed until then
  started_at INTEGER,
  ended_at   INTEGER,
  outcome    TEXT,                                              -- answered, or the error's class
  answer_bytes INTEGER NOT NULL DEFAULT 0,                      -- of what came of the answer
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_open ON run (worker) WHERE ended_at IS NULL;
CREATE INDEX run_owed ON run (admitted_at) WHERE sent_at IS NULL AND ended_at IS NULL;

CREATE TABLE history (
  id     INTEGER PRIMARY KEY,
  task   INTEGER REFERENCES task (seq) ON DELETE CASCADE,
  at     INTEGER NOT NULL,
  event  TEXT    NOT NULL,
  reason TEXT    NOT NULL,
  actor  TEXT    NOT NULL DEFAULT 'koubou'
) STRICT;
CREATE INDEX history_of_task ON history (task, id);
CREATE TRIGGER history_is_only_added BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history lines are never changed'); END;
CREATE TRIGGER history_goes_with_its_task BEFORE DELETE ON history
WHEN OLD.task IS NULL OR EXISTS (SELECT 1 FROM task WHERE seq = OLD.task AND purged_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'history lines are never removed but with their task, or when it is purged'); END;

CREATE TABLE account (
  name         TEXT    NOT NULL,
  dimension    TEXT    NOT NULL,
  limit_amount INTEGER,                                         -- NULL = no limit
  ceiling      INTEGER,
  settled      INTEGER NOT NULL DEFAULT 0 CHECK (settled >= 0),
  held         INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  unreconciled INTEGER NOT NULL DEFAULT 0,
  over         INTEGER NOT NULL DEFAULT 0 CHECK (over >= 0),    -- facts above the ceiling: they close it to new holds
  added        INTEGER NOT NULL DEFAULT 0,                      -- what a person gave on top; part of limit and ceiling
  overdrawn    INTEGER NOT NULL DEFAULT 0,                      -- a call was let through above the limit, and is not made up for
  told         INTEGER NOT NULL DEFAULT 0,                      -- the highest level, in percent, that was told
  warn_percent INTEGER NOT NULL DEFAULT 80,
  reopens      INTEGER,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (name, dimension),
  CHECK (ceiling IS NULL OR settled + held <= ceiling + over)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
  id            INTEGER PRIMARY KEY,
  call          TEXT    NOT NULL,
  kind          TEXT    NOT NULL CHECK (kind IN ('hold', 'settle', 'release', 'reconcile', 'reset', 'carry')),
  task          TEXT    NOT NULL,                               -- the id: money outlives the task's page
  operation     TEXT    NOT NULL,                               -- the task's type
  run           INTEGER NOT NULL,
  tier          TEXT    NOT NULL,
  model         TEXT    NOT NULL,
  session       TEXT,
  submitter     INTEGER,                                        -- uid
  amount        INTEGER NOT NULL CHECK (amount >= 0 OR kind IN ('reconcile', 'reset', 'carry')),
  tokens        INTEGER NOT NULL DEFAULT 0,                     -- held at most, or used
  time          INTEGER NOT NULL DEFAULT 0,
  accounts      TEXT    NOT NULL,                               -- JSON: [[name, dimension] …] of the accounts it touches
  price         TEXT,                                           -- JSON: the rates that were in force at its hold
  input         INTEGER NOT NULL DEFAULT 0,
  cached_input  INTEGER NOT NULL DEFAULT 0,
  cache_write   INTEGER NOT NULL DEFAULT 0,
  output        INTEGER NOT NULL DEFAULT 0,
  reasoning     INTEGER NOT NULL DEFAULT 0,
  unreconciled  INTEGER NOT NULL DEFAULT 0,
  begun_at      INTEGER NOT NULL,                               -- when the call was held for: its window and its hour
  at            INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX ledger_holds_once ON ledger (call) WHERE kind = 'hold';
CREATE UNIQUE INDEX ledger_ends_once ON ledger (call) WHERE kind IN ('settle', 'release');
CREATE INDEX ledger_by_time ON ledger (at);
CREATE INDEX ledger_by_hour ON ledger (model, begun_at) WHERE kind IN ('settle', 'reconcile');
CREATE INDEX ledger_by_task ON ledger (task);
CREATE INDEX ledger_by_session ON ledger (session) WHERE session IS NOT NULL;
CREATE INDEX ledger_resets ON ledger (accounts) WHERE kind = 'reset';
CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'ledger lines are never changed'); END;
CREATE TRIGGER ledger_is_never_shortened BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'ledger lines are never removed'); END;

-- Which settled lines whose outcome nobody knew a provider's export has spoken of since.
CREATE TABLE reconciled (
  line INTEGER PRIMARY KEY REFERENCES ledger (id),
  at   INTEGER NOT NULL
) STRICT;

-- What a person set in place of the settings; a NULL amount = no limit.
CREATE TABLE limit_setting (
  scope     TEXT    NOT NULL,
  dimension TEXT    NOT NULL,
  amount    INTEGER,
  actor     TEXT    NOT NULL,
  reason    TEXT    NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (scope, dimension)
) STRICT, WITHOUT ROWID;

CREATE TABLE rate (                                             -- GCRA: when the next call would be exactly on time
  tier      TEXT NOT NULL,
  dimension TEXT NOT NULL,
  due_at    INTEGER NOT NULL,                                   -- microseconds (UTC)
  PRIMARY KEY (tier, dimension)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
  id         TEXT    PRIMARY KEY,                               -- one incarnation
  tier       TEXT    NOT NULL,
  model      TEXT    NOT NULL,
  endpoint   TEXT    NOT NULL,
  executor   TEXT    NOT NULL,
  pid        INTEGER NOT NULL,
  born       INTEGER NOT NULL,                                  -- start time in /proc/<pid>/stat, clock ticks
  boot       TEXT    NOT NULL,
  status     TEXT    NOT NULL CHECK (status IN ('idle', 'busy', 'offline', 'error', 'rate_limited')),
  last_beat  INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at   INTEGER,
  end_reason TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE latch (                                            -- what stops the workshop or a part of it until a person says otherwise
  name   TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE budget_setting (
  id                  INTEGER PRIMARY KEY CHECK (id = 1),
  monthly             INTEGER,
  warning_threshold   REAL    NOT NULL,
  emergency_threshold REAL    NOT NULL,
  updated_at          INTEGER NOT NULL
) STRICT;

-- The names of the specification, for people and their scripts. USD as REAL, times as text in UTC.

CREATE VIEW task_master AS
SELECT id AS task_id, type AS task_type, difficulty AS difficulty_level, sensitivity AS sensitivity_level,
       tier AS assigned_worker_type, status, priority, estimated_tokens, tokens AS actual_tokens,
       estimated_cost / 1e9 AS estimated_cost, cost / 1e9 AS actual_cost, parent AS parent_task_id,
       datetime(created_at / 1000, 'unixepoch') AS created_at, datetime(updated_at / 1000, 'unixepoch') AS updated_at
FROM task;

CREATE VIEW cost_tracking AS
SELECT id AS tracking_id, task AS task_id, tier AS worker_type, model AS model_name, input AS prompt_tokens,
       output AS completion_tokens, input + output AS total_tokens, amount / 1e9 AS cost_usd,
       datetime(at / 1000, 'unixepoch') AS timestamp
FROM ledger WHERE kind IN ('settle', 'reconcile');

CREATE VIEW budget_management AS
SELECT row_number() OVER (ORDER BY name) AS budget_id, substr(name, 7) AS year_month, limit_amount / 1e9 AS budget_limit_usd,
       settled / 1e9 AS spent_usd, max(0, limit_amount - settled) / 1e9 AS remaining_usd,
       warn_percent AS alert_threshold_percent, datetime(created_at / 1000, 'unixepoch') AS created_at
FROM account WHERE dimension = 'usd' AND name GLOB 'month:*';

CREATE VIEW workers AS
SELECT id AS worker_id, tier AS worker_type, model AS model_name, endpoint AS api_endpoint, pid AS process_id, status,
       json_array(executor) AS capabilities, NULL AS rate_limit_remaining, NULL AS rate_limit_reset_at,
       datetime(last_beat / 1000, 'unixepoch') AS last_heartbeat, datetime(created_at / 1000, 'unixepoch') AS created_at
FROM worker;

CREATE VIEW monthly_usage AS
SELECT id, strftime('%Y-%m', at / 1000, 'unixepoch') AS month, operation, amount / 1e9 AS cost_usd,
       input + output AS tokens_used, model, datetime(at / 1000, 'unixepoch') AS created_at
FROM ledger WHERE kind IN ('settle', 'reconcile');

CREATE VIEW budget_config AS
SELECT id, monthly / 1e9 AS monthly_budget_usd, warning_threshold, emergency_threshold,
       datetime(updated_at / 1000, 'unixepoch') AS last_updated
FROM budget_setting;

-- What the guardian is told: owed together with the latch that it is about, until it has arrived.
CREATE TABLE notice (
  incident    TEXT    NOT NULL,                                 -- what fell, and the moment when it fell
  channel     TEXT    NOT NULL CHECK (channel IN ('github', 'webhook')),
  marker      TEXT    NOT NULL,                                 -- by which the other end knows it again
  kind        TEXT    NOT NULL,
  facts       TEXT    NOT NULL,                                 -- JSON: ids, numbers, categories, never text of a task
  at          INTEGER NOT NULL,
  tries       INTEGER NOT NULL DEFAULT 0,
  next_try_at INTEGER NOT NULL,
  begun_at    INTEGER,                                          -- the last attempt: since then it may have arrived
  trouble     TEXT,                                             -- why that one failed
  told_at     INTEGER,                                          -- owed until then
  PRIMARY KEY (incident, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_owed ON notice (channel, next_try_at) WHERE told_at IS NULL;
