-- name: add
INSERT INTO token (id, name, digest, role, uid, created_at, created_by, expires_at)
VALUES (:id, :name, :digest, :role, :uid, :created_at, :created_by, :expires_at);

-- name: of_digest
SELECT $TOKEN, digest FROM token WHERE digest = :digest;

-- name: all
-- Those that were revoked come last.
SELECT $TOKEN FROM token ORDER BY revoked_at IS NOT NULL, created_at, id;

-- name: named
-- By its id, or by the name that only one of those has which are not revoked.
SELECT $TOKEN FROM token WHERE (id = :word OR name = :word) AND revoked_at IS NULL ORDER BY id = :word DESC LIMIT 1;

-- name: live
SELECT COUNT(*) FROM token WHERE revoked_at IS NULL;

-- name: taken
SELECT EXISTS (SELECT 1 FROM token WHERE id = :id OR digest = :digest);

-- name: revoke
UPDATE token SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL;

-- name: used
-- At most once in a while: a use is a write to the board.
UPDATE token SET last_used_at = :now
WHERE id = :id AND revoked_at IS NULL AND (last_used_at IS NULL OR last_used_at <= :now - :every);
