#include "cgi/visitor.h"

/* Cookies of that name: an app's other hosts and paths can set some too. */
enum { COOKIES_MAX = 4 };

static int
is_valid(const struct app *app, const struct request *r, struct str token,
    int64_t now, struct pass *out)
{
	return token.n > 0 &&
	    pass_verify(app->config, token, now, r->arena, out) == 0;
}

int
visitor_pass(const struct app *app, const struct request *r, int64_t now,
    struct pass *out, struct str *token)
{
	struct str rest = request_param(r, "HTTP_COOKIE"), pair, name;
	for (int n = 0; rest.p != NULL && n < COOKIES_MAX;) {
		/* RFC 6265, 4.2.1 */
		str_cut(rest, ';', &pair, &rest);
		str_cut(pair, '=', &name, token);
		if (!str_eq_z(str_trim(name), "gatepost"))
			continue;
		n++;
		*token = str_trim(*token);
		if (is_valid(app, r, *token, now, out))
			return 1;
	}
	if (str_cut(request_authorization(r), ' ', &name, token) &&
	    str_eq_fold(name, STR("Bearer"))) {
		*token = str_trim(*token);
		return is_valid(app, r, *token, now, out);
	}
	return 0;
}
