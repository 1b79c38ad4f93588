#include "cgi/visitor.h"

void
visitor_init(struct visitor *v, const struct app *app, const struct request *r,
    int64_t now)
{
	*v = (struct visitor){
		.app = app, .request = r, .now = now, .params = r->params
	};
}

/* Pairs with "; " between (RFC 6265, 4.2.1). Several Cookie lines come as one
 * parameter each, or joined by a comma, which no pass holds (RFC 3875, 4.1.18).
 * *pair is the next one. */
static int
next_pair(struct visitor *v, struct str *pair)
{
	size_t n = 0;
	while (v->cookies.n == 0) {
		v->cookies = request_param_next(&v->params, "HTTP_COOKIE");
		if (v->cookies.p == NULL)
			return 0;
	}
	struct str rest = v->cookies;
	while (n < rest.n && rest.p[n] != ';' && rest.p[n] != ',')
		n++;
	*pair = str_trim((struct str){ rest.p, n });
	n += n < rest.n;
	v->cookies = (struct str){ rest.p + n, rest.n - n };
	return 1;
}

/* The name is exactly ours, the value bare: a pass needs no quotes. */
static int
next_cookie(struct visitor *v, struct str *token)
{
	struct str pair, name;
	while (next_pair(v, &pair))
		if (str_cut(pair, '=', &name, token) &&
		    str_eq_z(name, "gatepost"))
			return 1;
	return 0;
}

static int
next_bearer(struct visitor *v, struct str *token)
{
	static const char *const names[] = { "HTTP_AUTHORIZATION",
		"REDIRECT_HTTP_AUTHORIZATION" };
	enum { N = sizeof(names) / sizeof(names[0]) };
	struct str scheme;
	while (v->authorizations < N) {
		struct str s =
		    request_param(v->request, names[v->authorizations++]);
		if (str_cut(s, ' ', &scheme, token) &&
		    str_eq_fold(scheme, STR("Bearer"))) {
			*token = str_trim(*token);
			return 1;
		}
	}
	return 0;
}

int
visitor_next(struct visitor *v, struct pass *out, struct str *token)
{
	while (v->found < VISITOR_PASSES_MAX &&
	    (next_cookie(v, token) || next_bearer(v, token)))
		if (pass_verify(v->app->config, *token, v->now,
			v->request->arena, out) == 0) {
			v->found++;
			return 1;
		}
	return 0;
}
