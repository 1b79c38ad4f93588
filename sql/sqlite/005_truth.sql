-- What was read from the platforms' APIs, and what differed.

CREATE TABLE readings ( -- one pass over a platform's API
	id INTEGER PRIMARY KEY,
	platform TEXT NOT NULL,
	kind TEXT NOT NULL, -- sales, members, registration, import
	began_at INTEGER NOT NULL,
	ended_at INTEGER, -- null: it goes on, or was broken off
	from_day TEXT, -- 2026-11-04, the first of the days it is about …
	to_day TEXT, -- … and the last
	read INTEGER NOT NULL DEFAULT 0, -- objects
	found INTEGER NOT NULL DEFAULT 0, -- of them with a difference
	repaired INTEGER NOT NULL DEFAULT 0,
	error TEXT -- why it ended early
);
CREATE INDEX readings_kind ON readings (platform, kind, id);

CREATE TABLE drift ( -- one difference between platform and database
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	platform TEXT NOT NULL,
	sale TEXT,
	subscription TEXT,
	what TEXT NOT NULL, -- missing, refunded, revoked, cancelled …
	had TEXT, -- here
	has TEXT, -- there
	event INTEGER -- events.id of the reading; null: it was only looked at
);

CREATE TABLE pinged ( -- a sale that a delivery named, to be read back
	platform TEXT NOT NULL,
	sale TEXT NOT NULL,
	came_at INTEGER NOT NULL,
	due_at INTEGER NOT NULL, -- of its id; 0: the list is looked through first
	absent_at INTEGER, -- when it was not there; null: it was not asked yet
	PRIMARY KEY (platform, sale)
) WITHOUT ROWID;
CREATE INDEX pinged_due ON pinged (platform, due_at);

CREATE TABLE erased ( -- a sale of somebody who was erased: it may be read again
	platform TEXT NOT NULL,
	sale TEXT NOT NULL, -- SHA-256 of its id; of it and an address
	at INTEGER NOT NULL,
	PRIMARY KEY (platform, sale)
) WITHOUT ROWID;

-- the sale, gumroad/…, that has to be confirmed first; null: none
ALTER TABLE outbox ADD COLUMN awaits TEXT;
CREATE INDEX outbox_awaits ON outbox (awaits) WHERE awaits IS NOT NULL;
