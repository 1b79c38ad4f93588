#include "person/erase.h"

#include "base/jsonw.h"
#include "base/time.h"
#include "access/access.h"
#include "ctl/ctl.h"

enum { PATIENCE_MS = 30000 };

static void
print_text(struct buf *b, const struct erase_result *r, int dry_run)
{
	buf_addf(b,
	    "%s%lld deliveries of %lld subjects rewritten without the person\n"
	    "%lld deliveries about others lost the address\n"
	    "%lld events by hand emptied, or relieved of their note\n",
	    dry_run ? "nothing was changed; this would be:\n" : "",
	    (long long)r->events, (long long)r->subjects,
	    (long long)r->mentions, (long long)r->by_hand);
	if (dry_run)
		return;
	buf_addf(b, "%lld jobs deleted\n", (long long)r->jobs);
	if (r->resumed)
		buf_addz(
		    b, "an earlier run was interrupted; it is finished now\n");
	buf_addz(b,
	    "backups made before, and the web server's logs, still hold the "
	    "person: delete them when you may\n");
}

static void
print_json(struct buf *b, const struct erase_result *r, int dry_run)
{
	jsonw_open(b, '{');
	jsonw_bool(b, "dry_run", dry_run);
	jsonw_int(b, "subjects", r->subjects);
	jsonw_int(b, "events", r->events);
	jsonw_int(b, "mentions", r->mentions);
	jsonw_int(b, "by_hand", r->by_hand);
	jsonw_int(b, "jobs", r->jobs);
	jsonw_bool(b, "resumed", r->resumed);
	jsonw_close(b, '}');
	buf_addc(b, '\n');
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	const char *user = ctl_get(ctl, "user"), *email = ctl_get(ctl, "email");
	int dry_run = ctl_get(ctl, "dry-run") != NULL;
	struct access_key key;
	struct erase_result r;
	if ((user == NULL) == (email == NULL)) {
		err_set(e, ERR_USAGE, "give --email or --user, one of them");
		return CTL_USAGE;
	}
	if (ctl_key(ctl, &key, e) != 0)
		return CTL_USAGE;
	struct erase_who who = { .by = key.by, .id = key.id };
	struct store *s = ctl_store(ctl, dry_run ? STORE_READ : STORE_WRITE, e);
	if (s == NULL)
		return CTL_SYSTEM;
	store_patience(s, PATIENCE_MS);
	if (erase_person(s, ctl->config, &who, dry_run, time_now(), &r, e) !=
	    0) {
		err_prefix(e, "not finished, run it again");
		return CTL_SYSTEM;
	}
	if (r.events + r.mentions + r.by_hand == 0 && !r.resumed) {
		err_set(e, ERR_ABSENT, "nothing here names them");
		return CTL_NO;
	}
	if (ctl->json)
		print_json(&ctl->out, &r, dry_run);
	else
		print_text(&ctl->out, &r, dry_run);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "email", "ADDRESS", "the buyer's e-mail" },
	{ "user", "ID", "your own user id" },
	{ "dry-run", NULL, "count what would change; change nothing" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_erase = {
	.name = "erase",
	.args = "--email ADDRESS|--user ID",
	.help = "take a person out of the database; sums stay",
	.options = options,
	.run = run,
};
