-- The outbox as it is from version 2 of the log tables on: with what claims,
-- order and expiry need.

ALTER TABLE outbox ADD event BIGINT, -- events.id; null: the clock
	ADD person TEXT COLLATE "C", -- a digest of whom it is about
	ADD added_at BIGINT NOT NULL DEFAULT 0, -- or asked for again
	ADD done_at BIGINT, -- done, dead or dropped
	ADD CHECK (state IN
		('waiting', 'running', 'done', 'dead', 'dropped'));

CREATE INDEX outbox_due ON outbox (kind, target, due_at)
	WHERE state IN ('waiting', 'running');
CREATE INDEX outbox_person ON outbox (kind, target, person, id)
	WHERE state IN ('waiting', 'running');
CREATE INDEX outbox_payload ON outbox (done_at) WHERE payload <> '{}';
CREATE INDEX outbox_event ON outbox (event) WHERE event IS NOT NULL;
