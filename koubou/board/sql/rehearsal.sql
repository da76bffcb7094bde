-- name: read_account
-- The accounts of windows; those of single tasks are of no account to others.
SELECT * FROM account WHERE name NOT GLOB 'task:*';

-- name: read_limit_setting
SELECT * FROM limit_setting;

-- name: read_latch
SELECT * FROM latch;

-- name: write
INSERT INTO {table} VALUES ({marks});
