#include "action/action.h"

#include "action/place.h"
#include "action/spawn.h"

enum {
	/* EX_DATAERR of sysexits.h: the program's word for "never"; all else
	 * but 0 is tried again, for who fails seldom knows why */
	EXEC_NEVER = 65,
	VALUE_MAX = 4096, /* bytes of a fact in the environment */
	OWN_MAX = 4, /* variables beside the facts */
	LINE_MAX_SAID = 160,
};

/* "GATEPOST_NAME=value". An environment holds no NUL, and a script reads
 * lines: control characters are blanks; standard input has all as it is. */
static const char *
variable(struct arena *a, const char *name, struct str value)
{
	struct buf b;
	buf_init(&b, ACTION_NAME_MAX + 2 * VALUE_MAX);
	buf_addz(&b, "GATEPOST_");
	for (; *name != '\0'; name++)
		buf_addc(&b,
		    *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A')
						 : *name);
	buf_addc(&b, '=');
	if (value.n > VALUE_MAX) {
		value.n = VALUE_MAX;
		while (value.n > 0 &&
		    ((unsigned char)value.p[value.n] & 0xC0) == 0x80)
			value.n--;
	}
	place_value(&b, value, PLACE_TEXT);
	return buf_take(&b, a).p;
}

static const char *const *
make_env(struct arena *a, const struct action_effect *f)
{
	const char **env =
	    arena_alloc(a, (f->n_facts + OWN_MAX + 1) * sizeof(const char *));
	if (env == NULL)
		return NULL;
	env[0] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		 "/sbin:/bin";
	env[1] = "LANG=C.UTF-8";
	env[2] = variable(a, "id", str_from(f->id));
	env[3] = arena_printf(a, "GATEPOST_ATTEMPT=%d", f->attempt);
	for (size_t i = 0; i < f->n_facts; i++)
		env[OWN_MAX + i] =
		    variable(a, f->facts[i].name, f->facts[i].value);
	for (size_t i = 0; i < f->n_facts + OWN_MAX; i++)
		if (env[i] == NULL)
			return NULL;
	return env;
}

/* The facts as JSON, on one line. */
static struct str
make_input(struct arena *a, const struct action_effect *f)
{
	char *p = arena_alloc(a, f->payload.n + 2);
	if (p == NULL)
		return STR_NONE;
	memcpy(p, f->payload.p, f->payload.n);
	p[f->payload.n] = '\n';
	return (struct str){ p, f->payload.n + 1 };
}

static void
judge(const struct spawn_result *r, struct str email, int timeout_ms,
    struct action_answer *answer)
{
	char line[LINE_MAX_SAID];
	spawn_said(r, email, line, sizeof(line));
	const char *sep = line[0] != '\0' ? ": " : "";
	if (r->late)
		action_say(answer, ACTION_AGAIN, "exec: killed after %d s%s%s",
		    timeout_ms / 1000, sep, line);
	else if (r->signal != 0)
		action_say(answer, ACTION_AGAIN, "exec: signal %d%s%s",
		    r->signal, sep, line);
	else
		action_say(answer,
		    r->code == 0		? ACTION_DONE
			: r->code == EXEC_NEVER ? ACTION_NEVER
						: ACTION_AGAIN,
		    "exec: exit %d%s%s", r->code, sep, line);
}

void
action_run_exec(const struct action *action, const struct action_effect *effect,
    struct arena *arena, struct action_answer *answer)
{
	struct err e = { .code = ERR_NONE };
	struct spawn_result *r = arena_alloc(arena, sizeof(*r));
	const struct spawn_opts o = { .argv = action->u.exec.argv,
		.env = make_env(arena, effect),
		.in = make_input(arena, effect),
		.timeout_ms = action->timeout_ms,
		.limits = 1 };
	if (r == NULL || o.env == NULL || o.in.p == NULL)
		action_say(answer, ACTION_AGAIN, "exec: out of memory");
	else if (spawn_run(&o, r, &e) != 0)
		action_say(answer, ACTION_AGAIN, "exec: %s", e.text);
	else
		judge(r, action_fact(effect, "email"), action->timeout_ms,
		    answer);
}
