#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "commit/project.h"
#include "commit/rebuild.h"
#include "config/template.h"
#include "ctl/ctl.h"

static int
write_new(const char *path, struct str text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_INPUT,
		    "%s is there already and stays as it is: change it, or "
		    "take it away first; 'gatepost migrate' makes a missing "
		    "database",
		    path);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	ssize_t n = write(fd, text.p, text.n);
	int rc = n == (ssize_t)text.n && fsync(fd) == 0 ? 0 : -1;
	if (close(fd) != 0 || rc != 0) {
		unlink(path);
		return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	}
	return 0;
}

/* Nothing has been received: the state tables are what they have to be. */
static int
mark_built(struct ctl *ctl, struct err *e)
{
	struct rebuild_result r = { 0 };
	return rebuild_step(
	    ctl->store, ctl->config, time_now(), ctl->arena, &r, e);
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	const char *dir = ctl->n_rest > 0 ? ctl->rest[0] : ".";
	const char *url = ctl_get(ctl, "public-url");
	const struct template_values values = {
		.database = ctl_get(ctl, "database"),
		.public_url = url,
	};
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
	struct buf b;
	buf_init(&b, TEMPLATE_MAX);
	int rc = template_fill(&b, &values, NULL, e);
	if (rc == 0)
		rc = write_new(path, buf_str(&b), e);
	buf_free(&b);
	ctl->config_option = path;
	if (rc != 0)
		return CTL_SYSTEM;
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL ||
	    store_open(c->database, STORE_CREATE, &ctl->store, e) != 0 ||
	    project_tiers(ctl->store, c, e) != 0 || mark_built(ctl, e) != 0) {
		/* or the next try would find it there */
		unlink(path);
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
