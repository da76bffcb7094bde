-- name: insert
-- Take a task onto the board.
INSERT INTO task (id, claim, document, digest, owner, type, title, session, parent, status, waiting, priority,
                  asked_tier, asked_difficulty, asked_sensitivity, requires_high_capability, executor, input_bytes,
                  message_count, max_output_tokens, budget, retries, on_interrupt, not_before,
                  expires_at, has_dependencies, has_locks, bounds, waiting_since, ripe_at, created_at, updated_at)
VALUES (:id, :claim, :document, :digest, :owner, :type, :title, :session, :parent, 'pending', 'classify', :priority,
        :asked_tier, :asked_difficulty, :asked_sensitivity, :requires_high_capability, :executor, :input_bytes,
        :message_count, :max_output_tokens, :budget, :retries, :on_interrupt, :not_before,
        :expires_at, :has_dependencies, :has_locks, :bounds, :waiting_since,
        min(:ripe_at, coalesce((SELECT min(w.ripe_at) FROM dependency d JOIN task w ON w.seq = d.task
                                WHERE d.needs = :id AND w.owner = :owner AND w.outcome IS NULL), :ripe_at)),
        :now, :now);

-- name: insert_request
-- Keep the whole text of what was asked.
INSERT INTO request (task, source, body, findings, factors, score)
VALUES (:task, :source, :body, :findings, :factors, :score);

-- name: insert_dependency
INSERT OR IGNORE INTO dependency (task, needs) VALUES (:task, :needs);

-- name: urge_needed
-- What a task needs is as urgent as it is, and so is what that needs.
WITH RECURSIVE asks (seq, owner, ripe_at) AS (SELECT seq, owner, ripe_at FROM task WHERE seq = :seq),
needed (seq) AS (
  SELECT seq FROM asks
  UNION
  SELECT t.seq FROM needed n JOIN dependency d ON d.task = n.seq JOIN task t ON t.id = d.needs, asks
  WHERE t.ripe_at > asks.ripe_at AND t.owner = asks.owner AND t.outcome IS NULL
  LIMIT 1000
)
UPDATE task SET ripe_at = (SELECT ripe_at FROM asks) WHERE seq IN (SELECT seq FROM needed) AND seq <> :seq;

-- name: inputs_of_ripeness
SELECT id, owner, ripe_at, waiting_since, priority, half_used FROM task WHERE seq = :seq;

-- name: urged
-- The earliest at which one of those ripens that wait for a task.
SELECT min(w.ripe_at) FROM (SELECT task FROM dependency WHERE needs = :id LIMIT 1000) d JOIN task w ON w.seq = d.task
WHERE w.owner = :owner AND w.outcome IS NULL;

-- name: set_ripe_at
UPDATE task SET ripe_at = :ripe_at WHERE seq = :seq;

-- name: needed_of_owner
-- What a task needs and has not ended.
SELECT t.seq FROM dependency d JOIN task t ON t.id = d.needs
WHERE d.task = :seq AND t.owner = :owner AND t.outcome IS NULL;

-- name: set_half_used
UPDATE task SET half_used = :half_used WHERE id = :id AND half_used <> :half_used RETURNING seq;

-- name: set_priority
UPDATE task SET priority = :priority, updated_at = :now
WHERE seq = :seq AND outcome IS NULL AND waiting IN ('classify', 'route', 'admit');

-- name: insert_lock
INSERT OR IGNORE INTO task_lock (task, name) VALUES (:task, :name);

-- name: by_id
-- One task, by the name people give it.
SELECT $TASK FROM task WHERE id = :id;

-- name: by_seq
SELECT $TASK FROM task WHERE seq = :seq;

-- name: identity
-- What is needed to tell whether the same was asked before.
SELECT id, digest, owner FROM task WHERE id = :id;

-- name: of_claim
-- Whether a claimed file is on the board already (replay after a crash).
SELECT id FROM task WHERE claim = :claim ORDER BY document;

-- name: due
-- What waits for a step and is not parked, in dispatch order.
SELECT $TASK FROM task WHERE waiting = :waiting AND park IS NULL ORDER BY ripe_at, seq LIMIT :limit;

