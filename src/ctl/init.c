#include <errno.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "setup/database.h"
#include "setup/settings.h"

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	const char *dir = ctl->n_rest > 0 ? ctl->rest[0] : ".";
	const char *url = ctl_get(ctl, "public-url");
	if (url != NULL && strncmp(url, "http://", 7) != 0 &&
	    strncmp(url, "https://", 8) != 0) {
		err_set(e, ERR_USAGE,
		    "--public-url begins with https:// (or http://)");
		return CTL_USAGE;
	}
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		err_set(e, ERR_SYSTEM, "%s: %s", dir, strerror(errno));
		return CTL_SYSTEM;
	}
	char *path = arena_printf(ctl->arena, "%s/gatepost.conf", dir);
	if (settings_make(path, ctl_get(ctl, "database"), url, NULL, e) != 0) {
		if (e->code == ERR_CONFLICT)
			err_set(e, ERR_INPUT,
			    "%s is there already and stays as it is: change "
			    "it, or take it away first; 'gatepost migrate' "
			    "makes a missing database",
			    path);
		return CTL_SYSTEM;
	}
	ctl->config_option = path;
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL || database_make(c, ctl->arena, &ctl->store, e) != 0) {
		/* or the next try would find it there */
		remove(path);
		return CTL_SYSTEM;
	}
	buf_addf(&ctl->out,
	    "%s written, with fresh secrets\n%s created\n\n"
	    "Next: %s\n"
	    "  gatepost -c %s urls     what to paste where\n"
	    "  gatepost -c %s check    whether all is well\n"
	    "The web program has to run as the owner of these files.\n",
	    path, c->database,
	    url == NULL ? "set public_url in it, then" : "see", path, path);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "public-url", "URL", "where your web server answers" },
	{ "database", "FILE", "the database, if not gatepost.db beside it" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_init = {
	.name = "init",
	.args = "[DIR]",
	.help = "write a commented config with fresh secrets, and a database",
	.options = options,
	.max_rest = 1,
	.run = run,
};
