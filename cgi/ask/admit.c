#include "cgi/ask/admit.h"

#include "base/log.h"
#include "cgi/server/reader.h"
#include "cgi/web/visitor.h"

struct visit {
	const struct app *app;
	struct request *request;
	const struct admit_rule *rule;
	int64_t now;
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
		return err.code != ERR_MEMORY && config->gate_open_on_error &&
			!pass_is_visitor(&pass->key)
		    ? ADMIT_OPEN
		    : ADMIT_UNKNOWN;
	}
	if (!pass_is_good(pass, x.passes_from))
		return ADMIT_NO_PASS;
	if (!opens(v, &x))
		return ADMIT_CLOSED;
	v->out->access = x;
	v->out->is_known = 1;
	return ADMIT_OPEN;
}

void
admit_visitor(const struct app *app, struct request *r,
    const struct admit_rule *rule, int64_t now, struct admit *out)
{
	struct visit v = {
		.app = app, .request = r, .rule = rule, .now = now, .out = out
	};
	struct visitor visitor;
	*out = (struct admit){ .answer = ADMIT_NO_PASS };
	visitor_read(&visitor, app, r, now);
	for (size_t i = 0; i < visitor.n && out->answer != ADMIT_OPEN; i++) {
		enum admit_answer answer = ask(&v, &visitor.v[i].pass);
		if (answer > out->answer)
			out->answer = answer;
		if (answer == ADMIT_OPEN)
			out->key = visitor.v[i].pass.key;
	}
}
