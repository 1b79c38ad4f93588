#include "cgi/gate.h"

#include "base/log.h"
#include "base/time.h"
#include "cgi/count.h"
#include "cgi/reader.h"
#include "cgi/visitor.h"
#include "core/access.h"

/*
 * /gate: may whoever carries this pass go on? For nginx's auth_request, which
 * knows 2xx, 401 and 403 and makes 500 of anything else. Only a decision
 * opens: every way out of this file that is none is a 403.
 */
enum {
	GATE_VALUE_MAX = 3 * 255, /* bytes of a header, encoded */
};

enum answer {
	ANSWER_NO_PASS,
	ANSWER_CLOSED, /* a pass, and no access */
	ANSWER_OPEN,
};

struct rule {
	struct str tier; /* this, */
	struct str allow; /* or this; the other is STR_NONE */
};

struct visit {
	const struct app *app;
	struct request *request;
	struct rule rule;
	int64_t now;
	enum answer answer;
	struct access_key key; /* of the pass that opened */
	struct access access;
	int is_known; /* access was looked up */
	int failed; /* or could not be, once */
};

void
gate_refuse(struct reply *p)
{
	reply_empty(p, 403);
}

/* ---- what is asked ---- */

static int
read_rule(struct request *r, char plus, struct rule *rule)
{
	int (*query)(struct request *, const char *, struct str *) =
	    plus == '+' ? request_query_plus : request_query;
	int n_tier = query(r, "tier", &rule->tier);
	int n_allow = query(r, "allow", &rule->allow);
	return n_tier + n_allow == 1 && !arena_failed(r->arena) &&
		(n_tier == 1 ? rule->tier : rule->allow).n > 0
	    ? 0
	    : -1;
}

/* A parameter that the web server's configuration sets beats the query, which
 * a visitor may have a hand in. It is read like a query, but that a '+' is a
 * '+': who writes a configuration can write a blank. */
static int
find_rule(struct request *r, struct rule *rule)
{
	struct str set = request_param(r, "GATEPOST_GATE");
	if (set.p == NULL)
		return read_rule(r, ' ', rule);
	const char *params[] = {
		arena_printf(r->arena, "QUERY_STRING=%.*s", STR_ARG(set)), NULL
	};
	struct request asked = { .arena = r->arena, .params = params };
	return params[0] == NULL ? -1 : read_rule(&asked, '+', rule);
}

/* Could anybody pass it? A name without a tier section can be a platform's
 * own; a word that no tier allows is a slip. */
static int
rule_is_known(const struct tier_rules *rules, const struct rule *rule)
{
	if (rule->tier.p != NULL)
		return 1;
	for (size_t i = 0; i < rules->n_tiers; i++)
		for (size_t k = 0; k < rules->tiers[i].n_allows; k++)
			if (str_eq(rules->tiers[i].allows[k], rule->allow))
				return 1;
	return 0;
}

/* ---- who asks ---- */

static void
ask(struct visit *v, const struct pass *pass)
{
	const struct app *app = v->app;
	const struct tier_rules *rules = &app->config->rules;
	struct err err = { .code = ERR_NONE };
	struct access x;
	struct store *s = readers_get(app->readers, v->request->worker, &err);
	if (s == NULL ||
	    access_lookup(s, rules, &pass->key, v->now, v->request->arena, &x,
		&err) != 0) {
		log_line(LOG_ERROR, "gate: lookup failed: %s", err.text);
		readers_drop(app->readers, v->request->worker);
		v->failed = 1;
		if (err.code != ERR_MEMORY && app->config->gate_open_on_error) {
			v->answer = ANSWER_OPEN;
			v->key = pass->key;
		}
		return;
	}
	if (v->rule.tier.p != NULL ? access_allows_tier(&x, rules, v->rule.tier)
				   : access_allows(&x, v->rule.allow)) {
		v->answer = ANSWER_OPEN;
		v->key = pass->key;
		v->access = x;
		v->is_known = 1;
	}
}

/* ---- what is answered ---- */

/* Left out when it is too long: a name cut off would be another name. */
static void
add_header(struct reply *p, const char *name, struct str value)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[GATE_VALUE_MAX];
	size_t n = 0;
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		int plain = c >= 0x21 && c <= 0x7E && c != '%';
		if (n + (plain ? 1 : 3) > sizeof(text))
			return;
		if (plain) {
			text[n++] = (char)c;
			continue;
		}
		text[n++] = '%';
		text[n++] = digits[c >> 4];
		text[n++] = digits[c & 15];
	}
	reply_header(p, name, (struct str){ text, n });
}

static void
reply_open(const struct visit *v, struct reply *p)
{
	char until[TIME_TEXT_MAX];
	const struct access_key *key = &v->key;
	reply_empty(p, 204);
	add_header(p, "X-Gatepost-User",
	    key->by == STORE_BY_BUYER ? key->value : key->id);
	add_header(p, "X-Gatepost-By", str_from(key->word));
	if (!v->is_known)
		return;
	add_header(p, "X-Gatepost-Tier", v->access.tier);
	if (v->access.until == STORE_NULL)
		add_header(p, "X-Gatepost-Until", STR(""));
	else
		add_header(p, "X-Gatepost-Until",
		    str_from(time_text(v->access.until, until)));
}

static enum count_gate
counted(const struct visit *v)
{
	if (v->answer == ANSWER_OPEN)
		return v->is_known ? COUNT_GATE_OPEN : COUNT_GATE_ERROR_OPEN;
	if (v->failed)
		return COUNT_GATE_ERROR_CLOSED;
	return v->answer == ANSWER_CLOSED ? COUNT_GATE_CLOSED
					  : COUNT_GATE_NO_PASS;
}

void
gate_any(const struct app *app, struct request *r, struct reply *p)
{
	struct visit v = { .app = app,
		.request = r,
		.now = time_now(),
		.answer = ANSWER_NO_PASS };
	struct visitor visitor;
	struct pass pass;
	struct str token;
	gate_refuse(p);
	if (find_rule(r, &v.rule) != 0 ||
	    !rule_is_known(&app->config->rules, &v.rule)) {
		log_line(LOG_WARNING,
		    "gate: no rule: exactly one of tier and allow, and a word "
		    "that some tier allows");
		count_gate(COUNT_GATE_NO_RULE);
		return;
	}
	visitor_init(&visitor, app, r, v.now);
	while (
	    v.answer != ANSWER_OPEN && visitor_next(&visitor, &pass, &token)) {
		v.answer = ANSWER_CLOSED;
		ask(&v, &pass);
	}
	if (arena_failed(r->arena)) {
		count_gate(COUNT_GATE_ERROR_CLOSED);
		return;
	}
	if (v.answer == ANSWER_OPEN) {
		reply_open(&v, p);
	} else if (v.answer == ANSWER_NO_PASS) {
		reply_empty(p, 401);
		reply_header(p, "WWW-Authenticate", STR("Bearer"));
	}
	/* what comes to nothing now becomes the router's 403 */
	count_gate(reply_ok(p) ? counted(&v) : COUNT_GATE_ERROR_CLOSED);
}
