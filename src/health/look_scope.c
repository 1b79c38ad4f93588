#include "health/look.h"
#include "truth/ask.h"

/* One question that the scope Gatepost needs does not allow. */
static void
ask(struct health *h, const struct platform *p)
{
	const struct platform_question q = { .what = ASK_MORE };
	struct platform_answer a;
	enum platform_said said;
	struct asker k;
	struct err e = { .code = ERR_NONE };
	if (asker_open(&k, h->config, p, &e) != 0)
		return;
	int rc = asker_ask(&k, &q, 1U << SAID_SCOPE, &a, &said, &e);
	if (rc != 0 && e.code == ERR_AUTH)
		health_say(h, FINDING_PROBLEM, FINDING_token, p->name,
		    arena_printf(h->arena, "%s: %s", p->name, e.text));
	else if (rc == 0 && said == SAID_FINE)
		health_say(h, FINDING_NOTE, FINDING_scope, p->name,
		    arena_printf(h->arena,
			"%s { %s } can do more than %s: whoever gets hold of "
			"it can, too. A token that can only read is better",
			p->name, p->api->token_key, p->api->scope));
	else if (rc == 0)
		health_say(h, FINDING_OK, FINDING_scope, p->name,
		    arena_printf(h->arena, "%s { %s } can only read", p->name,
			p->api->token_key));
	asker_close(&k);
}

int
look_scope(struct health *h, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (platforms[i]->api != NULL &&
		    (platforms[i]->api->asks & 1U << ASK_MORE) != 0 &&
		    h->config->platforms[i].api_token.p != NULL)
			ask(h, platforms[i]);
	return 0;
}
