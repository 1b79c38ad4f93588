#include "core/manual.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "core/access.h"
#include "core/project.h"

const char *const manual_words[MANUAL__MAX] = {
	[MANUAL_GRANT] = "grant",
	[MANUAL_REVOKE] = "revoke",
	[MANUAL_RESTORE] = "restore",
	[MANUAL_LINK] = "link",
	[MANUAL_UNLINK] = "unlink",
	[MANUAL_VOID] = "void",
	[MANUAL_UNVOID] = "unvoid",
};

static void
add_if(struct buf *b, const char *key, struct str s)
{
	if (s.p != NULL)
		jsonw_text(b, key, s);
}

int
manual_encode(struct buf *b, const struct manual *m)
{
	jsonw_open(b, '{');
	jsonw_text(b, "do", str_from(manual_words[m->kind]));
	if (m->kind == MANUAL_LINK) {
		add_if(b, "user", m->user);
		add_if(b, "email", m->email);
	}
	if (m->by >= 0)
		jsonw_text(b, access_words[m->by], m->id);
	add_if(b, "sale", m->sale);
	add_if(b, "tier", m->tier);
	if (m->kind == MANUAL_GRANT)
		jsonw_time(b, "until", m->until);
	if (m->n_deliveries > 0) {
		jsonw_key(b, "deliveries");
		jsonw_open(b, '[');
		for (size_t i = 0; i < m->n_deliveries; i++)
			jsonw_element(b, m->deliveries[i]);
		jsonw_close(b, ']');
	}
	add_if(b, "note", m->note);
	jsonw_close(b, '}');
	return buf_ok(b) ? 0 : -1;
}

static struct str
text(struct arena *a, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	if (!json_is_string(v))
		return STR_NONE;
	struct str s = { json_string_value(v), json_string_length(v) };
	s.p = arena_dup(a, s.p, s.n);
	return s;
}

static int
read_deliveries(struct arena *a, const json_t *list, struct manual *m)
{
	size_t n = json_array_size(list);
	if (n > MANUAL_DELIVERIES_MAX)
		n = MANUAL_DELIVERIES_MAX;
	struct str *v = arena_alloc(a, (n + 1) * sizeof(*v));
	if (v == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);
		if (json_is_string(one))
			v[m->n_deliveries++] = str_from(arena_dup(a,
			    json_string_value(one), json_string_length(one)));
	}
	m->deliveries = v;
	return 0;
}

static int
read_kind(struct str word, struct manual *m, struct err *e)
{
	for (int k = 0; k < MANUAL__MAX; k++) {
		if (str_eq_z(word, manual_words[k])) {
			m->kind = (enum manual_kind)k;
			return 0;
		}
	}
	return err_set(e, ERR_INPUT, "no manual event of this version");
}

int
manual_decode(struct arena *a, struct str body, struct str delivery,
    struct manual *out, struct err *e)
{
	const char *reason = NULL;
	*out = (struct manual){ .by = -1, .until = STORE_NULL };
	json_t *o = json_load_strict(a, body, 0, &reason, e);
	if (o == NULL)
		return reason == NULL
		    ? -1
		    : err_set(e, ERR_INPUT, "not a manual event: %s", reason);
	out->delivery = delivery;
	int rc = read_kind(text(a, o, "do"), out, e);
	if (out->kind == MANUAL_LINK) {
		out->user = text(a, o, "user");
		out->email = text(a, o, "email");
	} else {
		for (int by = STORE_BY_USER; by <= STORE_BY_LICENSE; by++) {
			struct str id = text(a, o, access_words[by]);
			if (id.p != NULL) {
				out->by = by;
				out->id = by == STORE_BY_LICENSE
				    ? platform_license(a, id)
				    : id;
			}
		}
	}
	out->sale = text(a, o, "sale");
	out->tier = text(a, o, "tier");
	out->note = text(a, o, "note");
	struct str until = text(a, o, "until");
	if (until.p != NULL)
		time_parse(until, &out->until);
	if (rc == 0)
		rc = read_deliveries(a, json_object_get(o, "deliveries"), out);
	json_decref(o);
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	return rc;
}

struct str
manual_subject(struct arena *a, struct str platform, struct str subject)
{
	return str_from(
	    arena_printf(a, "%.*s/%.*s", STR_ARG(platform), STR_ARG(subject)));
}

struct str
manual_grant_subject(struct arena *a, int by, struct str id)
{
	return str_from(
	    arena_printf(a, "grant:%s:%.*s", access_words[by], STR_ARG(id)));
}

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
