-- The log: what was received and what has to be done about it. These tables
-- are migrated, never dropped. Times are unix seconds, UTC.

CREATE TABLE meta (
	name TEXT PRIMARY KEY, -- log_version, state_version
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE events ( -- one delivery as received; rows are never removed
	id INTEGER PRIMARY KEY,
	platform TEXT NOT NULL, -- gumroad, gank, manual
	kind TEXT NOT NULL, -- the platform's word: sale, refund, membership
	delivery TEXT NOT NULL, -- two deliveries with the same one are one
	subject TEXT NOT NULL, -- whose state it belongs to: sale:…
	sent_at INTEGER, -- as signed by the sender; null where nothing is
	received_at INTEGER NOT NULL, -- the first time
	seen INTEGER NOT NULL DEFAULT 1, -- how often it arrived
	last_seen_at INTEGER NOT NULL,
	content_type TEXT,
	body BLOB NOT NULL, -- text where it is clean UTF-8, else a blob
	verified_by TEXT, -- 12 hex digits of SHA-256 of the secret that fitted
	peer TEXT, -- address it came from
	-- (for a list after IN SQLite would fill a table at every row)
	status TEXT NOT NULL
		CHECK (status = 'applied' OR status = 'kept' OR status = 'test'),
	reason TEXT, -- one word: why it was kept, or what test
	UNIQUE (platform, delivery)
);
CREATE INDEX events_subject ON events (platform, subject);
CREATE INDEX events_kept ON events (id) WHERE status = 'kept';

CREATE TABLE changes ( -- one change of somebody's access
	-- a cursor: a number is never given again, whatever is erased
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	user_ref TEXT,
	email TEXT,
	buyer TEXT, -- platform:id
	license TEXT,
	before TEXT, -- tier names, comma between
	after TEXT,
	event INTEGER -- events.id; null: expiry or a rebuild
);
CREATE INDEX changes_user ON changes (user_ref) WHERE user_ref IS NOT NULL;
CREATE INDEX changes_email ON changes (email) WHERE email IS NOT NULL;
CREATE INDEX changes_buyer ON changes (buyer) WHERE buyer IS NOT NULL;
CREATE INDEX changes_license ON changes (license) WHERE license IS NOT NULL;

CREATE TABLE outbox ( -- one thing to do
	id INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	target TEXT NOT NULL,
	payload TEXT NOT NULL,
	state TEXT NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	due_at INTEGER NOT NULL,
	last_error TEXT,
	dedupe TEXT NOT NULL UNIQUE -- the same effect is never queued twice
);
