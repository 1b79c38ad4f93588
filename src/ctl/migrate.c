#include "commit/project.h"
#include "ctl/ctl.h"

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	int made = 0;
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return CTL_SYSTEM;
	if (store_open(c->database, STORE_CREATE, &ctl->store, e) != 0 ||
	    store_migrate(ctl->store, &made, e) != 0 ||
	    project_tiers(ctl->store, c, e) != 0)
		return CTL_SYSTEM;
	char shown[STORE_SHOWN_MAX];
	buf_addf(&ctl->out, "%s is ready\n", store_shown(c->database, shown));
	return CTL_YES;
}

const struct ctl_command ctl_migrate = {
	.name = "migrate",
	.args = "",
	.help = "create what is missing in the database",
	.run = run,
};
