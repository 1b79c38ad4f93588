#include "ctl/ctl.h"

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct store *s = ctl_store(ctl, STORE_READ, e);
	if (s == NULL || store_backup(s, ctl->rest[0], e) != 0)
		return CTL_SYSTEM;
	buf_addf(&ctl->out, "%s written\n", ctl->rest[0]);
	return CTL_YES;
}

const struct ctl_command ctl_backup = {
	.name = "backup",
	.args = "FILE",
	.help = "copy the database to a new file while the server runs",
	.min_rest = 1,
	.max_rest = 1,
	.run = run,
};
