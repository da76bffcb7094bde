-- name: page
-- What became of tasks that meet conditions (put in by name), in the order of their arrival, from after one of them.
SELECT seq, id, status, type, tier, session, cost, tokens, error, finished_at, text_removed_at,
       json_extract(request.body, '$.metadata') AS metadata
FROM task LEFT JOIN request ON request.task = task.seq
WHERE seq > :after AND {conditions} ORDER BY seq LIMIT :limit;

-- name: of_ids
SELECT seq, id, status, type, tier, session, cost, tokens, error, finished_at, text_removed_at,
       json_extract(request.body, '$.metadata') AS metadata
FROM task LEFT JOIN request ON request.task = task.seq
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: metadata_keys
-- What those tasks have as metadata, by its keys.
SELECT DISTINCT pair.key AS key
FROM task JOIN request ON request.task = task.seq, json_each(request.body, '$.metadata') AS pair
WHERE {conditions} ORDER BY 1 LIMIT :limit;
