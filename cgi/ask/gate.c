#include "cgi/ask/gate.h"

#include <string.h>

#include "base/time.h"
#include "cgi/ask/admit.h"
#include "cgi/ask/ask.h"
#include "cgi/web/count.h"
#include "cgi/web/refused.h"

/*
 * /gate: may whoever carries this pass go on? For nginx's auth_request, which
 * knows 2xx, 401 and 403 and makes 500 of anything else, and for Apache's
 * mod_authnz_fcgi, which asks an authorizer. Only a decision opens: every way
 * out of this file that is none is a 403.
 */
enum { GATE_VALUE_MAX = 3 * 255 }; /* bytes of a header, encoded */

void
gate_refuse(struct reply *p)
{
	reply_empty(p, 403);
}

/* ---- what is asked ---- */

static int
read_rule(struct request *r, char plus, struct admit_rule *rule)
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
find_rule(struct request *r, struct admit_rule *rule)
{
	const char *const *at = r->params;
	struct str set = request_param_next(&at, "GATEPOST_GATE");
	struct str second = request_param_next(&at, "GATEPOST_GATE");
	if (r->is_authorizer && (set.p == NULL || second.p != NULL))
		return -1;
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
rule_is_known(const struct tier_rules *rules, const struct admit_rule *rule)
{
	if (rule->tier.p != NULL)
		return 1;
	for (size_t i = 0; i < rules->n_tiers; i++)
		for (size_t k = 0; k < rules->tiers[i].n_allows; k++)
			if (str_eq(rules->tiers[i].allows[k], rule->allow))
				return 1;
	return 0;
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

enum { SAYS_USER, SAYS_BY, SAYS_TIER, SAYS_UNTIL, SAYS__MAX };
static const char *const headers[SAYS__MAX] = { "X-Gatepost-User",
	"X-Gatepost-By", "X-Gatepost-Tier", "X-Gatepost-Until" };
/* Apache makes environment variables of these. */
static const char *const variables[SAYS__MAX] = { "Variable-GATEPOST_USER",
	"Variable-GATEPOST_BY", "Variable-GATEPOST_TIER",
	"Variable-GATEPOST_UNTIL" };

static void
reply_open(const struct admit *v, int authorizes, struct reply *p)
{
	char until[TIME_TEXT_MAX];
	const struct access_key *key = &v->key;
	const char *const *names = authorizes ? variables : headers;
	reply_empty(p, authorizes ? 200 : 204);
	add_header(p, names[SAYS_USER],
	    key->by == STORE_BY_BUYER ? key->value : key->id);
	add_header(p, names[SAYS_BY], str_from(key->word));
	if (!v->is_known)
		return;
	add_header(p, names[SAYS_TIER], v->access.tier);
	if (v->access.until == STORE_NULL)
		add_header(p, names[SAYS_UNTIL], STR(""));
	else
		add_header(p, names[SAYS_UNTIL],
		    str_from(time_text(v->access.until, until)));
}

static enum count_gate
counted(const struct admit *v)
{
	if (v->answer == ADMIT_OPEN)
		return v->is_known ? COUNT_GATE_OPEN : COUNT_GATE_ERROR_OPEN;
	if (v->answer == ADMIT_UNKNOWN)
		return COUNT_GATE_ERROR_CLOSED;
	return v->answer == ADMIT_CLOSED ? COUNT_GATE_CLOSED
					 : COUNT_GATE_NO_PASS;
}

void
gate_any(const struct app *app, struct request *r, struct reply *p)
{
	struct admit_rule rule;
	struct admit v;
	gate_refuse(p);
	/* Apache hands on to the visitor, with the page that was asked for,
	 * whatever other headers there are */
	p->bare = r->is_authorizer;
	if (find_rule(r, &rule) != 0 ||
	    !rule_is_known(&app->config->rules, &rule)) {
		refused_log(LOG_WARNING,
		    "gate: no rule: exactly one of tier and allow, and a word "
		    "that some tier allows");
		count_gate(COUNT_GATE_NO_RULE);
		return;
	}
	admit_visitor(app, r, &rule, time_now(), &v);
	if (arena_failed(r->arena)) {
		count_gate(COUNT_GATE_ERROR_CLOSED);
		return;
	}
	if (v.answer == ADMIT_OPEN) {
		reply_open(&v, r->is_authorizer, p);
	} else if (v.answer == ADMIT_NO_PASS) {
		reply_empty(p, 401);
		reply_header(p, "WWW-Authenticate", STR("Bearer"));
	}
	/* what comes to nothing now becomes the router's 403 */
	count_gate(reply_ok(p) ? counted(&v) : COUNT_GATE_ERROR_CLOSED);
}
