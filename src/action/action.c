#include "action/action.h"

#include <stdarg.h>

const char *const action_words[ACTION__MAX] = {
	[ACTION_HTTP] = "http",
	[ACTION_MAIL] = "mail",
	[ACTION_EXEC] = "exec",
	[ACTION_FORWARD] = "forward",
};

void
action_run(const struct action *action, const struct action_effect *effect,
    struct arena *arena, struct action_answer *answer)
{
	static action_run_fn *const runs[ACTION__MAX] = {
		[ACTION_HTTP] = action_run_http,
		[ACTION_MAIL] = action_run_mail,
		[ACTION_EXEC] = action_run_exec,
		[ACTION_FORWARD] = action_run_forward,
	};
	*answer = (struct action_answer){ .outcome = ACTION_AGAIN,
		.retry_after = -1 };
	runs[action->kind](action, effect, arena, answer);
}

struct str
action_fact(const struct action_effect *effect, const char *name)
{
	for (size_t i = 0; i < effect->n_facts; i++)
		if (strcmp(effect->facts[i].name, name) == 0)
			return effect->facts[i].value;
	return STR_NONE;
}

void
action_say(struct action_answer *answer, enum action_outcome outcome,
    const char *fmt, ...)
{
	va_list ap;
	answer->outcome = outcome;
	va_start(ap, fmt);
	vsnprintf(answer->said, sizeof(answer->said), fmt, ap);
	va_end(ap);
}
