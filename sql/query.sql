-- Every statement the program runs, for both databases. A statement is named
-- by the line before it; $1 to $n are its arguments in order. A line
-- "-- name: x @postgresql" gives the text for that database alone, and
-- "-- let: x" names a piece that {x} stands for further down.

-- let: event
id, platform, kind, delivery, subject, sent_at, received_at, seen,
	last_seen_at, content_type, body, verified_by, peer, status, reason
-- let: delivered
kind NOT IN ('readback', 'subscriber', 'absent')
-- let: event_head
id, platform, kind, delivery, subject, sent_at, received_at, seen,
	last_seen_at, content_type, NULL, verified_by, peer, status, reason
-- let: purchase
platform, sale, subscription, product, product_name, variant, user_ref,
	email, buyer, license, price, currency, quantity, recurrence, test,
	sold_at, refunded_at, disputed_at, dispute_won_at, tier, since,
	paid_until, until, subject, refunded_amount, revoked_at, confirmed_at

-- let: subscription
platform, subscription, product, tier, status, since, paid_until,
	cancelled_at, ended_at, ended_reason, next_tier, next_tier_at, subject

-- name: begin
BEGIN IMMEDIATE;
-- name: begin @postgresql
BEGIN;
-- name: begin_claim
BEGIN IMMEDIATE;
-- name: begin_claim @postgresql
-- (rows of the outbox have locks of their own)
BEGIN;
-- name: begin_read
BEGIN;
-- name: begin_read @postgresql
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
-- name: commit
COMMIT;
-- name: rollback
ROLLBACK;
-- name: savepoint
SAVEPOINT delivery;
-- name: release
RELEASE SAVEPOINT delivery;
-- name: rollback_to
ROLLBACK TO SAVEPOINT delivery;

-- name: schema_present
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta';
-- name: schema_present @postgresql
SELECT count(*) FROM pg_tables
WHERE schemaname = current_schema() AND tablename = 'meta';
-- name: meta_get
SELECT value FROM meta WHERE name = $1;
-- name: meta_put
INSERT INTO meta (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: event_add
INSERT INTO events (platform, kind, delivery, subject, sent_at, received_at,
	last_seen_at, content_type, body, verified_by, peer, status, reason)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (platform, delivery) DO NOTHING;
-- name: event_add @postgresql
-- (a repeat takes no number: ids are counted by)
INSERT INTO events (platform, kind, delivery, subject, sent_at, received_at,
	last_seen_at, content_type, body, verified_by, peer, status, reason)
SELECT $1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint,
	$6::bigint, $7::text, $8::bytea, $9::text, $10::text, $11::text,
	$12::text
WHERE NOT EXISTS (SELECT FROM events
	WHERE platform = $1::text AND delivery = $3::text)
ON CONFLICT (platform, delivery) DO NOTHING
RETURNING id;
-- name: event_added
-- (RETURNING would make SQLite fill a table for the one row)
SELECT last_insert_rowid() WHERE changes() > 0;
-- name: event_added @postgresql
SELECT 0 WHERE false;
-- name: event_find
SELECT id, received_at, sent_at, status FROM events
WHERE platform = $1 AND delivery = $2;
-- name: event_again
UPDATE events SET seen = seen + 1,
	last_seen_at = CASE WHEN $2 > last_seen_at THEN $2
		ELSE last_seen_at END,
	received_at = CASE WHEN $2 < received_at THEN $2 ELSE received_at END,
	sent_at = CASE WHEN $3 < sent_at THEN $3 ELSE sent_at END
WHERE id = $1;
-- name: event_status
UPDATE events SET status = $2, reason = $3 WHERE id = $1;
-- name: event_apply
UPDATE events SET status = 'applied', reason = NULL, subject = $2
WHERE id = $1;
-- name: event_refile
UPDATE events SET subject = $2 WHERE id = $1;
-- name: event_get
SELECT {event}
FROM events WHERE id = $1;
-- name: event_list
SELECT {event_head}
FROM events
WHERE ($1 IS NULL OR id < $1) AND ($2 IS NULL OR platform = $2)
	AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR status = $4)
ORDER BY id DESC LIMIT $5;
-- name: event_list @postgresql
SELECT {event_head}
FROM events
WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR platform = $2)
	AND ($3::text IS NULL OR kind = $3)
	AND ($4::text IS NULL OR status = $4)
ORDER BY id DESC LIMIT $5;
-- name: event_of_subject
SELECT {event}
FROM events
WHERE platform = $1 AND subject = $2 AND status = 'applied' ORDER BY id;
-- name: event_beside
SELECT id FROM events WHERE platform = $1 AND subject = $2 LIMIT 1;
-- name: event_about
SELECT {event}
FROM events
WHERE (platform = $1 AND subject = $2)
	OR (platform = 'manual' AND subject = $3)
ORDER BY received_at, id;
-- name: event_count_of_subject
SELECT count(*) FROM events WHERE platform = $1 AND subject = $2;
-- name: event_subject_after
SELECT platform, subject FROM events
WHERE (platform, subject) > ($1, $2)
GROUP BY platform, subject ORDER BY platform, subject LIMIT $3;
-- name: event_subject_count
SELECT count(*) FROM (SELECT 1 FROM events GROUP BY platform, subject) AS s;
-- name: event_kept_after
SELECT {event} FROM events WHERE status = 'kept' AND id > $1
ORDER BY id LIMIT $2;
-- name: event_kept_of
SELECT {event} FROM events
WHERE platform = $1 AND subject IN ($2, $3) AND status = 'kept' ORDER BY id;
-- name: event_by
SELECT {event_head} FROM events
WHERE verified_by = $1 AND received_at >= $2 AND platform <> 'manual'
ORDER BY id;
-- name: event_rewrite
UPDATE events SET body = $2, content_type = $3, peer = NULL WHERE id = $1;
-- name: event_all
SELECT {event} FROM events WHERE id > $1 ORDER BY id LIMIT $2;
-- name: event_heads
SELECT {event_head} FROM events ORDER BY id;
-- name: event_in_subject
SELECT id FROM events WHERE platform = $1 AND subject = $2 ORDER BY id;
-- name: event_forget
UPDATE events SET subject = $2, body = $3, content_type = $4, status = $5,
	reason = $6, peer = NULL
