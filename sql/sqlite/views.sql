-- What a person asks first. Made anew by every version that changes them: no
-- table depends on them.
DROP VIEW IF EXISTS members;
DROP VIEW IF EXISTS recent_purchases;
DROP VIEW IF EXISTS recent_events;

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
	CASE WHEN currency IS NULL OR price IS NULL THEN NULL
		WHEN currency IN (
			'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF',
			'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
			'XAF', 'XOF', 'XPF')
		THEN printf('%d %s', price, currency)
		WHEN currency IN (
			'BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND')
		THEN printf('%d.%03d %s', price / 1000, price % 1000, currency)
		ELSE printf('%d.%02d %s', price / 100, price % 100, currency)
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
