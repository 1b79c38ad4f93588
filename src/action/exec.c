#include "action/action.h"

void
action_run_exec(const struct action *action, const struct action_effect *effect,
    struct arena *arena, struct action_answer *answer)
{
	(void)action;
	(void)effect;
	(void)arena;
	action_say(answer, ACTION_AGAIN, "exec: not in this version");
}
