#include "cgi/pages/buy.h"

#include "base/crypto.h"
#include "base/form.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/web/cookie.h"
#include "cgi/pages/pages.h"
#include "cgi/server/reader.h"
#include "cgi/web/visitor.h"

/*
 * GET /buy/NAME: on to the shop, known by a user id. Who comes without one is
 * given one, and a pass for it, so that what is bought there opens the gate in
 * this browser without a login.
 */
enum {
	VISITOR_ID = 16, /* bytes: 128 bits that nobody can guess */
};

/* ---- where to ---- */

static struct str
pair_name(struct str pair, struct arena *a)
{
	struct str name, value;
	str_cut(pair, '=', &name, &value);
	return request_decode(a, name);
}

/* A letter, folded, or a digit: what tells a name from others. Else 0. */
static int
sign(char byte)
{
	unsigned char c = (unsigned char)byte;
	if (c >= 'A' && c <= 'Z')
		return c | 0x20;
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80
	    ? c
	    : 0;
}

static int
ends_name(char c)
{
	return c == '[' || c == ']' || c == '\0';
}

/*
 * Could a shop take the name for mine? Parsers differ: Rack reads user_id,
 * user_id[], user_id] and [user_id alike, PHP user_id, user.id, user[id and
 * " user_id". So only letters and digits count, up to a bracket of mine.
 */
static int
is_alike(struct str name, struct str mine)
{
	size_t i = 0;
	for (size_t j = 0; j < mine.n && !(i > 0 && ends_name(mine.p[j]));
	     j++) {
		int c = sign(mine.p[j]);
		if (c == 0)
			continue;
		while (i < name.n && sign(name.p[i]) == 0)
			i++;
		if (i == name.n || sign(name.p[i++]) != c)
			return 0;
	}
	for (; i < name.n && sign(name.p[i]) == 0; i++)
		if (ends_name(name.p[i]))
			return 1;
	return i == name.n;
}

/* Does a parameter of that name stand in the settings? */
static int
is_owners(const struct config_buy *buy, struct str owners, struct str name,
    struct arena *a)
{
	struct str pair;
	if (is_alike(name, buy->parameter))
		return 1;
	while (owners.p != NULL) {
		str_cut(owners, '&', &pair, &owners);
		if (pair.n > 0 && is_alike(name, pair_name(pair, a)))
			return 1;
	}
	return 0;
}

/* Appends those of the visitor's pairs for which there is room. Encoded anew:
 * some parsers begin a pair at a ';' as well. */
static void
add_visitors(const struct config_buy *buy, struct str owners,
    struct str visitors, size_t room, struct arena *a, struct buf *out)
{
	size_t end = out->n + room;
	struct str pair, raw, value;
	for (int i = 0; visitors.p != NULL && i < REQUEST_PAIRS_MAX; i++) {
		struct buf one;
		str_cut(visitors, '&', &pair, &visitors);
		struct str name = pair_name(pair, a);
		if (pair.n == 0 || is_owners(buy, owners, name, a))
			continue;
		buf_init(&one, end - out->n);
		form_encode(&one, name);
		if (str_cut(pair, '=', &raw, &value)) {
			buf_addc(&one, '=');
			form_encode(&one, request_decode(a, value));
		}
		buf_addc(&one, '&');
		if (buf_ok(&one))
			buf_adds(out, buf_str(&one));
		buf_free(&one);
	}
}

void
buy_url(const struct config_buy *buy, struct str user, struct str visitors,
    struct arena *a, struct buf *out)
{
	struct str head, fragment, base, query, pair;
	/* of all but the visitor's; encoded, a byte is three */
	size_t n = buy->url.n + 3 * (buy->parameter.n + user.n) + 3;
	str_cut(buy->url, '#', &head, &fragment);
	str_cut(head, '?', &base, &query);
	buf_adds(out, base);
	buf_addc(out, '?');
	for (struct str left = query; left.p != NULL;) {
		str_cut(left, '&', &pair, &left);
		if (pair.n == 0 || str_eq(pair_name(pair, a), buy->parameter))
			continue;
		buf_adds(out, pair);
		buf_addc(out, '&');
	}
	if (n < out->max)
		add_visitors(buy, query, visitors, out->max - n, a, out);
	form_encode(out, buy->parameter);
	buf_addc(out, '=');
	form_encode(out, user);
	if (fragment.p != NULL) {
		buf_addc(out, '#');
		buf_adds(out, fragment);
	}
}