-- name: due_for_tier
-- The same for the tasks of one tier.
SELECT $TASK FROM task WHERE waiting = 'admit' AND tier = :tier AND park IS NULL ORDER BY ripe_at, seq LIMIT :limit;

-- name: queued
-- How many wait for a place in each tier.
SELECT tier, COUNT(*) AS n FROM task WHERE waiting = 'admit' AND park IS NULL GROUP BY tier;

-- name: queued_up_to
SELECT COUNT(*) FROM (SELECT 1 FROM task WHERE waiting = 'admit' AND tier = :tier AND park IS NULL LIMIT :most);

-- name: error_of
SELECT error FROM task WHERE seq = :seq;

-- name: examination_of
SELECT findings, score FROM request WHERE task = :task;

-- name: request_of
-- The text of a task.
SELECT source, body, findings, factors, score FROM request WHERE task = :task;

-- name: names_workspace
SELECT json_extract(body, '$.workspace') IS NOT NULL FROM request WHERE task = :task;

-- name: text_of
SELECT source, body FROM request WHERE task = :task;

-- name: classified
UPDATE task SET sensitivity = :sensitivity, difficulty = :difficulty, judged = (SELECT substr(factors, 1, length(factors) - 1) || ', ' || substr(:judged, 2) FROM request WHERE task = :seq),
                status = :status, waiting = 'route', phase = :phase,
                updated_at = :now
WHERE seq = :seq AND status = :from_status AND waiting = 'classify';

-- name: judged
-- One more reason of how secret and how hard it is.
UPDATE task SET judged = json_insert(judged, '$[#]', json(:reason)) WHERE seq = :seq;

-- name: routed
UPDATE task SET tier = :tier, routed = CASE WHEN :phase = 'answer' THEN :routed ELSE routed END, lesser = :lesser, phase = :phase, status = :status, waiting = 'admit', updated_at = :now,
                park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL, park_least = NULL
WHERE seq = :seq AND status = :from_status AND waiting = 'route';

-- name: parked
UPDATE task SET status = :status, park = :park, park_detail = :detail, park_until = :until,
                park_account = :account, park_dimension = :dimension, park_need = :need, park_least = :least,
                park_bearable = :bearable, updated_at = :now
WHERE seq = :seq AND status = :from_status AND waiting = :waiting;

-- name: unpark
-- Let a parked task go on from where it waits.
UPDATE task SET park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL,
                park_least = NULL, updated_at = :now
WHERE seq = :seq AND park IS NOT NULL;

-- name: reroute
-- Send a waiting task back to the step that chooses its tier.
UPDATE task SET status = :status, waiting = 'route', park = NULL, park_detail = NULL, park_until = NULL,
                park_account = NULL, park_need = NULL, park_least = NULL, updated_at = :now
WHERE seq = :seq AND status = :from_status AND waiting IN ('route', 'admit');

-- name: wake_by_time
-- The tasks whose time has come.
UPDATE task SET park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL,
                park_least = NULL, updated_at = :now
WHERE park IS NOT NULL AND park_until IS NOT NULL AND park_until <= :now;

-- name: next_wake
-- When the next parked task's time comes, or is over for one that was not begun.
SELECT MIN(at) FROM (
  SELECT MIN(park_until) AS at FROM task WHERE park IS NOT NULL AND park_until IS NOT NULL
  UNION ALL
  SELECT MIN(expires_at) FROM task
  WHERE expires_at IS NOT NULL AND outcome IS NULL AND waiting IN ('classify', 'route', 'admit')
);

-- name: breached_accounts
SELECT DISTINCT park_account, park_dimension FROM task WHERE park = 'budget' AND park_account IS NOT NULL;

-- name: unpark_spent
-- What was held has been spent meanwhile: who waits for a month's money is told anew why, and until when.
UPDATE task SET park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL,
                park_least = NULL, updated_at = :now
WHERE park = 'budget' AND park_account = :account AND park_dimension = :dimension AND park_until IS NULL
  AND park_least > park_bearable - :used;

