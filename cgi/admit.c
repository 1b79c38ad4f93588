#include "cgi/admit.h"

#include "base/log.h"
#include "cgi/reader.h"
#include "core/pass.h"

enum { PASSES_MAX = 16 }; /* tried, of one request */

struct visit {
	const struct app *app;
	struct request *request;
	const struct admit_rule *rule;
	int64_t now;
	int tried;
	struct admit *out;
};

static int
opens(const struct visit *v, const struct access *x)
{
	return v->rule->tier.p != NULL
	    ? access_allows_tier(x, &v->app->config->rules, v->rule->tier)
	    : access_allows(x, v->rule->allow);
}

static enum admit_answer
ask(struct visit *v, const struct pass *pass)
{
	const struct app *app = v->app;
	const struct config *config = app->config;
	struct err err = { .code = ERR_NONE };
	struct access x;
	if (v->rule == NULL)
		return ADMIT_OPEN;
	struct store *s = readers_get(app->readers, v->request->worker, &err);
	if (s == NULL ||
	    access_lookup(s, &config->rules, &pass->key, v->now,
		v->request->arena, &x, &err) != 0) {
		log_line(LOG_ERROR, "gate: lookup failed: %s", err.text);
		readers_drop(app->readers, v->request->worker);
		return err.code != ERR_MEMORY && config->gate_open_on_error
		    ? ADMIT_OPEN
		    : ADMIT_UNKNOWN;
	}
	if (!opens(v, &x))
		return ADMIT_CLOSED;
	v->out->access = x;
	v->out->is_known = 1;
	return ADMIT_OPEN;
}

static void
try_pass(struct visit *v, struct str token)
{
	struct pass pass;
	if (v->out->answer == ADMIT_OPEN || v->tried++ >= PASSES_MAX ||
	    pass_verify(
		v->app->config, token, v->now, v->request->arena, &pass) != 0)
		return;
	enum admit_answer answer = ask(v, &pass);
	if (answer > v->out->answer)
		v->out->answer = answer;
	if (answer == ADMIT_OPEN)
		v->out->key = pass.key;
}

/* RFC 6265, 4.2.1: pairs with "; " between. The name is exactly ours, the
 * value bare: a pass needs no quotes. Of several cookies of the name, which a
 * browser sends for several paths and domains, each is tried. */
static void
try_cookies(struct visit *v)
{
	struct str rest = request_param(v->request, "HTTP_COOKIE"), pair;
	while (rest.p != NULL) {
		struct str name, value;
		str_cut(rest, ';', &pair, &rest);
		str_cut(str_trim(pair), '=', &name, &value);
		if (value.p != NULL && str_eq_z(name, "gatepost"))
			try_pass(v, value);
	}
}

static void
try_authorization(struct visit *v)
{
	static const char *const names[] = { "HTTP_AUTHORIZATION",
		"REDIRECT_HTTP_AUTHORIZATION" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str scheme, token;
		struct str s = request_param(v->request, names[i]);
		if (str_cut(s, ' ', &scheme, &token) &&
		    str_eq_fold(scheme, STR("Bearer")))
			try_pass(v, str_trim(token));
	}
}

void
admit_visitor(const struct app *app, struct request *r,
    const struct admit_rule *rule, int64_t now, struct admit *out)
{
	struct visit v = {
		.app = app, .request = r, .rule = rule, .now = now, .out = out
	};
	*out = (struct admit){ .answer = ADMIT_NO_PASS };
	try_cookies(&v);
	try_authorization(&v);
}
