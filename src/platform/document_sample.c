#include "platform/document.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/time.h"

enum { FRESH_LEN = 9, KNOWN_MAX = 400, KEY_SHOWN = 64 };

struct str
document_uuid(struct arena *a, struct str seed)
{
	struct str d = platform_digest(a, seed);
	if (d.p == NULL)
		return STR_NONE;
	return str_from(arena_printf(a, "%.8s-%.4s-4%.3s-8%.3s-%.12s", d.p,
	    d.p + 8, d.p + 12, d.p + 15, d.p + 18));
}

/* Nine of A-Z and 0-9. */
static struct str
fresh(struct arena *a, struct str nonce)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint8_t digest[CRYPTO_SHA256];
	char *p = arena_alloc(a, FRESH_LEN);
	if (p == NULL || crypto_sha256(nonce, digest) != 0)
		return STR_NONE;
	for (int i = 0; i < FRESH_LEN; i++)
		p[i] = digits[digest[i] % 36];
	return (struct str){ p, FRESH_LEN };
}

/* The template with its marks filled in. */
static struct str
fill_marks(const struct platform *p, const char *template,
    const struct sample_opts *opts, struct arena *a)
{
	char now[TIME_TEXT_MAX];
	const struct {
		const char *mark;
		struct str value;
	} marks[] = {
		{ "{fresh}", fresh(a, opts->nonce) },
		{ "{uuid}", document_uuid(a, opts->nonce) },
		{ "{now}", str_from(time_text(opts->now, now)) },
		{ "{event}", str_from(p->document->event_path) },
		{ "{token}",
		    p->proof.token == NULL ? STR("token")
					   : str_from(p->proof.token) },
	};
	struct buf b;
	buf_init(&b, strlen(template) * 4);
	while (*template != '\0') {
		size_t i = 0;
		while (i < sizeof(marks) / sizeof(marks[0]) &&
		    !str_starts(str_from(template), str_from(marks[i].mark)))
			i++;
		if (i == sizeof(marks) / sizeof(marks[0])) {
			buf_addc(&b, *template ++);
			continue;
		}
		buf_adds(&b, marks[i].value);
		template += strlen(marks[i].mark);
	}
	struct str out = { str_z(a, buf_str(&b)), b.n };
	buf_free(&b);
	return out;
}

/* The object that holds the key, or NULL. */
static json_t *
holder(json_t *v, const char *key)
{
	json_t *found = NULL, *child;
	const char *name;
	if (json_object_get(v, key) != NULL)
		return v;
	json_object_foreach(v, name, child)
	{
		if (found == NULL)
			found = holder(child, key);
	}
	return found;
}

/* s as one JSON value, or NULL. Read as a member, for json_load_strict takes
 * objects; alone there, or s would be more than a value. */
static json_t *
as_value(struct arena *a, struct str s)
{
	const char *reason;
	struct str text = str_from(arena_printf(a, "{\"v\":%.*s}", STR_ARG(s)));
	json_t *o = json_load_strict(a, text, 0, &reason, NULL);
	json_t *v = json_object_size(o) == 1
	    ? json_incref(json_object_get(o, "v"))
	    : NULL;
	json_decref(o);
	return v;
}

static void
list_keys(json_t *v, struct buf *b)
{
	const char *key;
	json_t *child;
	json_object_foreach(v, key, child)
	{
		if (json_is_object(child))
			list_keys(child, b);
		else
			buf_addf(b, "%s%s", b->n > 0 ? ", " : "", key);
	}
}

static int
refuse_key(json_t *root, struct str key, struct err *e)
{
	struct buf known, shown;
	buf_init(&known, KNOWN_MAX);
	buf_init(&shown, (size_t)KEY_SHOWN * 4);
	list_keys(root, &known);
	buf_add_visible(&shown,
	    (struct str){ key.p, key.n < KEY_SHOWN ? key.n : KEY_SHOWN });
	err_set(e, ERR_INPUT, "no field \"%.*s\"; there are: %.*s",
	    STR_ARG(buf_str(&shown)), STR_ARG(buf_str(&known)));
	buf_free(&known);
	buf_free(&shown);
	return -1;
}

static int
set_key(json_t *root, struct str key, struct str value, struct arena *a,
    struct err *e)
{
	const char *name = str_z(a, key);
	json_t *in = name == NULL ? NULL : holder(root, name);
	if (in == NULL)
		return refuse_key(root, key, e);
	const json_t *was = json_object_get(in, name);
	int is_text = json_is_string(was) || json_is_null(was);
	json_t *v = !is_text	      ? as_value(a, str_trim(value))
	    : str_eq_z(value, "null") ? json_null()
				      : json_from_text(value);
	if (v == NULL && !is_text)
		return err_set(e, ERR_INPUT,
		    "%s takes JSON: a number, true, false, null or \"text\" in "
		    "quotes",
		    name);
	if (v == NULL || json_object_set_new(in, name, v) != 0)
		return err_set(e, ERR_INPUT, "%s is no UTF-8", name);
	return 0;
}

const struct platform_sample document_probe = { .event = "probe",
	.body = "{\"{event}\":\"" PLATFORM_PROBE_EVENT
		"\",\"{token}\":null,\"" PLATFORM_FILLER "\":\"\"}" };

int
document_sample(const struct platform *p, const struct platform_sample *which,
    const struct sample_opts *opts, struct arena *a, struct str *body,
    struct err *e)
{
	const char *reason;
	json_t *root = json_load_strict(
	    a, fill_marks(p, which->body, opts, a), 0, &reason, e);
	int rc = root == NULL ? -1 : 0;
	for (size_t i = 0; rc == 0 && i < opts->n_sets; i++)
		rc = set_key(root, opts->keys[i], opts->values[i], a, e);
	if (rc == 0)
		rc = document_dump(p, root, a, body, e);
	if (rc == 0 && body->n > p->body_max)
		rc = err_set(e, ERR_LIMIT,
		    "the delivery would be larger than %zu bytes", p->body_max);
	json_decref(root);
	return rc;
}

const char *
document_sample_key(const struct platform *p,
    const struct platform_sample *which, enum sample_part part,
    struct str value)
{
	(void)p;
	(void)value;
	return part == SAMPLE_VARIANT ? which->variant_key : NULL;
}
