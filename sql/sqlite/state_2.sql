-- What a platform told when it was asked. The tables keep what they hold; a
-- rebuild fills the new columns.

ALTER TABLE purchases ADD COLUMN refunded_amount INTEGER;
ALTER TABLE purchases ADD COLUMN revoked_at INTEGER;
ALTER TABLE purchases ADD COLUMN confirmed_at INTEGER;
