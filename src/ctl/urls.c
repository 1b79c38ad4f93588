#include "ctl/ctl.h"

static const char *const gumroad_resources[] = { "refund", "dispute",
	"dispute_won", "cancellation", "subscription_updated",
	"subscription_ended", "subscription_restarted" };

/* https://example.org -> https://gatepost:TOKEN@example.org */
static void
add_basic_url(struct buf *b, struct str base, struct str token)
{
	const char *slashes = strstr(base.p, "://");
	size_t scheme = slashes == NULL ? 0 : (size_t)(slashes - base.p) + 3;
	buf_addf(b, "%.*sgatepost:%.*s@%.*s/hooks/gumroad", (int)scheme, base.p,
	    STR_ARG(token), (int)(base.n - scheme), base.p + scheme);
}

static void
add_gumroad(struct buf *b, struct str base, const struct config_platform *c)
{
	buf_addz(b, "Gumroad\n");
	if (c->secrets.n == 0) {
		buf_addz(b,
		    "  not set up: put gumroad { tokens = { '…' } } "
		    "into the configuration\n\n");
		return;
	}
	struct str token = c->secrets.v[0];
	buf_addz(b,
	    "  1. Settings > Advanced > Ping endpoint. It carries "
	    "sales only.\n       ");
	add_basic_url(b, base, token);
	buf_addz(b,
	    "\n     or, where a form takes no user and password:\n"
	    "       ");
	buf_addf(b, "%.*s/hooks/gumroad/%.*s\n", STR_ARG(base), STR_ARG(token));
	buf_addz(b,
	    "  2. Refunds, disputes, cancellations: once each, with an access "
	    "token of an\n     application of yours (Settings > Advanced > "
	    "Applications; scope view_sales).\n     Twice would double every "
	    "ping; 'sale' is not among them for the same reason.\n");
	for (size_t i = 0;
	     i < sizeof(gumroad_resources) / sizeof(gumroad_resources[0]);
	     i++) {
		buf_addf(b,
		    "       curl -X PUT "
		    "https://api.gumroad.com/v2/resource_subscriptions \\\n"
		    "         -H \"Authorization: Bearer $ACCESS_TOKEN\" -d "
		    "resource_name=%s \\\n         --data-urlencode "
		    "'post_url=",
		    gumroad_resources[i]);
		add_basic_url(b, base, token);
		buf_addz(b, "'\n");
	}
	buf_addf(b,
	    "  3. Your links carry your own user id: "
	    "https://SELLER.gumroad.com/l/PRODUCT?%.*s=42\n\n",
	    STR_ARG(c->reference));
}

static void
add_gank(struct buf *b, struct str base, const struct config_platform *c)
{
	buf_addf(b,
	    "Gank\n  1. Creator Settings > Widgets > Payment Webhook. One URL "
	    "per account: a new one\n     replaces the old.\n"
	    "       %.*s/hooks/gank\n",
	    STR_ARG(base));
	if (c->secrets.n == 0)
		buf_addz(b,
		    "  2. Put the secret shown there into the configuration: "
		    "gank { secrets = { '…' } }\n     Until then deliveries "
		    "are answered 503.\n");
	else
		buf_addz(b, "  2. Its secret is in the configuration.\n");
	buf_addf(b,
	    "  3. Gank's own test, signed with that secret (needs one "
	    "membership tier):\n"
	    "       curl -X POST "
	    "https://api-v2.ganknow.com/payment/webhook/gank/test-trigger \\\n"
	    "         -H \"Authorization: Bearer $LOGIN_TOKEN\" -H "
	    "'Content-Type: application/json' \\\n"
	    "         --data '{\"event\": \"USER_MEMBERSHIP.TX_SUCCEED\", "
	    "\"custom_reference_id\": \"test-1\", \"target\": "
	    "\"%.*s/hooks/gank\"}'\n"
	    "  4. Digital goods are sent only after you asked Gank to switch "
	    "them on.\n",
	    STR_ARG(base));
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return CTL_SYSTEM;
	struct str base = c->public_url;
	if (base.p == NULL) {
		buf_addz(&ctl->out,
		    "public_url is not set in the "
		    "configuration: put your own address in "
		    "place of YOUR-SITE.\n\n");
		base = STR("https://YOUR-SITE");
	}
	base = str_from(str_z(ctl->arena, base));
	add_gumroad(
	    &ctl->out, base, &c->platforms[platform_index(&platform_gumroad)]);
	add_gank(
	    &ctl->out, base, &c->platforms[platform_index(&platform_gank)]);
	return CTL_YES;
}

const struct ctl_command ctl_urls = {
	.name = "urls",
	.args = "",
	.help = "what to paste where, secrets included",
	.run = run,
};