-- name: unpark_breached
-- Limits of any account may have changed: whoever waits for one asks anew.
UPDATE task SET park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL,
                park_least = NULL, updated_at = :now
WHERE park = 'budget' AND park_account IS NOT NULL;

-- name: breached
-- Who waits for an account that has so much left again, in dispatch order.
SELECT seq, park_need, park_least, park_bearable FROM task
WHERE park = 'budget' AND park_account = :account AND park_dimension = :dimension
  AND (park_need <= park_bearable - :used OR (:idle AND park_least <= park_bearable - :used))
ORDER BY ripe_at, seq LIMIT :limit;

-- name: admitted
UPDATE task SET status = :status, waiting = 'run', run = run + 1, attempts = attempts + (phase = 'answer'), estimated_cost = :cost,
                estimated_tokens = :tokens, started_at = coalesce(started_at, :now), updated_at = :now
WHERE seq = :seq AND status = :from_status AND waiting = 'admit'
RETURNING run;

-- name: started
UPDATE task SET status = :status, updated_at = :now
WHERE seq = :seq AND status = :from_status AND run = :run AND waiting = 'run';

-- name: retried
-- A run brought no answer: back to route, now or (parked) later.
UPDATE task SET status = :status, waiting = 'route', park = :park, park_detail = :detail, park_until = :until,
                failures = :failures, interruptions = :interruptions, given_up = :given_up,
                window_over = coalesce(:window_over, window_over), suspect = :suspect, phase = :phase,
                answer_run = :answer_run, answer_bytes = :answer_bytes, upgraded_to = :upgraded_to,
                difficulty = :difficulty, judge_score = :judge_score, updated_at = :now
WHERE seq = :seq AND status = :from_status AND waiting IN ('admit', 'run');

-- name: ended
-- The ending is decided; it counts as such for the outside once it is filed.
UPDATE task SET outcome = :outcome, waiting = 'file', error = :error, answer_bytes = :answer_bytes, finished_at = :now,
                park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL,
                park_least = NULL, updated_at = :now
WHERE seq = :seq AND outcome IS NULL AND status = :from_status;

-- name: finished
-- What came of a run is enough. The task never runs again, so its run is the one that is filed.
UPDATE task SET outcome = :status, waiting = 'file', run = :run, answer_bytes = :answer_bytes, finished_at = :now,
                tier = (SELECT tier FROM run WHERE task = :seq AND number = :run), judge_score = :judge_score,
                park = NULL, park_detail = NULL, park_until = NULL, park_account = NULL, park_need = NULL,
                park_least = NULL, updated_at = :now
WHERE seq = :seq AND outcome IS NULL AND status = :from_status AND waiting IN ('route', 'admit', 'run');

-- name: filed
-- The answer stands in its folder: now the task is what its outcome says.
UPDATE task SET status = outcome, waiting = NULL, filed_at = :now, updated_at = :now
WHERE seq = :seq AND outcome IS NOT NULL AND filed_at IS NULL;

-- name: revived
-- A person wants an ended task tried again; one that ended before it was classified is classified first.
UPDATE task SET status = :status, waiting = CASE WHEN sensitivity IS NULL THEN 'classify' ELSE 'route' END, outcome = NULL, error = NULL, filed_at = NULL, finished_at = NULL,
                failures = 0, interruptions = 0, suspect = 0, given_up = '[]', cancel_asked = 0, phase = 'answer',
                answer_run = NULL, upgraded_to = NULL, lesser = NULL, judge_score = NULL, waiting_since = :now,
                updated_at = :now
WHERE seq = :seq AND status = :from_status AND filed_at IS NOT NULL;

-- name: spent
-- What a call cost, on the page of its task.
UPDATE task SET cost = cost + :cost, tokens = tokens + :tokens WHERE id = :id
RETURNING estimated_tokens, estimated_cost;

-- name: lowered
-- A named person says how secret a task is.
UPDATE task SET sensitivity = :sensitivity, updated_at = :now WHERE seq = :seq;

-- name: rated
UPDATE task SET rated = :rating WHERE seq = :seq AND status = 'completed';

