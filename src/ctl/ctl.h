#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"
#include "store/store.h"

/*
 * The room ctl: the command line. In: arguments. Out: text or JSON, and an exit
 * status. A command is a const struct ctl_command at the end of a file, which
 * may hold some that belong together (manual.c: grant, revoke, link, void), and
 * one line in the list below; the list gives dispatch and help. A command
 * builds its answer in ctl->out, which main prints.
 */
enum ctl_exit {
	CTL_YES = 0,
	CTL_NO = 1, /* no, not found, does not verify */
	CTL_USAGE = 2,
	CTL_SYSTEM = 3, /* config, database, file, network */
};

enum { CTL_OPTIONS_MAX = 16, CTL_VALUES_MAX = 64, CTL_OUT_MAX = 1 << 30 };

struct ctl_option {
	const char *name; /* "limit": --limit */
	const char *value; /* "N"; NULL: takes none */
	const char *help;
};

struct ctl_command;

struct ctl {
	const char *program; /* argv[0] */
	const char *config_option; /* -c, or NULL */
	int json; /* --json */
	struct arena *arena;
	struct buf out; /* standard output */
	const struct ctl_command *command;
	/* as given, in order: indexes into command->options */
	struct {
		int option;
		const char *value;
	} given[CTL_VALUES_MAX];
	size_t n_given;
	const char *rest[CTL_VALUES_MAX];
	size_t n_rest;
	const char *file; /* the configuration's, by ctl_config */
	struct config *config; /* by ctl_config */
	struct store *store; /* by ctl_store */
};

struct ctl_command {
	const char *name;
	const char *args; /* "ID", "[FILE]" */
	const char *help; /* one line */
	const struct ctl_option *options; /* ended by name NULL; or NULL */
	const struct ctl_option *(*options_of)(void); /* the same, made */
	size_t min_rest, max_rest;
	enum ctl_exit (*run)(struct ctl *ctl, struct err *e);
};

/* clang-format off: it lays out a list of calls anew each time */
#define CTL_COMMANDS(X) \
	X(setup) \
	X(init) \
	X(urls) \
	X(check) \
	X(doctor) \
	X(events) \
	X(event) \
	X(purchases) \
	X(subscriptions) \
	X(members) \
	X(export) \
	X(sql) \
	X(access) \
	X(explain) \
	X(decode) \
	X(sign) \
	X(verify) \
	X(trigger) \
	X(replay) \
	X(rebuild) \
	X(grant) \
	X(revoke) \
	X(link) \
	X(unlink) \
	X(void) \
	X(pass) \
	X(outbox) \
	X(register) \
	X(import) \
	X(reconcile) \
	X(work) \
	X(erase) \
	X(migrate) \
	X(backup) \
	X(restore) \
	X(copy)
/* clang-format on */

#define CTL_DECLARE(name) extern const struct ctl_command ctl_##name;
CTL_COMMANDS(CTL_DECLARE)

const struct ctl_option *ctl_options(const struct ctl_command *c);
/* The last value given for an option, "" for one without value, or NULL. */
const char *ctl_get(const struct ctl *ctl, const char *option);
/* The nth value of an option that may be repeated, or NULL. */
const char *ctl_nth(const struct ctl *ctl, const char *option, size_t n);

/* A whole number option; fallback when it is not given. ERR_USAGE. */
int ctl_number(const struct ctl *ctl, const char *option, int64_t min,
    int64_t max, int64_t fallback, int64_t *out, struct err *e);

/* Is the option's value, when given, one of the words? The list is ended by
 * NULL. ERR_USAGE names them. */
int ctl_one_of(const struct ctl *ctl, const char *option,
    const char *const *words, struct err *e);

/* Which code an error ends with. */
enum ctl_exit ctl_fail(const struct err *e);

/* Where the configuration or the database is closed to this user: as whom to
 * run the command. NULL: that is not why it failed. */
const char *ctl_as_whom(struct ctl *ctl, const struct err *e);
/* Whose file it is; where it is root's, or cannot be seen, whose folder. */
const char *ctl_owner(struct ctl *ctl, const char *path);

/* "20261130T214500Z": sorts as the time does. NULL: out of memory. */
const char *ctl_stamp(struct ctl *ctl, int64_t t);

/* Finds and loads the configuration, once. */
const struct config *ctl_config(struct ctl *ctl, struct err *e);
/* Opens the configuration's database, once. */
struct store *ctl_store(struct ctl *ctl, enum store_mode mode, struct err *e);

/* A whole rebuild, its progress on a terminal. */
struct rebuild_result;
int ctl_rebuild_all(struct store *s, const struct config *c,
    struct rebuild_result *r, struct err *e);

/* Prints what is in ctl->out and empties it: for answers larger than memory.
 * 0, or -1: nobody reads on (e is not set), or ERR_SYSTEM. */
int ctl_flush(struct ctl *ctl, struct err *e);

/* Everything in a file, "-" or NULL is standard input; at most max bytes. */
int ctl_read(struct ctl *ctl, const char *file, size_t max, struct str *out,
    struct err *e);

/* The one identifier given by --user, --email, --buyer or --license. */
struct access_key;
#define CTL_KEY_OPTIONS \
	{ "user", "ID", "your own user id" }, \
	    { "email", "ADDRESS", "the buyer's e-mail" }, \
	    { "buyer", "PLATFORM:ID", "the platform's id of the person" }, \
	{ \
		"license", "KEY", "a licence key" \
	}
int ctl_key(struct ctl *ctl, struct access_key *out, struct err *e);

#endif
