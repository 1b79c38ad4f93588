#include "action/action.h"
#include "action/http.h"

/*
 * The action forward: a delivery as it was received, to another handler. The
 * bytes and their type are the sender's own; the signature is made anew by who
 * knows the platform, for an old one is refused.
 */
enum { HEADERS_MAX = 5, TYPE_MAX = 255 };

/* A name alone keeps curl from sending one of its own. */
static const char *
type_header(struct str type, struct arena *a)
{
	if (type.n == 0 || type.n > TYPE_MAX || str_has_control(type))
		return "Content-Type:";
	return arena_printf(a, "Content-Type: %.*s", STR_ARG(type));
}

void
action_run_forward(const struct action *action,
    const struct action_effect *effect, struct arena *arena,
    struct action_answer *answer)
{
	const struct action_delivery *d = effect->delivery;
	const char *headers[HEADERS_MAX] = { NULL };
	struct err e = { .code = ERR_NONE };
	struct http_answer got;
	if (d == NULL) {
		action_say(answer, ACTION_NEVER, "nothing to forward");
		return;
	}
	const struct http_request post = { .url = action->u.forward.url,
		.headers = headers,
		.body = d->body,
		.timeout_ms = action->timeout_ms,
		.guard = 1 };
	headers[0] = type_header(d->content_type, arena);
	headers[1] = arena_printf(arena, "webhook-id: %s", effect->id);
	/* a body of 1 MiB is sent at once, without asking first */
	headers[2] = "Expect:";
	headers[3] = d->signature;
	if (headers[0] == NULL || headers[1] == NULL)
		action_say(answer, ACTION_AGAIN, "out of memory");
	else if (http_call(&post, &got, NULL, &e) != 0)
		action_say(answer, ACTION_AGAIN, "%s", e.text);
	else
		http_judge(&got, answer);
}
