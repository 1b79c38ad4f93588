#include "access/access.h"

#include <jansson.h>

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/web/apikey.h"
#include "cgi/ask/ask.h"
#include "cgi/server/reader.h"
#include "cgi/web/app.h"

enum { USERS_MAX = 1000 };

static void
bad_request(struct reply *p, const char *word, const char *detail)
{
	reply_error(p, 400, word, detail);
}

static void
unavailable(const struct app *app, const struct request *r, const struct err *e,
    struct reply *p)
{
	log_line(LOG_ERROR, "lookup failed: %s", e->text);
	readers_drop(app->readers, r->worker);
	reply_header(p, "Retry-After", STR("5"));
	reply_error(p, 503, "unavailable", "the database cannot be read now");
}

/* The one identifier asked for. 0, or -1 with the 400 in *p. */
static int
query_key(struct request *r, struct access_key *key, struct reply *p)
{
	int found = 0;
	struct err err = { .code = ERR_NONE };
	for (int by = STORE_BY_USER; by <= STORE_BY_LICENSE; by++) {
		struct str value;
		/* an address may hold a '+', and few people write %2B */
		int n = by == STORE_BY_EMAIL
		    ? request_query_plus(r, access_words[by], &value)
		    : request_query(r, access_words[by], &value);
		found += n;
		if (n == 1 &&
		    access_key_parse(
			(enum store_by)by, value, r->arena, key, &err) != 0) {
			bad_request(p, "identifier", err.text);
			return -1;
		}
	}
	if (found == 1)
		return 0;
	bad_request(
	    p, "identifier", "give exactly one of user, email, buyer, license");
	return -1;
}

/* A rule to answer besides: -1 none, 0 or 1 the answer, -2 with the 400. */
static int
query_rule(const struct app *app, struct request *r, const struct access *x,
    struct reply *p)
{
	struct str tier, allow;
	int n_tier = request_query(r, "tier", &tier);
	int n_allow = request_query(r, "allow", &allow);
	if (n_tier + n_allow == 0)
		return -1;
	if (n_tier + n_allow > 1 || (n_tier == 1 ? tier.n : allow.n) == 0) {
		bad_request(p, "rule", "give one of tier and allow, once");
		return -2;
	}
	return n_tier == 1 ? access_allows_tier(x, &app->config->rules, tier)
			   : access_allows(x, allow);
}

void
access_get(const struct app *app, struct request *r, struct reply *p)
{
	struct access_key key;
	struct access x;
	struct err err = { .code = ERR_NONE };
	if (!apikey_fits(app, r, p) || query_key(r, &key, p) != 0)
		return;
	struct store *s = readers_get(app->readers, r->worker, &err);
	/* one snapshot: the change number must not be newer than the state */
	int rc = s == NULL ? -1 : store_begin_read(s, &err);
	if (rc == 0) {
		rc = access_lookup(s, &app->config->rules, &key, time_now(),
		    r->arena, &x, &err);
		store_rollback(s);
	}
	if (rc != 0) {
		unavailable(app, r, &err, p);
		return;
	}
	int allowed = query_rule(app, r, &x, p);
	if (allowed != -2)
		access_json(reply_json(p, 200), &x, &key, allowed);
}

/* {"email":"…"}: one key, one text. */
static int
element_key(const json_t *element, struct request *r, struct access_key *key,
    struct err *e)
{
	for (int by = STORE_BY_USER; by <= STORE_BY_LICENSE; by++) {
		const json_t *v = json_object_get(element, access_words[by]);
		if (v != NULL && json_is_string(v) &&
		    json_object_size(element) == 1) {
			struct str value = { json_string_value(v),
				json_string_length(v) };
			return access_key_parse(
			    (enum store_by)by, value, r->arena, key, e);
		}
	}
	return err_set(e, ERR_INPUT,
	    "each of users holds one of user, email, buyer, license, a text");
}

static const json_t *
read_users(struct request *r, struct reply *p)
{
	const char *reason = NULL;
	struct err err = { .code = ERR_NONE };
	const json_t *body =
	    json_load_kept(r->arena, r->body, 0, &reason, &err);
	if (body == NULL) {
		bad_request(
		    p, "body", "send JSON: {\"users\":[{\"user\":\"1\"},…]}");
		return NULL;
	}
	const json_t *users = json_object_get(body, "users");
	if (!json_is_array(users) || json_array_size(users) > USERS_MAX) {
		bad_request(p, "body", "users is a list of up to 1000");
		return NULL;
	}
	return users;
}

void
access_post(const struct app *app, struct request *r, struct reply *p)
{
	struct err err = { .code = ERR_NONE };
	const json_t *users;
	if (!apikey_fits(app, r, p) || (users = read_users(r, p)) == NULL)
		return;
	struct store *s = readers_get(app->readers, r->worker, &err);
	if (s == NULL || store_begin_read(s, &err) != 0) {
		unavailable(app, r, &err, p);
		return;
	}
	int64_t now = time_now();
	struct buf *b = reply_json(p, 200);
	buf_addz(b, "{\"users\":[");
	for (size_t i = 0; i < json_array_size(users); i++) {
		struct access_key key;
		struct access x;
		if (element_key(json_array_get(users, i), r, &key, &err) != 0) {
			bad_request(p, "identifier", err.text);
			break;
		}
		if (access_lookup(s, &app->config->rules, &key, now, r->arena,
			&x, &err) != 0) {
			store_rollback(s);
			unavailable(app, r, &err, p);
			return;
		}
		access_json(b, &x, &key, -1);
	}
	if (p->status == 200)
		buf_addz(b, "]}");
	store_rollback(s);
}
