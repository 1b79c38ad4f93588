#include "commit/manual_put.h"

#include "base/crypto.h"
#include "commit/project.h"

static int
append(struct store *s, struct str subject, const struct manual *m, int64_t now,
    int64_t *event, struct err *e)
{
	uint8_t random[16];
	char delivery[2 * sizeof(random) + 1];
	struct buf b;
	enum store_added added;
	if (crypto_random(random, sizeof(random)) != 0)
		return err_set(e, ERR_SYSTEM, "no random bytes");
	crypto_hex(random, sizeof(random), delivery);
	buf_init(&b, MANUAL_BODY_MAX);
	int rc = manual_encode(&b, m) == 0
	    ? 0
	    : err_set(e, ERR_LIMIT, "too many deliveries for one event");
	struct store_event row = { .platform = STR("manual"),
		.kind = str_from(manual_words[m->kind]),
		.delivery = str_from(delivery),
		.subject = subject,
		.sent_at = STORE_NULL,
		.received_at = now,
		.content_type = STR("application/json"),
		.body = buf_str(&b),
		.status = STR("applied") };
	if (rc == 0)
		rc = store_event_add(s, &row, event, &added, e);
	buf_free(&b);
	return rc;
}

int
manual_put(struct store *s, const struct config *c, struct str platform,
    struct str subject, const struct manual *m, int64_t now, struct arena *a,
    int64_t *event, struct err *e)
{
	int is_grant = str_eq_z(platform, "manual");
	struct str about =
	    is_grant ? subject : manual_subject(a, platform, subject);
	const struct platform *p = platform_find(platform);
	if (about.p == NULL || (!is_grant && p == NULL))
		return err_set(e, ERR_INPUT, "no such platform");
	if (store_begin(s, e) != 0)
		return -1;
	struct project_when when = { .at = now };
	if (append(s, about, m, now, &when.event, e) == 0 &&
	    (is_grant ? project_grant(s, c, subject, &when, a, e)
		      : project_subject(s, c, p, subject, NULL, &when, a, e)) ==
		0 &&
	    store_commit(s, e) == 0) {
		*event = when.event;
		return 0;
	}
	store_rollback(s);
	return -1;
}
