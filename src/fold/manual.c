#include "fold/manual.h"

#include "base/json.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "platform/platform.h"

const char *const manual_words[MANUAL__MAX] = {
	[MANUAL_GRANT] = "grant",
	[MANUAL_REVOKE] = "revoke",
	[MANUAL_RESTORE] = "restore",
	[MANUAL_LINK] = "link",
	[MANUAL_UNLINK] = "unlink",
	[MANUAL_VOID] = "void",
	[MANUAL_UNVOID] = "unvoid",
	[MANUAL_CONFIRM] = "confirm",
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
	if (m->kind == MANUAL_CONFIRM) {
		jsonw_time(b, "begin", m->begin);
		jsonw_time(b, "end", m->end);
	}
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
	struct str s;
	json_text(json_object_get(o, key), &s);
	return str_copy(a, s);
}

/* STORE_NULL where it is none. */
static int64_t
moment(struct arena *a, const json_t *o, const char *key)
{
	struct str s = text(a, o, key);
	int64_t t;
	return s.p != NULL && time_parse(s, &t) == 0 ? t : STORE_NULL;
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
	*out = (struct manual){ .by = -1,
		.until = STORE_NULL,
		.begin = STORE_NULL,
		.end = STORE_NULL };
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
	out->until = moment(a, o, "until");
	out->begin = moment(a, o, "begin");
	out->end = moment(a, o, "end");
	if (rc == 0 && out->kind == MANUAL_CONFIRM && out->begin == STORE_NULL)
		rc = err_set(e, ERR_INPUT, "no time to confirm from");
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
