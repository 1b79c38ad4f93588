#include "platform/probe.h"

#include <string.h>

#include "platform/document.h"

/* Fixed, for what is made of them has to stay. */
enum { NOW = 1767225600 };
#define NONCE "67617465706f73742d646f63746f7221"

/* The body as it is stored. */
static int
stored(const struct platform *p, struct str body, struct arena *a,
    struct str *out, struct err *e)
{
	*out = body;
	return p->blank == NULL ? 0 : p->blank(p, body, a, out, e);
}

int
probe_make(const struct platform *p, struct str secret, size_t filler,
    struct arena *a, struct probe *out, struct err *e)
{
	char *more = arena_alloc(a, filler + 1);
	struct str keys[] = { STR(PLATFORM_FILLER), str_from(p->proof.token) };
	struct str values[] = { { more, filler + 1 }, secret };
	struct sample_opts o = { .keys = keys,
		.values = values,
		.n_sets = p->proof.token == NULL ? 1 : 2,
		.now = NOW,
		.nonce = STR(NONCE) };
	struct decode_opts decode = { str_from(p->reference_default) };
	struct fact fact;
	struct str body;
	if (more == NULL)
		return err_no_memory(e);
	memset(more, 'x', filler + 1);
	if (p->sample(p, p->probe != NULL ? p->probe : &document_probe, &o, a,
		&out->body, e) != 0 ||
	    stored(p, out->body, a, &body, e) != 0 ||
	    p->decode(p, body, &decode, a, &fact, e) != 0)
		return -1;
	out->delivery = fact.delivery;
	return 0;
}