-- name: released
-- The person knew what it reads: its sensitivity is not raised again by that.
UPDATE task SET released = 1 WHERE seq = :seq;

-- name: inputs
UPDATE task SET inputs_bytes = :size WHERE seq = :seq;

-- name: ask_cancel
UPDATE task SET cancel_asked = 1, updated_at = :now WHERE seq = :seq;

-- name: reroute_unknown
-- Who waits for a tier that is not offered, and who is parked because none was.
UPDATE task SET status = 'pending', waiting = 'route', park = NULL, park_detail = NULL, park_until = NULL,
                park_account = NULL, park_need = NULL, park_least = NULL, updated_at = :now
WHERE outcome IS NULL AND ((waiting = 'admit' AND tier NOT IN (SELECT value FROM json_each(:offered)))
                           OR (waiting = 'route' AND park IN ('tier', 'secrecy') AND park_until IS NULL));

-- name: leave_unknown
-- The same of those who wait for a place only.
UPDATE task SET status = 'pending', waiting = 'route', park = NULL, park_detail = NULL, park_until = NULL,
                park_account = NULL, park_need = NULL, park_least = NULL, updated_at = :now
WHERE outcome IS NULL AND waiting = 'admit' AND tier NOT IN (SELECT value FROM json_each(:offered));

-- name: leave_asides
-- Who only waits to be judged, or asked about, somewhere: it is seen anew whether that is worth it.
UPDATE task SET status = 'pending', waiting = 'route', updated_at = :now
WHERE outcome IS NULL AND waiting = 'admit' AND park IS NULL AND phase <> 'answer' AND tier = coalesce(:tier, tier);

-- name: parked_for_tier
-- Who waits until a tier can take him, the least urgent first.
SELECT $TASK FROM task WHERE waiting = 'route' AND park IN ('tier', 'secrecy') AND park_until IS NULL
ORDER BY priority, seq DESC LIMIT :limit;

-- name: owed_filings
SELECT seq, id FROM task WHERE waiting = 'file' AND outcome IS NOT NULL AND filed_at IS NULL ORDER BY seq LIMIT :limit;

-- name: needs
-- The tasks that one needs, with how they stand; NULL where nobody has dropped it yet.
SELECT d.needs, t.seq, t.id, t.owner, t.status, t.sensitivity, t.answer_bytes
FROM dependency d LEFT JOIN task t ON t.id = d.needs WHERE d.task = :task;

-- name: sensitivity_of
-- How secret a submitter's task is; nothing where there is no such task, NULL where nobody has judged it yet.
SELECT sensitivity FROM task WHERE id = :id AND owner = :owner;

-- name: needers
-- Who is parked for a task.
SELECT t.seq FROM dependency d JOIN task t ON t.seq = d.task WHERE d.needs = :id AND t.park = 'dependency';

-- name: needed_elsewhere
-- Whether anybody but those who came with some tasks needs one of them.
SELECT 1 FROM json_each(:ids) i JOIN dependency d ON d.needs = i.value JOIN task t ON t.seq = d.task
WHERE t.claim <> :claim LIMIT 1;

-- name: edges_behind
-- Who needs whom, in all that stands behind some tasks in the chain of dependencies.
WITH RECURSIVE behind (id) AS (
  SELECT lower(value) FROM json_each(:ids)
  UNION
  SELECT lower(d.needs) FROM behind b JOIN task t ON t.id = b.id JOIN dependency d ON d.task = t.seq
)
SELECT lower(t.id), lower(d.needs) FROM behind b JOIN task t ON t.id = b.id JOIN dependency d ON d.task = t.seq;

-- name: expired
SELECT $TASK FROM task WHERE expires_at IS NOT NULL AND expires_at <= :now AND outcome IS NULL AND waiting IN ('classify', 'route', 'admit') LIMIT :limit;

-- name: counted
-- How many tasks have each status, and how many of them are parked.
SELECT status, COUNT(*) AS n FROM task GROUP BY status;

-- name: pending_count
SELECT COUNT(*) FROM task WHERE status = 'pending';
