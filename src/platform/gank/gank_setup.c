#include "platform/gank/gank.h"

#define TRIGGER "https://api-v2.ganknow.com/payment/webhook/gank/test-trigger"

const struct platform_setting gank_settings[] = {
	{ .option = "gank-secret-file",
	    .key = "secrets",
	    .is_list = 1,
	    .is_secret = 1,
	    .help = "a file with the secret of Gank's webhook page",
	    .question = "Gank's webhook secret",
	    .about = "Gank signs each delivery with it. If you sell at Gank:\n"
		     "  1. Creator Settings, Widgets, Payment Webhook.\n"
		     "  2. Put this into the field for the URL, and save:\n"
		     "       {hook}\n"
		     "  3. Copy the secret that the page shows.\n" },
	{ .option = "gank-creator-token-file",
	    .key = "creator_token",
	    .is_secret = 1,
	    .help = "a file with a creator token of Gank" },
	{ 0 },
};

const char gank_own_test[] =
    "Gank's own test needs a membership tier, and your login token:\n"
    "  curl -X POST " TRIGGER " \\\n"
    "    -H \"Authorization: Bearer $LOGIN_TOKEN\" \\\n"
    "    -H 'Content-Type: application/json' \\\n"
    "    --data '{\"event\": \"" GANK_EVENT_MEMBERSHIP "\", "
    "\"custom_reference_id\": \"test-1\", \"target\": \"{hook}\"}'\n";

void
gank_setup(
    const struct platform *p, const struct platform_site *site, struct buf *b)
{
	buf_addf(b,
	    "Gank\n  1. Creator Settings > Widgets > Payment Webhook. One URL "
	    "per account: a new one\n     replaces the old.\n"
	    "       %.*s/hooks/%s\n",
	    STR_ARG(site->base), p->name);
	if (site->secret.p == NULL)
		buf_addf(b,
		    "  2. Put the secret shown there into the configuration: "
		    "%s { %s = { '…' } }\n     Until then deliveries "
		    "are answered 503.\n",
		    p->name, p->secrets_key);
	else
		buf_addz(b, "  2. Its secret is in the configuration.\n");
	buf_addf(b,
	    "  3. Gank's own test, signed with that secret (needs one "
	    "membership tier):\n"
	    "       curl -X POST "
	    "https://api-v2.ganknow.com/payment/webhook/gank/test-trigger \\\n"
	    "         -H \"Authorization: Bearer $LOGIN_TOKEN\" -H "
	    "'Content-Type: application/json' \\\n"
	    "         --data '{\"event\": \"" GANK_EVENT_MEMBERSHIP "\", "
	    "\"custom_reference_id\": \"test-1\", \"target\": "
	    "\"%.*s/hooks/%s\"}'\n"
	    "  4. Digital goods are sent only after you asked Gank to switch "
	    "them on.\n"
	    "  5. A creator token (dashboard, Payment Widget) as %s { %s }: "
	    "a member whose\n     payment got lost is found in the list of "
	    "members. A new one ends the old.\n",
	    STR_ARG(site->base), p->name, p->name, p->api->token_key);
}