static const struct config_buy *
find(const struct config *c, struct str name)
{
	for (size_t i = 0; i < c->n_buys; i++)
		if (str_eq(c->buys[i].name, name))
			return &c->buys[i];
	return NULL;
}

/* ---- who ---- */

/* The page is wanted in case somebody goes there, and a pass would be made for
 * nobody. The name of the header has changed over time. */
static int
is_prefetch(const struct request *r)
{
	static const char *const names[] = { "HTTP_SEC_PURPOSE", "HTTP_PURPOSE",
		"HTTP_X_MOZ" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str word, more;
		str_cut(request_param(r, names[i]), ';', &word, &more);
		if (str_eq_fold(str_trim(word), STR("prefetch")))
			return 1;
	}
	return 0;
}

/* The user of a pass that came along: only a user id can go to a shop. One that
 * was taken back would pay for nothing; where that is not known now, it counts.
 */
static int
find_user(
    const struct app *app, struct request *r, int64_t now, struct str *user)
{
	struct visitor v;
	struct err err = { .code = ERR_NONE };
	visitor_read(&v, app, r, now);
	struct store *s =
	    v.n == 0 ? NULL : readers_get(app->readers, r->worker, &err);
	if (s != NULL && visitor_check(&v, s, &err) != 0)
		readers_drop(app->readers, r->worker);
	if (err.code != ERR_NONE)
		log_line(LOG_ERROR, "buy: %s", err.text);
	for (size_t i = 0; i < v.n; i++)
		if (v.v[i].pass.key.by == STORE_BY_USER) {
			*user = v.v[i].pass.key.id;
			return 1;
		}
	return 0;
}

static int
new_user(struct arena *a, struct access_key *key, struct err *e)
{
	uint8_t id[VISITOR_ID];
	char hex[2 * VISITOR_ID + 1];
	if (crypto_random(id, sizeof(id)) != 0)
		return err_set(e, ERR_SYSTEM, "no random bytes");
	crypto_hex(id, sizeof(id), hex);
	const char *z = arena_printf(a, PASS_VISITOR "%s", hex);
	if (z == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	return access_key_parse(STORE_BY_USER, str_from(z), a, key, e);
}

/* *user, of the pass that came or of one that is set. */
static int
settle_user(const struct app *app, struct request *r,
    const struct config_buy *buy, struct str *user, struct reply *p,
    struct err *e)
{
	struct access_key key;
	int64_t now = time_now();
	if (find_user(app, r, now, user))
		return 0;
	if (new_user(r->arena, &key, e) != 0 ||
	    cookie_set(app, &key, now, buy->seconds, p, e) != 0)
		return -1;
	*user = key.id;
	return 0;
}

/* ---- the answer ---- */

static void
refuse(const struct request *r, struct reply *p, const struct err *e)
{
	log_line(LOG_ERROR, "buy: %s", e->text);
	reply_reset(p, r->arena);
	reply_header(p, "Retry-After", STR("60"));
	reply_error(p, 503,
	    e->code == ERR_CONFIG ? "not_configured" : "unavailable", e->text);
}

void
buy_get(const struct app *app, struct request *r, struct reply *p)
{
	const struct config_buy *buy = find(app->config, r->name);
	struct err err = { .code = ERR_NONE };
	struct str user;
	struct buf to;
	if (buy == NULL) {
		reply_error(
		    p, 404, "not_found", "nothing of that name is sold here");
		return;
	}
	/* not 204, which a browser would keep as the page behind the link; not
	 * 503, which would stand in logs as a failure of ours */
	if (is_prefetch(r)) {
		reply_error(p, 403, "prefetch",
		    "a visitor has to come here, not a browser ahead of one");
		return;
	}
	if (settle_user(app, r, buy, &user, p, &err) != 0) {
		refuse(r, p, &err);
		return;
	}
	buf_init(
	    &to, REPLY_HEADERS_BYTES - p->headers_n - sizeof("Location: "));
	buy_url(buy, user, request_query_string(r), r->arena, &to);
	reply_empty(p, 303);
	reply_header(p, "Location", buf_str(&to));
	if (!buf_ok(&to)) {
		err_set(&err, ERR_MEMORY, "out of memory");
		refuse(r, p, &err);
	}
	buf_free(&to);
}
