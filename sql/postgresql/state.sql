-- State: follows from the log and the configuration alone, so these tables
-- are dropped and filled again rather than migrated. Text is ordered by its
-- bytes, as in 001_log.sql.

DROP VIEW IF EXISTS members;
DROP VIEW IF EXISTS recent_purchases;
DROP VIEW IF EXISTS recent_events;
DROP TABLE IF EXISTS purchases;
DROP TABLE IF EXISTS subscriptions;
DROP TABLE IF EXISTS tiers;

CREATE TABLE purchases ( -- one sale
	platform TEXT COLLATE "C" NOT NULL,
	sale TEXT COLLATE "C" NOT NULL, -- Gumroad's sale id, Gank's human_id
	subscription TEXT COLLATE "C",
	product TEXT COLLATE "C", -- Gumroad's permalink; membership, goods
	product_name TEXT COLLATE "C", -- the title
	variant TEXT COLLATE "C", -- the values joined by ', '
	user_ref TEXT COLLATE "C", -- your own user id, carried by the buyer's link
	email TEXT COLLATE "C",
	buyer TEXT COLLATE "C", -- the platform's id of the person
	license TEXT COLLATE "C",
	price BIGINT, -- minor units of currency
	currency TEXT COLLATE "C",
	quantity BIGINT,
	recurrence TEXT COLLATE "C",
	test BIGINT NOT NULL DEFAULT 0,
	sold_at BIGINT,
	refunded_at BIGINT,
	disputed_at BIGINT,
	dispute_won_at BIGINT,
	tier TEXT COLLATE "C", -- what it gives; null: nothing
	since BIGINT, -- access from here …
	paid_until BIGINT, -- … paid for until here, null: for ever …
	until BIGINT, -- … and, with grace, until here; null: for ever
	subject TEXT COLLATE "C" NOT NULL, -- events.subject its deliveries share
	refunded_amount BIGINT, -- minor units, as far as the platform told it
	revoked_at BIGINT, -- access taken away at the platform, no money back
	confirmed_at BIGINT, -- read back there; null: not, or it is not known
	PRIMARY KEY (platform, sale)
);
CREATE INDEX purchases_subject ON purchases (platform, subject);
CREATE INDEX purchases_user ON purchases (user_ref)
	WHERE user_ref IS NOT NULL;
CREATE INDEX purchases_email ON purchases (email) WHERE email IS NOT NULL;
CREATE INDEX purchases_buyer ON purchases (buyer) WHERE buyer IS NOT NULL;
CREATE INDEX purchases_license ON purchases (license)
	WHERE license IS NOT NULL;
CREATE INDEX purchases_sold ON purchases (sold_at DESC NULLS LAST, sale);
CREATE INDEX purchases_subscription ON purchases (subscription)
	WHERE subscription IS NOT NULL;
CREATE INDEX purchases_since ON purchases (since) WHERE since IS NOT NULL;
CREATE INDEX purchases_until ON purchases (until) WHERE until IS NOT NULL;

CREATE TABLE subscriptions ( -- one membership
	platform TEXT COLLATE "C" NOT NULL,
	subscription TEXT COLLATE "C" NOT NULL,
	product TEXT COLLATE "C",
	tier TEXT COLLATE "C",
	status TEXT COLLATE "C" NOT NULL
		CHECK (status IN ('active', 'cancelled', 'suspended', 'ended')),
	since BIGINT,
	paid_until BIGINT,
	cancelled_at BIGINT, -- end of the paid period
	ended_at BIGINT,
	ended_reason TEXT COLLATE "C",
	next_tier TEXT COLLATE "C", -- after a downgrade, from next_tier_at on
	next_tier_at BIGINT,
	subject TEXT COLLATE "C" NOT NULL, -- events.subject its deliveries share
	PRIMARY KEY (platform, subscription)
);

CREATE INDEX subscriptions_subject ON subscriptions (platform, subject);

CREATE TABLE tiers ( -- the configuration's tiers
	name TEXT COLLATE "C" PRIMARY KEY,
	rank BIGINT NOT NULL, -- the highest wins
	allows TEXT COLLATE "C" NOT NULL -- comma between
);
