#include "cgi/visitor.h"

void
visitor_init(
    struct visitor *v, const struct app *app, struct request *r, int64_t now)
{
	r->pass_fault = NULL;
	*v = (struct visitor){ .app = app,
		.request = r,
		.now = now,
		.cookies = request_param(r, "HTTP_COOKIE") };
}

/* RFC 6265, 4.2.1: pairs with "; " between. The name is exactly ours, the
 * value bare: a pass needs no quotes. */
static int
next_cookie(struct visitor *v, struct str *token)
{
	struct str pair, name;
	while (v->cookies.p != NULL) {
		str_cut(v->cookies, ';', &pair, &v->cookies);
		if (str_cut(str_trim(pair), '=', &name, token) &&
		    str_eq_z(name, "gatepost"))
			return 1;
	}
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
	while (v->tried < VISITOR_PASSES_MAX &&
	    (next_cookie(v, token) || next_bearer(v, token))) {
		v->tried++;
		if (pass_verify(v->app->config, *token, v->now,
			v->request->arena, out) == 0) {
			v->found = 1;
			v->request->pass_fault = NULL;
			return 1;
		}
		if (!v->found && v->request->pass_fault == NULL)
			v->request->pass_fault = out->fault;
	}
	return 0;
}
