#include "ctl/ctl.h"

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
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct config_list *secrets = &c->platforms[i].secrets;
		const struct platform_site site = { .base = base,
			.secret = secrets->n > 0 ? secrets->v[0] : STR_NONE,
			.reference = c->platforms[i].reference };
		platforms[i]->setup(platforms[i], &site, &ctl->out);
	}
	return CTL_YES;
}

const struct ctl_command ctl_urls = {
	.name = "urls",
	.args = "",
	.help = "what to paste where, secrets included",
	.run = run,
};
