-- State: follows from the log and the configuration alone, so these tables
-- are dropped and filled again rather than migrated.

DROP VIEW IF EXISTS members;
DROP VIEW IF EXISTS recent_purchases;
DROP VIEW IF EXISTS recent_events;
DROP TABLE IF EXISTS purchases;
DROP TABLE IF EXISTS subscriptions;
DROP TABLE IF EXISTS tiers;

CREATE TABLE purchases ( -- one sale
	platform TEXT NOT NULL,
	sale TEXT NOT NULL, -- Gumroad's sale id, Gank's human_id
	subscription TEXT,
	product TEXT, -- Gumroad's permalink; membership, goods
	product_name TEXT, -- the title
	variant TEXT, -- the values joined by ', '
	user_ref TEXT, -- your own user id, carried by the buyer's link
	email TEXT,
	buyer TEXT, -- the platform's id of the person
	license TEXT,
	price INTEGER, -- minor units of currency
	currency TEXT,
	quantity INTEGER,
	recurrence TEXT,
	test INTEGER NOT NULL DEFAULT 0,
	sold_at INTEGER,
	refunded_at INTEGER,
	disputed_at INTEGER,
	dispute_won_at INTEGER,
	tier TEXT, -- what it gives; null: nothing
	since INTEGER, -- access from here …
	paid_until INTEGER, -- … paid for until here, null: for ever …
	until INTEGER, -- … and, with grace, until here; null: for ever
	subject TEXT NOT NULL, -- events.subject its deliveries share
	PRIMARY KEY (platform, sale)
);
CREATE INDEX purchases_subject ON purchases (platform, subject);
CREATE INDEX purchases_user ON purchases (user_ref)
	WHERE user_ref IS NOT NULL;
CREATE INDEX purchases_email ON purchases (email) WHERE email IS NOT NULL;
CREATE INDEX purchases_buyer ON purchases (buyer) WHERE buyer IS NOT NULL;
CREATE INDEX purchases_license ON purchases (license)
	WHERE license IS NOT NULL;
CREATE INDEX purchases_sold ON purchases (sold_at);
CREATE INDEX purchases_subscription ON purchases (subscription)
	WHERE subscription IS NOT NULL;
CREATE INDEX purchases_since ON purchases (since) WHERE since IS NOT NULL;
CREATE INDEX purchases_until ON purchases (until) WHERE until IS NOT NULL;

CREATE TABLE subscriptions ( -- one membership
	platform TEXT NOT NULL,
	subscription TEXT NOT NULL,
	product TEXT,
	tier TEXT,
	status TEXT NOT NULL
		CHECK (status IN ('active', 'cancelled', 'suspended', 'ended')),
	since INTEGER,
	paid_until INTEGER,
	cancelled_at INTEGER, -- end of the paid period
	ended_at INTEGER,
	ended_reason TEXT,
	next_tier TEXT, -- after a downgrade, from next_tier_at on
	next_tier_at INTEGER,
	subject TEXT NOT NULL, -- events.subject its deliveries share
	PRIMARY KEY (platform, subscription)
);

CREATE INDEX subscriptions_subject ON subscriptions (platform, subject);

CREATE TABLE tiers ( -- the configuration's tiers
	name TEXT PRIMARY KEY,
	rank INTEGER NOT NULL, -- the highest wins
	allows TEXT NOT NULL -- comma between
);

CREATE VIEW members AS -- who has access now
SELECT user_ref, email, buyer, platform, tier,
	strftime('%Y-%m-%dT%H:%M:%SZ', since, 'unixepoch') AS since,
	strftime('%Y-%m-%dT%H:%M:%SZ', until, 'unixepoch') AS until
FROM purchases
WHERE since <= CAST(strftime('%s', 'now') AS INTEGER)
	AND (until IS NULL OR until > CAST(strftime('%s', 'now') AS INTEGER));

CREATE VIEW recent_purchases AS -- the newest 50
SELECT platform, sale,
	strftime('%Y-%m-%d %H:%M:%S', sold_at, 'unixepoch') AS sold,
	product_name, variant, user_ref, email, buyer,
	CASE WHEN currency IS NOT NULL
		THEN printf('%d.%02d %s', price / 100, price % 100, currency)
		END AS price,
	tier,
	strftime('%Y-%m-%d %H:%M:%S', since, 'unixepoch') AS since,
	CASE WHEN since IS NOT NULL AND until IS NULL THEN 'for ever'
		ELSE strftime('%Y-%m-%d %H:%M:%S', until, 'unixepoch')
		END AS until,
	CASE WHEN refunded_at IS NOT NULL THEN 'refunded'
		WHEN disputed_at IS NOT NULL AND dispute_won_at IS NULL
		THEN 'disputed'
		WHEN test THEN 'test' END AS note
FROM purchases ORDER BY sold_at DESC, rowid DESC LIMIT 50;

CREATE VIEW recent_events AS -- the newest 50
SELECT id, platform, kind, status, reason, subject,
	strftime('%Y-%m-%d %H:%M:%S', received_at, 'unixepoch') AS received,
	seen,
	strftime('%Y-%m-%d %H:%M:%S', last_seen_at, 'unixepoch') AS last_seen,
	peer, length(CAST(body AS BLOB)) AS bytes
FROM events ORDER BY id DESC LIMIT 50;
