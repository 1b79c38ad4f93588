-- What a platform told when it was asked. The tables keep what they hold; a
-- rebuild fills the new columns.

ALTER TABLE purchases ADD COLUMN refunded_amount BIGINT;
ALTER TABLE purchases ADD COLUMN revoked_at BIGINT;
ALTER TABLE purchases ADD COLUMN confirmed_at BIGINT;
