-- name: stops
-- What is stopped, and which person wanted it: the line of the history that was written with it says who.
SELECT name AS latch, reason, at,
       (SELECT nullif(actor, 'koubou') FROM history h
        WHERE h.task IS NULL AND h.at = l.at AND h.event IN ('system.paused', 'emergency.stop')
          AND h.reason IN (l.reason, 'everything: ' || l.reason, substr(l.name, 7) || ': ' || l.reason)
        ORDER BY h.id DESC LIMIT 1) AS by
FROM latch l ORDER BY name;

-- name: latches
SELECT name FROM latch ORDER BY name;

-- name: waits
-- Where some tasks stand and what they wait for.
SELECT id, status, waiting, tier, park, park_detail, park_until FROM task WHERE id IN (SELECT value FROM json_each(:ids));
