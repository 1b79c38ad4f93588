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
	refunded_amount INTEGER, -- minor units, as far as the platform told it
	revoked_at INTEGER, -- access taken away at the platform, no money back
	confirmed_at INTEGER, -- read back there; null: not, or it is not known
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
		CHECK (status = 'active' OR status = 'cancelled'
			OR status = 'suspended' OR status = 'ended'),
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