WHERE id = $1;
-- name: event_counts
SELECT platform, kind, status, count(*), max(last_seen_at) FROM events
GROUP BY platform, kind, status ORDER BY platform, kind, status;

-- name: event_max
SELECT coalesce(max(id), 0) FROM events;
-- name: event_received
SELECT received_at FROM events WHERE id >= $1 ORDER BY id LIMIT 1;
-- name: event_kept_count
SELECT count(*) FROM (SELECT id FROM events WHERE status = 'kept'
	ORDER BY id LIMIT $1) AS kept;
-- name: event_reading
-- (the keys of one object's readings begin alike)
SELECT {event} FROM events
WHERE platform = $1 AND delivery >= $2 AND delivery < $3
ORDER BY last_seen_at DESC, id DESC LIMIT 1;
-- name: event_since
SELECT id FROM events WHERE platform = $1 AND subject = $2 AND id <> $3
	AND (sent_at IS NULL OR sent_at >= $4)
LIMIT 1;
-- name: event_seen
UPDATE events SET last_seen_at = $2, seen = seen + $3 WHERE id = $1;
-- name: event_count_after
-- (readings were asked for: they tell nothing of how much comes)
SELECT count(*) FROM events WHERE id > $1 AND {delivered};
-- name: event_newest
-- (after an import it goes past so many readings, and no more)
SELECT id, platform, last_seen_at FROM (
	SELECT id, platform, last_seen_at, status FROM events
	WHERE id > (SELECT max(id) FROM events) - 100 * $1 AND {delivered}
	ORDER BY id DESC LIMIT $1) AS newest
WHERE status <> 'test' ORDER BY last_seen_at DESC, id DESC;
-- name: event_newest_of
SELECT id, platform, last_seen_at FROM (
	SELECT id, platform, last_seen_at, status FROM events
	WHERE platform = $2 AND (kind = $3 OR $3 IS NULL) AND {delivered}
	ORDER BY id DESC LIMIT $1) AS newest
WHERE status <> 'test' ORDER BY last_seen_at DESC, id DESC;

-- name: event_rhythm
SELECT count(*), coalesce(max(gap), 0) FROM (
	SELECT received_at - lag(received_at) OVER (ORDER BY received_at) AS gap
	FROM (SELECT received_at FROM events
		WHERE platform = $1 AND received_at >= $2
		AND status <> 'test' AND {delivered}
		ORDER BY id DESC LIMIT $3) AS newest) AS gaps;

-- name: purchase_drop
DELETE FROM purchases WHERE platform = $1 AND subject = $2;
-- name: purchase_drop_sale
DELETE FROM purchases WHERE platform = $1 AND sale = $2;
-- name: purchase_of_subject
-- (by the bare column SQLite would walk all the platform's sales in order)
SELECT {purchase} FROM purchases WHERE platform = $1 AND subject = $2
ORDER BY sale || '';
-- name: purchase_of_subscription
SELECT {purchase} FROM purchases WHERE subscription = $1
ORDER BY platform, sale;
-- name: purchase_turning
SELECT {purchase} FROM purchases
WHERE (until > $1 AND until <= $2) OR (since > $1 AND since <= $2)
ORDER BY platform, sale LIMIT $3;
-- name: purchase_put
INSERT INTO purchases ({purchase})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
	$17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
ON CONFLICT (platform, sale) DO NOTHING;
-- name: purchase_get
SELECT {purchase}
FROM purchases WHERE platform = $1 AND sale = $2;
-- name: purchase_by_user
-- (no ORDER BY: to sort a row or two, SQLite makes as much ado as to find them)
SELECT {purchase}
FROM purchases WHERE user_ref = $1 AND since IS NOT NULL;
-- name: purchase_by_email
SELECT {purchase}
FROM purchases WHERE email = $1 AND since IS NOT NULL;
-- name: purchase_by_buyer
SELECT {purchase}
FROM purchases
WHERE ((buyer = $1 AND platform = $2) OR (buyer = $3 AND platform = 'manual'))
	AND since IS NOT NULL;
-- name: purchase_by_license
SELECT {purchase}
FROM purchases WHERE license = $1 AND since IS NOT NULL;
-- let: waiting
since IS NULL AND confirmed_at IS NULL AND refunded_at IS NULL AND test = 0
	AND sold_at > $2 ORDER BY sold_at DESC LIMIT $3
-- name: purchase_waiting_by_user
SELECT {purchase} FROM purchases WHERE user_ref = $1 AND {waiting};
-- name: purchase_waiting_by_email
SELECT {purchase} FROM purchases WHERE email = $1 AND {waiting};
-- name: purchase_waiting_by_buyer
SELECT {purchase} FROM purchases
WHERE buyer = $1 AND platform = $4 AND {waiting};
-- name: purchase_waiting_by_license
SELECT {purchase} FROM purchases WHERE license = $1 AND {waiting};
-- name: purchase_waiting_after
-- (in the columns of a change)
SELECT e.id, e.received_at, p.user_ref, p.email, p.platform || ':' || p.buyer,
	p.license, NULL, NULL, e.id
FROM events AS e CROSS JOIN purchases AS p
WHERE e.id > $1 AND p.platform = e.platform AND p.subject = e.subject
	AND p.since IS NULL
ORDER BY e.id LIMIT $2;
-- name: purchase_subjects_by_user
SELECT platform, subject FROM purchases WHERE user_ref = $1
GROUP BY platform, subject
ORDER BY min(coalesce(sold_at, 0)), platform, subject LIMIT $2;
-- name: purchase_subjects_by_email
SELECT platform, subject FROM purchases WHERE email = $1
GROUP BY platform, subject
ORDER BY min(coalesce(sold_at, 0)), platform, subject LIMIT $2;
-- name: purchase_subjects_by_buyer
SELECT platform, subject FROM purchases WHERE (buyer = $1 AND platform = $3)
	OR (buyer = $4 AND platform = 'manual')
GROUP BY platform, subject
ORDER BY min(coalesce(sold_at, 0)), platform, subject LIMIT $2;
-- name: purchase_subjects_by_license
SELECT platform, subject FROM purchases WHERE license = $1
GROUP BY platform, subject
ORDER BY min(coalesce(sold_at, 0)), platform, subject LIMIT $2;
-- name: purchase_carrying
SELECT count(*), count(user_ref), count(email), count(buyer), count(license)
FROM purchases;
-- name: purchase_list
SELECT {purchase}
FROM purchases
WHERE ($1 IS NULL OR platform = $1) AND ($2 IS NULL OR user_ref = $2)
	AND ($3 IS NULL OR email = $3) AND ($4 IS NULL OR buyer = $4)
	AND ($5 IS NULL OR license = $5)
ORDER BY sold_at DESC NULLS LAST, sale LIMIT $6;
-- name: purchase_list @postgresql
SELECT {purchase}
FROM purchases
WHERE ($1::text IS NULL OR platform = $1)
	AND ($2::text IS NULL OR user_ref = $2)
	AND ($3::text IS NULL OR email = $3)
	AND ($4::text IS NULL OR buyer = $4)
	AND ($5::text IS NULL OR license = $5)
ORDER BY sold_at DESC NULLS LAST, sale LIMIT $6;
-- name: purchase_all
SELECT {purchase} FROM purchases ORDER BY platform, sale;
-- name: purchase_open
SELECT {purchase} FROM purchases
WHERE since <= $1 AND (until IS NULL OR until > $1)
ORDER BY since, platform, sale LIMIT $2;
-- name: purchase_products
SELECT platform, product, variant, product_name, tier, count(*),
	max(sold_at), max(sale)
FROM purchases WHERE since IS NOT NULL
GROUP BY platform, product, variant, product_name, tier
ORDER BY platform, product NULLS FIRST, variant NULLS FIRST,
	product_name NULLS FIRST;

-- name: subscription_drop
DELETE FROM subscriptions WHERE platform = $1 AND subject = $2;
-- name: subscription_put
INSERT INTO subscriptions ({subscription})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (platform, subscription) DO NOTHING;
-- name: subscription_of_subject
SELECT {subscription} FROM subscriptions
WHERE platform = $1 AND subject = $2;
-- name: subscription_list
SELECT {subscription} FROM subscriptions
ORDER BY since DESC NULLS LAST, subscription LIMIT $1;
-- name: subscription_all
SELECT {subscription} FROM subscriptions ORDER BY platform, subscription;

-- name: tier_drop_all
DELETE FROM tiers;
-- name: tier_put
INSERT INTO tiers (name, rank, allows) VALUES ($1, $2, $3);

-- name: change_add
INSERT INTO changes (at, user_ref, email, buyer, license, before, after, event)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
-- name: change_add @postgresql
-- (told to who listens when it is committed, once for each transaction)
INSERT INTO changes (at, user_ref, email, buyer, license, before, after, event)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING pg_notify('gatepost', '');
-- name: change_max
SELECT coalesce(max(id), 0) FROM changes;
-- name: change_after
SELECT id, at, user_ref, email, buyer, license, before, after, event
FROM changes WHERE id > $1 ORDER BY id LIMIT $2;
-- name: change_of_event
SELECT id, at, user_ref, email, buyer, license, before, after, event
FROM changes WHERE event = $1 ORDER BY id;
-- name: change_ids_of_user
SELECT id FROM changes WHERE user_ref = $1 AND id > $2 ORDER BY id DESC LIMIT $3;
-- name: change_ids_of_email
SELECT id FROM changes WHERE email = $1 AND id > $2 ORDER BY id DESC LIMIT $3;
-- name: change_ids_of_buyer
SELECT id FROM changes WHERE buyer = $1 AND id > $2 ORDER BY id DESC LIMIT $3;
-- name: change_ids_of_license
SELECT id FROM changes WHERE license = $1 AND id > $2 ORDER BY id DESC LIMIT $3;
-- name: change_told_user
SELECT after, at FROM changes WHERE user_ref = $1 ORDER BY id DESC LIMIT 1;
-- name: change_told_email
SELECT after, at FROM changes WHERE email = $1 ORDER BY id DESC LIMIT 1;
-- name: change_told_buyer
SELECT after, at FROM changes WHERE buyer = $1 ORDER BY id DESC LIMIT 1;
-- name: change_told_license
SELECT after, at FROM changes WHERE license = $1 ORDER BY id DESC LIMIT 1;
-- name: change_last_of_user
SELECT coalesce((SELECT max(id) FROM changes WHERE user_ref = $1), 0),
	coalesce((SELECT valid_from FROM passes WHERE who = 'user:' || $1), -1);
-- name: change_last_of_email
SELECT coalesce((SELECT max(id) FROM changes WHERE email = $1), 0),
	coalesce((SELECT valid_from FROM passes WHERE who = 'email:' || $1), -1);
-- name: change_last_of_buyer
SELECT coalesce((SELECT max(id) FROM changes WHERE buyer = $1), 0),
	coalesce((SELECT valid_from FROM passes WHERE who = 'buyer:' || $1), -1);
-- name: change_last_of_license
SELECT coalesce((SELECT max(id) FROM changes WHERE license = $1), 0),
	coalesce((SELECT valid_from FROM passes WHERE who = 'license:' || $1), -1);
-- name: change_forget_user
UPDATE changes SET user_ref = NULL, email = NULL, buyer = NULL, license = NULL
WHERE user_ref = $1;
-- name: change_forget_email
UPDATE changes SET user_ref = NULL, email = NULL, buyer = NULL, license = NULL
WHERE email = $1;
-- name: change_forget_buyer
UPDATE changes SET user_ref = NULL, email = NULL, buyer = NULL, license = NULL
WHERE buyer = $1;
-- name: change_forget_license
UPDATE changes SET user_ref = NULL, email = NULL, buyer = NULL, license = NULL
WHERE license = $1;
-- name: change_forget_event
UPDATE changes SET user_ref = NULL, email = NULL, buyer = NULL, license = NULL
WHERE event = $1;
-- name: change_drop
DELETE FROM changes WHERE buyer = $1;

-- name: outbox_holding
SELECT id, target, payload, last_error FROM outbox
WHERE instr(lower(payload), $1) > 0 OR instr(lower(target), $1) > 0
	OR instr(lower(last_error), $1) > 0;
-- name: outbox_holding @postgresql
SELECT id, target, payload, last_error FROM outbox
WHERE position($1::text IN lower(payload)) > 0
	OR position($1::text IN lower(target)) > 0
	OR position($1::text IN lower(last_error)) > 0;
-- name: outbox_waiting
SELECT count(*), min(due_at) FROM (SELECT state, due_at FROM outbox
	ORDER BY id DESC LIMIT $1) AS newest
WHERE state = 'waiting';
-- name: outbox_drop
DELETE FROM outbox WHERE id = $1;

-- name: pass_revoke
INSERT INTO passes (id, who, valid_from)
VALUES ((SELECT coalesce(max(id), 0) + 1 FROM passes), $1, $2)
ON CONFLICT (who) DO UPDATE SET id = excluded.id,
	valid_from = CASE WHEN passes.valid_from > excluded.valid_from
		THEN passes.valid_from ELSE excluded.valid_from END;
-- name: pass_from
SELECT valid_from FROM passes WHERE who = $1;
-- name: pass_max
SELECT coalesce(max(id), 0) FROM passes;
-- name: pass_after
SELECT who, valid_from FROM passes WHERE id > $1 ORDER BY id LIMIT $2;
-- name: pass_forget
-- (its number stays: one is never given again)
UPDATE passes SET who = 'erased:' || id WHERE who = $1;
-- name: link_used
SELECT used_at, uses FROM links WHERE link = $1;
-- name: link_use
INSERT INTO links (link, used_at, uses, ends_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (link) DO UPDATE SET uses = links.uses + 1;
-- name: link_trim
DELETE FROM links WHERE ends_at <= $1;

-- name: signin_trim
DELETE FROM signins WHERE at <= $1 OR at > $2;
-- name: signin_count
SELECT count(*) FROM signins WHERE person IS NOT NULL AND email IS NULL;
-- name: signin_count_person
SELECT count(*) FROM signins WHERE person = $1;
-- name: signin_count_peer
SELECT count(*) FROM signins WHERE peer >= $1 AND peer < $2;
-- name: signin_add
INSERT INTO signins (at, person, peer, email) VALUES ($1, $2, $3, $4);
-- name: signin_open
SELECT id, at, email FROM signins WHERE email IS NOT NULL ORDER BY id LIMIT $1;
-- name: signin_settle
UPDATE signins SET email = NULL WHERE id = $1;
-- name: signin_settle_unknown
UPDATE signins SET email = NULL, person = NULL WHERE id = $1;
-- name: signin_cut
DELETE FROM signins WHERE id <= (SELECT max(id) FROM signins) - $1
	AND person IS NULL AND email IS NULL;
-- name: signin_forget
UPDATE signins SET email = NULL, person = NULL WHERE email = $1;

-- let: outbox
id, kind, target, payload, state, attempts, due_at, last_error, dedupe,
	event, added_at, done_at, awaits
-- name: outbox_add
INSERT INTO outbox (kind, target, payload, state, due_at, dedupe, event,
	person, added_at, awaits)
VALUES ($1, $2, $3, 'waiting', $8, $5, $6, $7, $4, $9)
ON CONFLICT (dedupe) DO NOTHING;
-- name: outbox_add @postgresql
-- (as with events: a repeat takes no number)
INSERT INTO outbox (kind, target, payload, state, due_at, dedupe, event,
	person, added_at, awaits)
SELECT $1::text, $2::text, $3::text, 'waiting', $8::bigint, $5::text,
	$6::bigint, $7::text, $4::bigint, $9::text
WHERE NOT EXISTS (SELECT FROM outbox WHERE dedupe = $5::text)
ON CONFLICT (dedupe) DO NOTHING;
-- name: outbox_max
SELECT coalesce(max(id), 0) FROM outbox;
-- name: outbox_known
SELECT count(*) FROM outbox WHERE dedupe = $1;
-- let: outbox_open
state IN ('waiting', 'running') AND kind = $1 AND target = $2
-- let: outbox_due
SELECT {outbox} FROM outbox AS o
WHERE {outbox_open} AND due_at <= $3
ORDER BY due_at, id LIMIT $4
-- let: outbox_due_in_order
SELECT {outbox} FROM (SELECT min(id) AS near
	FROM (SELECT id, person, due_at FROM outbox
		WHERE {outbox_open} AND due_at <= $3
		ORDER BY due_at LIMIT 256) AS oldest
	GROUP BY coalesce(person, '' || id)
	ORDER BY min(due_at), min(id)) AS candidate CROSS JOIN outbox AS o
WHERE o.id = near AND o.state IN ('waiting', 'running') AND o.due_at <= $3
	AND (o.person IS NULL OR o.id = (SELECT p.id FROM outbox AS p
		WHERE p.state IN ('waiting', 'running') AND p.kind = $1
			AND p.target = $2 AND p.person = o.person
		ORDER BY p.person, p.id LIMIT 1))
LIMIT $4
-- let: outbox_due_heads
WITH RECURSIVE
	crowd(there) AS (SELECT 1 FROM outbox
		WHERE {outbox_open} AND due_at <= $3
		ORDER BY due_at LIMIT 1 OFFSET 256),
	head(first) AS (
		SELECT id FROM (SELECT id FROM outbox
			WHERE {outbox_open} AND due_at + 0 <= $3
				AND person IS NULL
			ORDER BY person, id LIMIT $4) AS nobody
		WHERE EXISTS (SELECT 1 FROM crowd)
		UNION ALL
		SELECT (SELECT id FROM outbox
			WHERE {outbox_open} AND person > ''
			ORDER BY person, id LIMIT 1)
		WHERE EXISTS (SELECT 1 FROM crowd)
		UNION ALL
		SELECT (SELECT id FROM outbox
			WHERE {outbox_open}
				AND person > (SELECT q.person FROM outbox AS q
					WHERE q.id = head.first)
			ORDER BY person, id LIMIT 1)
		FROM head WHERE first IS NOT NULL)
SELECT {outbox} FROM head CROSS JOIN outbox AS o
WHERE o.id = head.first AND o.state IN ('waiting', 'running')
	AND o.due_at <= $3
LIMIT $4
-- name: outbox_next
{outbox_due};
-- name: outbox_take
{outbox_due};
-- name: outbox_take @postgresql
-- (workers of several hosts: what one looks at, the others leave to it)
{outbox_due} FOR UPDATE OF o SKIP LOCKED;
-- name: outbox_next_in_order
-- (looks at so many rows and no more: of one person there may be thousands; the
-- orders keep PostgreSQL to the indexes whatever its statistics say)
{outbox_due_in_order};
-- name: outbox_take_in_order
{outbox_due_in_order};
-- name: outbox_take_in_order @postgresql
{outbox_due_in_order} FOR UPDATE OF o SKIP LOCKED;
-- name: outbox_next_heads
-- (where more than those are due: by the index from each person's first row to
-- the next person's, and the rows about nobody; + 0 keeps outbox_due out)
{outbox_due_heads};
-- name: outbox_take_heads
{outbox_due_heads};
-- name: outbox_take_heads @postgresql
{outbox_due_heads} FOR UPDATE OF o SKIP LOCKED;
-- name: outbox_claim
UPDATE outbox SET state = 'running', attempts = attempts + 1, due_at = $2
WHERE id = $1;
-- name: outbox_mark
UPDATE outbox SET state = $3, due_at = $4, last_error = $5, done_at = $6
WHERE id = $1 AND state = 'running' AND attempts = $2;
-- name: outbox_release
UPDATE outbox SET state = 'waiting', attempts = attempts - 1,
	due_at = added_at
WHERE id = $1 AND state = 'running' AND attempts = $2;
-- name: outbox_hurry
UPDATE outbox SET due_at = added_at
WHERE state IN ('waiting', 'running') AND kind = $1 AND target = $2
	AND due_at > $3 AND state = 'waiting' AND attempts > 0 AND attempts < $4
	AND coalesce(last_error, '') NOT LIKE '%with Retry-After';
-- name: outbox_old
-- (what was never tried is due since it was added: the index alone tells)
SELECT {outbox} FROM outbox
WHERE state IN ('waiting', 'running') AND due_at < $1 AND state = 'waiting'
	AND added_at > 0 AND added_at < $1
ORDER BY kind, target, due_at LIMIT $2;
-- name: outbox_expire
UPDATE outbox SET state = 'dead', done_at = $2,
	last_error = 'expired; last: ' || coalesce(last_error, 'never tried')
WHERE id = $1 AND state = 'waiting';
-- name: outbox_tidy
UPDATE outbox SET payload = '{}'
WHERE payload <> '{}' AND done_at < $1 AND state IN ('done', 'dropped');
-- name: outbox_get
SELECT {outbox} FROM outbox WHERE id = $1;
-- name: outbox_after
SELECT {outbox} FROM outbox
WHERE id > $1 AND state = $2 AND ($3 IS NULL OR target = $3)
ORDER BY id LIMIT $4;
-- name: outbox_after @postgresql
SELECT {outbox} FROM outbox
WHERE id > $1 AND state = $2 AND ($3::text IS NULL OR target = $3)
ORDER BY id LIMIT $4;
-- name: outbox_list
SELECT {outbox} FROM outbox
WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR target = $2)
ORDER BY id DESC LIMIT $3;
-- name: outbox_list @postgresql
SELECT {outbox} FROM outbox
WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR target = $2)
ORDER BY id DESC LIMIT $3;
-- name: outbox_of_event
SELECT {outbox} FROM outbox WHERE event = $1 ORDER BY id;
-- name: outbox_counts
SELECT kind, target, state, count(*),
	sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END)
FROM outbox
GROUP BY kind, target, state ORDER BY kind, target, state;
-- name: outbox_confirmed
UPDATE outbox SET due_at = added_at, awaits = NULL
WHERE awaits = $1 AND state = 'waiting';
-- name: outbox_unknown
UPDATE outbox SET state = 'dropped', done_at = $2, awaits = NULL,
	last_error = 'the platform knows no such sale'
WHERE awaits = $1 AND state = 'waiting';
-- name: outbox_unasked
-- (awaits begins with the name of a platform that was not read since)
SELECT count(*) FROM outbox
WHERE awaits IS NOT NULL AND state = 'waiting' AND added_at <= $1
	AND NOT EXISTS (SELECT 1 FROM readings AS r WHERE r.error IS NULL
		AND r.ended_at > $1 AND substr(awaits, 1,
		length(r.platform) + 1) = r.platform || '/');
-- name: outbox_let_go
UPDATE outbox SET due_at = added_at, awaits = NULL
WHERE awaits IS NOT NULL AND state = 'waiting' AND added_at <= $1
	AND NOT EXISTS (SELECT 1 FROM readings AS r WHERE r.error IS NULL
		AND r.ended_at > $1 AND substr(awaits, 1,
		length(r.platform) + 1) = r.platform || '/');
-- name: outbox_again
UPDATE outbox SET state = 'waiting', attempts = 0, due_at = $2, added_at = $2,
	done_at = NULL, awaits = NULL
WHERE id = $1 AND state IN ('dead', 'dropped', 'waiting')
	AND payload <> '{}';
-- name: outbox_give_up
UPDATE outbox SET state = 'dropped', done_at = $2
WHERE id = $1 AND state IN ('waiting', 'dead');

-- let: reading
id, platform, kind, began_at, ended_at, from_day, to_day, read, found,
	repaired, error
-- name: reading_add
INSERT INTO readings (platform, kind, began_at, from_day, to_day)
VALUES ($1, $2, $3, $4, $5) RETURNING id;
-- name: reading_update
UPDATE readings SET ended_at = $2, from_day = $3, to_day = $4, read = $5,
	found = $6, repaired = $7, error = $8
WHERE id = $1;
-- name: reading_list
SELECT {reading} FROM readings
WHERE ($1 IS NULL OR platform = $1) AND ($2 IS NULL OR kind = $2)
ORDER BY id DESC LIMIT $3;
-- name: reading_list @postgresql
SELECT {reading} FROM readings
WHERE ($1::text IS NULL OR platform = $1) AND ($2::text IS NULL OR kind = $2)
ORDER BY id DESC LIMIT $3;
-- name: reading_newest
SELECT {reading} FROM readings WHERE platform = $1 AND kind = $2
ORDER BY id DESC LIMIT 1;
-- name: reading_whole
SELECT {reading} FROM readings
WHERE platform = $1 AND kind = $2 AND ended_at IS NOT NULL AND error IS NULL
ORDER BY id DESC LIMIT 1;
-- name: reading_open
-- (long walks alone are noted before they end)
SELECT {reading} FROM readings
WHERE platform = $1 AND kind = $2 AND ended_at IS NULL
ORDER BY id DESC LIMIT 1;
-- name: reading_covering
SELECT ended_at FROM readings
WHERE platform = $1 AND kind = $2 AND ended_at IS NOT NULL AND error IS NULL
	AND ($3 IS NULL OR from_day <= $3)
ORDER BY id DESC LIMIT 1;
-- name: reading_covering @postgresql
SELECT ended_at FROM readings
WHERE platform = $1 AND kind = $2 AND ended_at IS NOT NULL AND error IS NULL
	AND ($3::text IS NULL OR from_day <= $3)
ORDER BY id DESC LIMIT 1;
-- name: event_delivered
SELECT {event} FROM events
WHERE id > $2 AND platform || '' = $1 AND status = 'applied' AND {delivered}
ORDER BY id LIMIT $3;
-- name: event_before
SELECT id FROM events WHERE received_at < $1 ORDER BY id DESC LIMIT 1;
-- name: pinged_put
INSERT INTO pinged (platform, sale, came_at, due_at) VALUES ($1, $2, $3, 0)
ON CONFLICT (platform, sale) DO UPDATE SET came_at = excluded.came_at;
-- name: pinged_fresh
-- (of what came in the second of the question the answer says nothing)
SELECT g.sale, g.came_at, p.sold_at FROM pinged AS g
LEFT JOIN purchases AS p ON p.platform = g.platform AND p.sale = g.sale
WHERE g.platform = $1 AND g.due_at = 0 AND g.came_at < $2;
-- name: pinged_looked
UPDATE pinged SET due_at = $2
WHERE platform = $1 AND due_at = 0 AND came_at < $2;
-- name: pinged_first
-- (what came last may be a buyer's who waits)
SELECT sale, came_at, absent_at FROM pinged
WHERE platform = $1 AND due_at > 0 AND absent_at IS NULL AND came_at < $2
	AND (due_at <= $2 OR due_at > $2 + 172800)
ORDER BY came_at DESC LIMIT 1;
-- name: pinged_again
SELECT sale, came_at, absent_at FROM pinged
WHERE platform = $1 AND due_at > 0 AND absent_at > 0 AND came_at < $2
	AND (due_at <= $2 OR due_at > $2 + 172800)
ORDER BY due_at LIMIT 1;
-- name: pinged_due
-- (one that is due after two days is of a clock that was ahead)
SELECT due_at FROM pinged
WHERE platform = $1 AND (due_at <= $2 OR due_at > $2 + 172800)
	AND came_at < $2
ORDER BY due_at LIMIT 1;
-- name: pinged_later
UPDATE pinged SET due_at = $3, absent_at = $4
WHERE platform = $1 AND sale = $2;
-- name: pinged_put_off
UPDATE pinged SET due_at = $3
WHERE platform = $1 AND due_at > 0 AND due_at <= $2;
-- name: pinged_drop
DELETE FROM pinged WHERE platform = $1 AND sale = $2;
-- name: pinged_subjects
-- (of what counts though nothing confirmed it)
SELECT DISTINCT p.subject FROM pinged AS g
JOIN purchases AS p ON p.platform = g.platform AND p.sale = g.sale
WHERE g.platform = $1 AND g.came_at >= $2 AND p.subject > $3
	AND p.confirmed_at IS NULL AND p.since IS NOT NULL
ORDER BY p.subject LIMIT $4;
-- name: purchase_confirmed_count
SELECT count(*) FROM purchases
WHERE platform || '' = $1 AND sold_at >= $2 AND confirmed_at IS NOT NULL;
-- name: purchase_confirmed
SELECT sale FROM purchases WHERE platform = $1 AND confirmed_at IS NOT NULL
ORDER BY sold_at DESC LIMIT 1;
-- name: purchase_given
-- (a giftee pays nothing; nor does who gets something free, which a list shows)
SELECT sale FROM purchases
WHERE sold_at >= $2 AND sold_at < $3 AND platform || '' = $1 AND price = 0
	AND test = 0;
-- name: subscription_open
SELECT subscription FROM subscriptions
WHERE platform = $1 AND status <> 'ended';
-- name: reading_counts
SELECT platform, kind, count(*), count(error), CAST(sum(read) AS BIGINT),
	CAST(sum(found) AS BIGINT), CAST(sum(repaired) AS BIGINT),
	max(CASE WHEN error IS NULL THEN ended_at END)
FROM readings GROUP BY platform, kind ORDER BY platform, kind;

-- let: drift
id, at, platform, sale, subscription, what, had, has, event
-- name: drift_add
INSERT INTO drift (at, platform, sale, subscription, what, had, has, event)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
-- name: drift_list
SELECT {drift} FROM drift
WHERE ($1 IS NULL OR platform = $1) AND ($2 IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3;
-- name: drift_list @postgresql
SELECT {drift} FROM drift
WHERE ($1::text IS NULL OR platform = $1) AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3;
-- name: drift_counts
SELECT platform, what, count(*), max(at) FROM drift
GROUP BY platform, what ORDER BY platform, what;
-- name: drift_forget
UPDATE drift SET had = NULL, has = NULL,
	subscription = CASE WHEN subscription = $1 THEN NULL
		ELSE subscription END
WHERE had = $1 OR has = $1 OR subscription = $1;
-- name: drift_forget_sale
UPDATE drift SET had = NULL, has = NULL
WHERE platform = $1 AND sale = $2 AND what = 'email';

-- name: lease_take
-- (the clock is the database's: those of hosts differ. A lease that would last
-- longer than any can is of a clock that was ahead.)
INSERT INTO meta (name, value)
VALUES ($1, printf('%012d ', strftime('%s', 'now') + $3) || $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE substr(meta.value, 1, 12) <= printf('%012d', strftime('%s', 'now'))
	OR substr(meta.value, 1, 12)
		> printf('%012d', strftime('%s', 'now') + $3 * 2)
	OR substr(meta.value, 14) = $2;
-- name: lease_take @postgresql
INSERT INTO meta (name, value)
VALUES ($1::text, lpad((extract(epoch FROM clock_timestamp())::bigint
	+ $3::bigint)::text, 12, '0') || ' ' || $2::text)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE substr(meta.value, 1, 12) <= lpad(extract(epoch FROM
		clock_timestamp())::bigint::text, 12, '0')
	OR substr(meta.value, 1, 12) > lpad((extract(epoch FROM
		clock_timestamp())::bigint + $3::bigint * 2)::text, 12, '0')
	OR substr(meta.value, 14) = $2::text;
-- name: lease_held
SELECT count(*) FROM meta WHERE name = $1 AND substr(value, 14) = $2;
-- name: lease_release
UPDATE meta SET value = '' WHERE name = $1 AND substr(value, 14) = $2;

-- name: erased_add
INSERT INTO erased (platform, sale, at) VALUES ($1, $2, $3)
ON CONFLICT (platform, sale) DO NOTHING;
-- name: erased_list
SELECT sale FROM erased WHERE platform = $1 AND sale >= $2 AND sale < $3;

-- name: forget_begin
PRAGMA secure_delete = ON;
-- name: forget_begin @postgresql
SELECT 1;
-- name: forget_vacuum
VACUUM;
-- name: forget_vacuum @postgresql
VACUUM FULL events, changes, outbox, purchases, subscriptions, drift;
-- name: forget_log
PRAGMA wal_checkpoint(TRUNCATE);
-- name: forget_log @postgresql
SELECT 0;

-- name: standby_age
SELECT 0;
-- name: standby_age @postgresql
SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(extract(epoch FROM
	now() - pg_last_xact_replay_timestamp())::bigint, 0) ELSE 0 END;
-- name: beat
SELECT 0;
-- name: beat @postgresql
-- (its commit is a record with a time for the standbys, and waits for no disk)
SELECT txid_current();
-- name: moved
SELECT count(*) FROM sqlite_schema
WHERE type = 'trigger' AND name = 'moved_events';
-- name: moved @postgresql
SELECT count(*) FROM pg_trigger
WHERE tgname = 'moved' AND tgrelid = to_regclass('events');
-- name: alive
SELECT count(*) FROM tiers;
-- name: integrity
PRAGMA quick_check(1);
-- name: integrity @postgresql
SELECT 'ok';
-- name: backup
VACUUM INTO $1;

-- Copying from one database to another: pages above a key, one row in, one row
-- out. (Nothing else gives numbers of its own to new rows.)
-- name: copy_event_put
INSERT INTO events ({event})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);
-- name: copy_event_drop
DELETE FROM events WHERE id = $1;
-- name: copy_change_put
INSERT INTO changes (id, at, user_ref, email, buyer, license, before, after,
	event)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
-- name: copy_change_drop
DELETE FROM changes WHERE id = $1;
-- name: copy_outbox
SELECT {outbox}, person
FROM outbox WHERE id > $1 ORDER BY id LIMIT $2;
-- name: copy_outbox_put
INSERT INTO outbox ({outbox}, person)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);
-- name: copy_readings
SELECT {reading} FROM readings WHERE id > $1 ORDER BY id LIMIT $2;
-- name: copy_reading_put
INSERT INTO readings ({reading})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
-- name: copy_reading_drop
DELETE FROM readings WHERE id = $1;
-- name: copy_drift
SELECT {drift} FROM drift WHERE id > $1 ORDER BY id LIMIT $2;
-- name: copy_drift_put
INSERT INTO drift ({drift}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
-- name: copy_drift_drop
DELETE FROM drift WHERE id = $1;
-- name: copy_erased
SELECT platform, sale, at FROM erased WHERE (platform, sale) > ($1, $2)
ORDER BY platform, sale LIMIT $3;
-- name: copy_erased_drop
DELETE FROM erased WHERE platform = $1 AND sale = $2;
-- name: copy_pinged
SELECT platform, sale, came_at, due_at, absent_at FROM pinged
WHERE (platform, sale) > ($1, $2) ORDER BY platform, sale LIMIT $3;
-- name: copy_pinged_put
INSERT INTO pinged (platform, sale, came_at, due_at, absent_at)
VALUES ($1, $2, $3, $4, $5);
-- name: copy_purchases
SELECT {purchase} FROM purchases WHERE (platform, sale) > ($1, $2)
ORDER BY platform, sale LIMIT $3;
-- name: copy_subscriptions
SELECT {subscription} FROM subscriptions
WHERE (platform, subscription) > ($1, $2)
ORDER BY platform, subscription LIMIT $3;
-- name: copy_subscription_drop
DELETE FROM subscriptions WHERE platform = $1 AND subscription = $2;
-- name: copy_passes
SELECT who, valid_from, id FROM passes WHERE who > $1 ORDER BY who LIMIT $2;
-- name: copy_pass_put
INSERT INTO passes (who, valid_from, id) VALUES ($1, $2, $3);
-- name: copy_pass_drop
DELETE FROM passes WHERE who = $1;
-- name: copy_meta
-- (what belongs to one database alone stays there)
SELECT name, value FROM meta
WHERE name > $1 AND name NOT IN ('log_version', 'state_version',
	'views_version', 'tiers', 'copying') AND name NOT LIKE 'lease %'
ORDER BY name LIMIT $2;
-- name: copy_meta_drop
DELETE FROM meta WHERE name = $1;
-- name: copy_hold
SELECT 0;
-- name: copy_hold @postgresql
-- (claims do not wait for the writers' lock)
LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE;
-- name: copy_numbers
SELECT coalesce((SELECT max(id) FROM events), 0),
	coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0),
	coalesce((SELECT max(id) FROM outbox), 0),
	coalesce((SELECT max(id) FROM readings), 0),
	coalesce((SELECT max(id) FROM drift), 0);
-- name: copy_numbers @postgresql
SELECT CASE WHEN e.is_called THEN e.last_value ELSE 0 END,
	CASE WHEN c.is_called THEN c.last_value ELSE 0 END,
	CASE WHEN o.is_called THEN o.last_value ELSE 0 END,
	CASE WHEN r.is_called THEN r.last_value ELSE 0 END,
	CASE WHEN d.is_called THEN d.last_value ELSE 0 END
FROM events_id_seq AS e, changes_id_seq AS c, outbox_id_seq AS o,
	readings_id_seq AS r, drift_id_seq AS d;
-- name: copy_numbers_put
-- (the others lose no rows at their end: the next number follows)
UPDATE sqlite_sequence SET seq = $2 WHERE name = 'changes' AND seq < $2;
-- name: copy_numbers_put @postgresql
SELECT setval('events_id_seq', greatest($1::bigint, 1), $1::bigint > 0),
	setval('changes_id_seq', greatest($2::bigint, 1), $2::bigint > 0),
	setval('outbox_id_seq', greatest($3::bigint, 1), $3::bigint > 0),
	setval('readings_id_seq', greatest($4::bigint, 1), $4::bigint > 0),
	setval('drift_id_seq', greatest($5::bigint, 1), $5::bigint > 0);
