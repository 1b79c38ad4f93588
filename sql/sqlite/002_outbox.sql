-- The outbox as it is from version 2 of the log tables on: with what claims,
-- order and expiry need.

ALTER TABLE outbox RENAME TO outbox_old;

CREATE TABLE outbox ( -- one thing to do, once
	id INTEGER PRIMARY KEY,
	kind TEXT NOT NULL, -- http, mail, exec, forward
	target TEXT NOT NULL, -- the action's name in the settings
	payload TEXT NOT NULL, -- JSON: what happened; {} long after it was done
	state TEXT NOT NULL CHECK (state IN
		('waiting', 'running', 'done', 'dead', 'dropped')),
	attempts INTEGER NOT NULL DEFAULT 0,
	due_at INTEGER NOT NULL, -- not before; running: the claim's end
	last_error TEXT, -- the last answer
	dedupe TEXT NOT NULL UNIQUE, -- the same effect is never queued twice
	event INTEGER, -- events.id; null: the clock
	person TEXT, -- a digest of whom it is about
	added_at INTEGER NOT NULL DEFAULT 0, -- or asked for again
	done_at INTEGER -- done, dead or dropped
);
INSERT INTO outbox (id, kind, target, payload, state, attempts, due_at,
	last_error, dedupe, added_at)
SELECT id, kind, target, payload, state, attempts, due_at, last_error, dedupe,
	due_at
FROM outbox_old;
DROP TABLE outbox_old;

CREATE INDEX outbox_due ON outbox (kind, target, due_at)
	WHERE state IN ('waiting', 'running');
CREATE INDEX outbox_person ON outbox (kind, target, person, id)
	WHERE state IN ('waiting', 'running');
CREATE INDEX outbox_payload ON outbox (done_at) WHERE payload <> '{}';
CREATE INDEX outbox_event ON outbox (event) WHERE event IS NOT NULL;
