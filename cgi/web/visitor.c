#include "cgi/web/visitor.h"

#include "cgi/web/cookie.h"

enum { AUTHORIZATIONS = 2 };

static int
rank(const struct access_key *key, int is_host)
{
	int kind = pass_is_visitor(key) ? 0 : key->by != STORE_BY_USER ? 1 : 2;
	return 2 * kind + is_host;
}

/* What is a pass goes behind those of its rank. Where there are too many, the
 * last one falls out: passes of visitors cost nothing. */
static void
take(struct visitor *v, const struct app *app, struct request *r, int64_t now,
    struct str token, int is_host)
{
	struct visitor_pass new = { .token = token };
	if (pass_verify(app->config, token, now, r->arena, &new.pass) != 0) {
		if (v->n == 0 && r->pass_fault == NULL)
			r->pass_fault = new.pass.fault;
		return;
	}
	r->pass_fault = NULL;
	new.rank = rank(&new.pass.key, is_host);
	size_t at = v->n;
	if (at < VISITOR_PASSES_MAX)
		v->n++;
	else if (new.rank > v->v[--at].rank)
		v->v[at] = new;
	else
		return;
	for (; at > 0 && v->v[at - 1].rank < new.rank; at--)
		v->v[at] = v->v[at - 1];
	v->v[at] = new;
}

void
visitor_read(
    struct visitor *v, const struct app *app, struct request *r, int64_t now)
{
	static const char *const names[AUTHORIZATIONS] = { "HTTP_AUTHORIZATION",
		"REDIRECT_HTTP_AUTHORIZATION" };
	struct cookie_walk walk = { .params = r->params };
	struct str name, value, scheme;
	v->n = 0;
	r->pass_fault = NULL;
	while (cookie_next(&walk, &name, &value))
		/* the value is bare: a pass needs no quotes */
		if (cookie_is_pass(name))
			take(v, app, r, now, value, cookie_is_host(name));
	for (size_t i = 0; i < AUTHORIZATIONS; i++)
		if (str_cut(request_param(r, names[i]), ' ', &scheme, &value) &&
		    str_eq_fold(scheme, STR("Bearer")))
			take(v, app, r, now, str_trim(value), 0);
}

int
visitor_check(struct visitor *v, struct store *s, struct err *e)
{
	size_t kept = 0;
	for (size_t i = 0; i < v->n; i++) {
		int64_t from;
		if (pass_valid_from(s, &v->v[i].pass.key, &from, e) != 0)
			return -1;
		if (pass_is_good(&v->v[i].pass, from))
			v->v[kept++] = v->v[i];
	}
	v->n = kept;
	return 0;
}
