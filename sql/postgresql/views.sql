-- What a person asks first. Made anew by every version that changes them: no
-- table depends on them.
DROP VIEW IF EXISTS members;
DROP VIEW IF EXISTS recent_purchases;
DROP VIEW IF EXISTS recent_events;

CREATE VIEW members AS -- who has access now
SELECT user_ref, email, buyer, platform, tier,
	to_char(to_timestamp(since) AT TIME ZONE 'UTC',
		'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
	to_char(to_timestamp(until) AT TIME ZONE 'UTC',
		'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS until
FROM purchases
WHERE since <= extract(epoch FROM now())::bigint
	AND (until IS NULL OR until > extract(epoch FROM now())::bigint);

CREATE VIEW recent_purchases AS -- the newest 50
SELECT platform, sale,
	to_char(to_timestamp(sold_at) AT TIME ZONE 'UTC',
		'YYYY-MM-DD HH24:MI:SS') AS sold,
	product_name, variant, user_ref, email, buyer,
	CASE WHEN currency IS NULL OR price IS NULL THEN NULL
		WHEN currency IN (
			'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF',
			'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
			'XAF', 'XOF', 'XPF')
		THEN format('%s %s', price, currency)
		WHEN currency IN (
			'BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND')
		THEN format('%s.%s %s', price / 1000,
			lpad((price % 1000)::text, 3, '0'), currency)
		ELSE format('%s.%s %s', price / 100,
			lpad((price % 100)::text, 2, '0'), currency)
		END AS price,
	tier,
	to_char(to_timestamp(since) AT TIME ZONE 'UTC',
		'YYYY-MM-DD HH24:MI:SS') AS since,
	CASE WHEN since IS NOT NULL AND until IS NULL THEN 'for ever'
		ELSE to_char(to_timestamp(until) AT TIME ZONE 'UTC',
			'YYYY-MM-DD HH24:MI:SS')
		END AS until,
	CASE WHEN refunded_at IS NOT NULL THEN 'refunded'
		WHEN disputed_at IS NOT NULL AND dispute_won_at IS NULL
		THEN 'disputed'
		WHEN test <> 0 THEN 'test' END AS note
FROM purchases ORDER BY sold_at DESC NULLS LAST, sale LIMIT 50;

CREATE VIEW recent_events AS -- the newest 50
SELECT id, platform, kind, status, reason, subject,
	to_char(to_timestamp(received_at) AT TIME ZONE 'UTC',
		'YYYY-MM-DD HH24:MI:SS') AS received,
	seen,
	to_char(to_timestamp(last_seen_at) AT TIME ZONE 'UTC',
		'YYYY-MM-DD HH24:MI:SS') AS last_seen,
	peer, length(body) AS bytes
FROM events ORDER BY id DESC LIMIT 50;
