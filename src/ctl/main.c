#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "ctl/ctl.h"

enum { MEMORY_MAX = 1 << 30 };

#define ADDRESS(name) &ctl_##name,
static const struct ctl_command *const commands[] = { CTL_COMMANDS(ADDRESS) };
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
print_help(struct buf *b)
{
	buf_addz(
	    b, "usage: gatepost [-c FILE] COMMAND [--json] [ARGUMENT …]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		buf_addf(b, "  %-13s %-24s %s\n", commands[i]->name,
		    commands[i]->args, commands[i]->help);
	buf_addz(b,
	    "\nThe configuration is the first found of -c FILE, "
	    "$GATEPOST_CONFIG,\n./gatepost.conf, " SYSCONFDIR
	    "/gatepost/gatepost.conf.\n"
	    "Exit: 0 yes, 1 no, 2 wrong usage, 3 the system failed.\n"
	    "'gatepost COMMAND --help' lists a command's options; "
	    "gatepost(1) tells more.\n");
}

static void
print_command_help(struct buf *b, const struct ctl_command *c)
{
	buf_addf(b, "usage: gatepost [-c FILE] %s%s%s\n%s\n", c->name,
	    c->args[0] != '\0' ? " " : "", c->args, c->help);
	const struct ctl_option *o = ctl_options(c);
	for (; o != NULL && o->name != NULL; o++) {
		char left[64];
		snprintf(left, sizeof(left), "--%s%s%s", o->name,
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "");
		buf_addf(b, "  %-24s %s\n", left, o->help);
	}
	buf_addz(b, "  --json                   print JSON where it lists\n");
}

static const struct ctl_command *
find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* "--name", "--name=value" or "--name value". Returns how many words it
 * took, 0 with an error. */
static int
take_option(struct ctl *ctl, char **argv, struct err *e)
{
	struct str name, value;
	int has = str_cut(str_from(argv[0] + 2), '=', &name, &value);
	const struct ctl_option *o = ctl_options(ctl->command);
	for (int i = 0; o != NULL && o[i].name != NULL; i++) {
		if (!str_eq_z(name, o[i].name))
			continue;
		const char *v = has ? value.p : NULL;
		int words = 1;
		if (o[i].value != NULL && !has) {
			v = argv[1];
			words = 2;
		}
		if (o[i].value != NULL && v == NULL) {
			err_set(e, ERR_USAGE, "--%s takes a value: --%s %s",
			    o[i].name, o[i].name, o[i].value);
			return 0;
		}
		if (o[i].value == NULL && has) {
			err_set(e, ERR_USAGE, "--%s takes no value", o[i].name);
			return 0;
		}
		if (ctl->n_given == CTL_VALUES_MAX) {
			err_set(e, ERR_USAGE, "more than %d options",
			    CTL_VALUES_MAX);
			return 0;
		}
		ctl->given[ctl->n_given].option = i;
		ctl->given[ctl->n_given++].value = v == NULL ? "" : v;
		return words;
	}
	err_set(e, ERR_USAGE, "%s has no option --%.*s; see gatepost %s --help",
	    ctl->command->name, STR_ARG(name), ctl->command->name);
	return 0;
}

