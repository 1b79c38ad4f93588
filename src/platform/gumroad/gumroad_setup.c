#include "platform/gumroad/gumroad.h"

#include <string.h>

const char *const gumroad_extra_kinds[] = { "refund", "dispute", "dispute_won",
	"cancellation", "subscription_updated", "subscription_ended",
	"subscription_restarted", NULL };

const struct platform_setting gumroad_settings[] = {
	/* before the token, which is tried at once */
	{ .option = "gumroad-api",
	    .key = "api",
	    .help = "another address of Gumroad's API, for tests" },
	{ .option = "gumroad-token-file",
	    .key = "api_token",
	    .is_secret = 1,
	    .help = "a file with an access token of the Gumroad account",
	    .question = "Gumroad's access token",
	    .about =
		"With a token of your account, Gatepost registers for refunds "
		"and cancellations,\nimports earlier sales, and finds "
		"deliveries that got lost. Without one, it knows\nonly the "
		"sales that Gumroad posts to it.\n"
		"Gumroad, Settings, Advanced, Applications: create one, then "
		"\"Generate access\ntoken\". That token can do all that you "
		"can; gatepost-truth(7) says how to\nget one that can only "
		"read sales.\n" },
	{ 0 },
};

const char gumroad_own_test[] =
    "Gumroad, Settings, Advanced: put this into \"Ping endpoint\", save, and "
    "press\n\"Send test ping\" beside it:\n  {hook}\n"
    "Gumroad sends nothing while the account has no sale.\n";

/* https://example.org -> https://gatepost:TOKEN@example.org/hooks/gumroad */
static void
add_basic_url(
    struct buf *b, const struct platform *p, const struct platform_site *site)
{
	struct str base = site->base;
	const char *slashes = memmem(base.p, base.n, "://", 3);
	size_t scheme = slashes == NULL ? 0 : (size_t)(slashes - base.p) + 3;
	buf_addf(b, "%.*sgatepost:%.*s@%.*s/hooks/%s", (int)scheme, base.p,
	    STR_ARG(site->secret), (int)(base.n - scheme), base.p + scheme,
	    p->name);
}

void
gumroad_setup(
    const struct platform *p, const struct platform_site *site, struct buf *b)
{
	buf_addz(b, "Gumroad\n");
	if (site->secret.p == NULL) {
		buf_addf(b,
		    "  not set up: put %s { %s = { '…' } } into the "
		    "configuration\n\n",
		    p->name, p->secrets_key);
		return;
	}
	buf_addz(b,
	    "  1. Settings > Advanced > Ping endpoint. It carries "
	    "sales only.\n       ");
	add_basic_url(b, p, site);
	buf_addf(b,
	    "\n     or, where a form takes no user and password:\n"
	    "       %.*s/hooks/%s/%.*s\n",
	    STR_ARG(site->base), p->name, STR_ARG(site->secret));
	buf_addz(b,
	    "  2. Refunds, disputes, cancellations: once each, with an access "
	    "token of an\n     application of yours (Settings > Advanced > "
	    "Applications; scope view_sales).\n     Twice would double every "
	    "ping; 'sale' is not among them for the same reason.\n");
	for (size_t i = 0; gumroad_extra_kinds[i] != NULL; i++) {
		buf_addf(b,
		    "       curl -X PUT "
		    "https://api.gumroad.com/v2/resource_subscriptions \\\n"
		    "         -H \"Authorization: Bearer $ACCESS_TOKEN\" -d "
		    "resource_name=%s \\\n         --data-urlencode "
		    "'post_url=",
		    gumroad_extra_kinds[i]);
		add_basic_url(b, p, site);
		buf_addz(b, "'\n");
	}
	buf_addf(b,
	    "  3. Your links carry your own user id: "
	    "https://SELLER.gumroad.com/l/PRODUCT?%.*s=42\n\n",
	    STR_ARG(site->reference));
}
