#include <grp.h>

#include "action/address.h"
#include "health/look.h"

static void
note(struct health *h, enum finding_id id, const char *text)
{
	health_say(h, FINDING_NOTE, id, NULL, text);
}

static void
look_at_platform(struct health *h, size_t i)
{
	const struct platform *p = platforms[i];
	struct arena *a = h->arena;
	if (h->config->platforms[i].secrets.n == 0)
		health_say(h, FINDING_NOTE, FINDING_platform, p->name,
		    arena_printf(a,
			"%s has no %s: its deliveries are answered 503",
			p->name, p->secrets_key));
	else if (p->words.limits != NULL)
		health_say(h, FINDING_NOTE, FINDING_platform, p->name,
		    p->words.limits);
	if (h->config->rules.accept_test[i])
		health_say(h, FINDING_NOTE, FINDING_tests, p->name,
		    arena_printf(a,
			"%s.accept_test is on: test purchases give access",
			p->name));
}

static void
look_at_address(struct health *h, struct str url)
{
	if (url.p == NULL)
		note(h, FINDING_public_url,
		    "public_url is not set: 'gatepost urls' cannot tell whole "
		    "addresses");
	int port;
	if (str_starts(url, STR("http://")) &&
	    !address_is_inside(address_host(url.p, &port)))
		note(h, FINDING_public_url,
		    "public_url is http: tokens would travel in clear; use "
		    "https");
}

int
look_settings(struct health *h, struct err *e)
{
	const struct config *c = h->config;
	size_t known = 0;
	(void)e;
	health_say(h, FINDING_OK, FINDING_settings, NULL,
	    arena_printf(h->arena, "config %s", c->file));
	for (size_t i = 0; i < c->n_warnings; i++) {
		int is_problem = (c->problems & UINT32_C(1) << i) != 0;
		health_say(h, is_problem ? FINDING_PROBLEM : FINDING_NOTE,
		    FINDING_settings, c->warnings[i], c->warnings[i]);
	}
	look_at_address(h, c->public_url);
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		known += c->platforms[i].secrets.n;
	if (known == 0)
		health_say(h, FINDING_PROBLEM, FINDING_secrets, NULL,
		    "no platform has a token or secret: every delivery would "
		    "be refused");
	if (c->listen_group != NULL && getgrnam(c->listen_group) == NULL)
		health_say(h, FINDING_PROBLEM, FINDING_settings, "listen_group",
		    arena_printf(h->arena,
			"listen_group: there is no group %s here: "
			"gatepost.fcgi would not start",
			c->listen_group));
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		look_at_platform(h, i);
	if (c->rules.n_tiers == 0)
		note(h, FINDING_tiers,
		    "no tier is configured: a purchase gives a tier of the "
		    "platform's own name, rank 0");
	if (c->api_keys.n == 0)
		note(h, FINDING_api_keys, "no api_keys: /v1/ answers nobody");
	return 0;
}
