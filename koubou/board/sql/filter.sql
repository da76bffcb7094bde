-- name: if_any
1

-- name: if_status
status IN (SELECT value FROM json_each(:status))

-- name: if_tier
tier IN (SELECT value FROM json_each(:tier))

-- name: if_session
session = :session

-- name: if_type
type IN (SELECT value FROM json_each(:type))

-- name: if_park
park IN (SELECT value FROM json_each(:park))

-- name: if_since
created_at >= :since

-- name: if_older
created_at < :older

-- name: if_owner
owner = :owner

-- name: if_before
seq < :before