static int
parse_arguments(struct ctl *ctl, char **argv, int *help, struct err *e)
{
	int plain = 0;
	while (*argv != NULL) {
		const char *word = *argv;
		if (!plain && strcmp(word, "--") == 0) {
			plain = 1;
		} else if (!plain && strcmp(word, "--json") == 0) {
			ctl->json = 1;
		} else if (!plain &&
		    (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
			*help = 1;
		} else if (!plain && strcmp(word, "-c") == 0 &&
		    argv[1] != NULL) {
			ctl->config_option = *++argv;
		} else if (!plain && strncmp(word, "--", 2) == 0) {
			int n = take_option(ctl, argv, e);
			if (n == 0)
				return -1;
			argv += n;
			continue;
		} else if (ctl->n_rest < CTL_VALUES_MAX) {
			ctl->rest[ctl->n_rest++] = word;
		}
		argv++;
	}
	if (!*help &&
	    (ctl->n_rest < ctl->command->min_rest ||
		ctl->n_rest > ctl->command->max_rest))
		return err_set(e, ERR_USAGE, "usage: gatepost %s%s%s",
		    ctl->command->name, ctl->command->args[0] ? " " : "",
		    ctl->command->args);
	return 0;
}

static enum ctl_exit
say(struct ctl *ctl, enum ctl_exit code, const struct err *e)
{
	struct err lost = { .code = ERR_NONE };
	if (ctl_flush(ctl, &lost) != 0 && lost.code != ERR_NONE)
		code = CTL_SYSTEM;
	if (e->code != ERR_NONE) {
		struct buf line;
		buf_init(&line, 65536);
		buf_addz(&line, "gatepost: ");
		buf_add_visible(&line, str_from(e->text));
		buf_addc(&line, '\n');
		const char *as_whom = ctl_as_whom(ctl, e);
		if (as_whom != NULL) {
			buf_addz(&line,
			    "gatepost: run it as the user whose "
			    "file that is: ");
			buf_add_visible(&line, str_from(as_whom));
			buf_addc(&line, '\n');
		}
		file_write(STDERR_FILENO, buf_str(&line));
		buf_free(&line);
	}
	return code;
}

static enum ctl_exit
run(struct ctl *ctl, char **argv, struct err *e)
{
	int help = 0;
	for (; *argv != NULL && (*argv)[0] == '-'; argv++) {
		if (strcmp(*argv, "-c") == 0 && argv[1] != NULL) {
			ctl->config_option = *++argv;
		} else if (strcmp(*argv, "-V") == 0 ||
		    strcmp(*argv, "--version") == 0) {
			buf_addz(&ctl->out, "gatepost " PACKAGE_VERSION "\n");
			return CTL_YES;
		} else if (strcmp(*argv, "-h") == 0 ||
		    strcmp(*argv, "--help") == 0) {
			print_help(&ctl->out);
			return CTL_YES;
		} else {
			err_set(e, ERR_USAGE,
			    "%s: no such option; see gatepost --help", *argv);
			return CTL_USAGE;
		}
	}
	if (*argv != NULL && strcmp(*argv, "help") == 0 && argv[1] != NULL &&
	    find_command(argv[1]) != NULL) {
		print_command_help(&ctl->out, find_command(argv[1]));
		return CTL_YES;
	}
	if (*argv == NULL || strcmp(*argv, "help") == 0) {
		print_help(&ctl->out);
		return *argv == NULL ? CTL_USAGE : CTL_YES;
	}
	ctl->command = find_command(*argv);
	if (ctl->command == NULL) {
		err_set(e, ERR_USAGE, "%s: no such command; see gatepost help",
		    *argv);
		return CTL_USAGE;
	}
	if (parse_arguments(ctl, argv + 1, &help, e) != 0)
		return CTL_USAGE;
	if (help) {
		print_command_help(&ctl->out, ctl->command);
		return CTL_YES;
	}
	enum ctl_exit code = ctl->command->run(ctl, e);
	return e->code != ERR_NONE ? ctl_fail(e) : code;
}

int
main(int argc, char **argv)
{
	struct err err = { 0 };
	struct ctl *ctl = calloc(1, sizeof(*ctl));
	if (argc < 1 || ctl == NULL)
		return CTL_SYSTEM;
	/* everything made here holds secrets or buyers' data */
	umask(0077);
	ctl->program = argv[0];
	ctl->arena = arena_new(MEMORY_MAX);
	buf_init(&ctl->out, CTL_OUT_MAX);
	enum ctl_exit code = CTL_SYSTEM;
	if (ctl->arena == NULL)
		err_set(&err, ERR_MEMORY, "out of memory");
	else if (crypto_init(&err) == 0)
		code = run(ctl, argv + 1, &err);
	code = say(ctl, code, &err);
	store_close(ctl->store);
	config_free(ctl->config);
	arena_free(ctl->arena);
	buf_free(&ctl->out);
	free(ctl);
	return (int)code;
}
