#include "platform/document.h"

#include <string.h>

#include "base/form.h"
#include "base/json.h"

/* Of JSON by somebody who is not known yet: each costs some hundred bytes. */
enum { VALUES_MAX = 20000 };

static const char *const fault_words[] = {
	[DOCUMENT_FINE] = NULL,
	[DOCUMENT_CONTRADICTS] = "status_contradicts_event",
	[DOCUMENT_OUT_OF_RANGE] = "out_of_range",
	[DOCUMENT_MISSING] = "missing_field",
	[DOCUMENT_NO_PLACE] = "missing_field",
	[DOCUMENT_WRONG_TYPE] = "wrong_type",
};

/* ---- the JSON ---- */

/* The value of a form's field. 0, or -1 with *reason or without memory. */
static int
find_field(struct str body, const char *name, struct arena *a, struct str *out,
    const char **reason, struct err *e)
{
	struct form_walk walk = { .rest = body };
	struct form_pair pair;
	int more;
	while ((more = form_next(&walk, a, &pair, reason, e)) == 1) {
		if (!str_eq_z(pair.key, name))
			continue;
		*out = pair.value;
		return 0;
	}
	if (more == 0)
		*reason = "missing_field";
	return -1;
}

/* The JSON in its own words. 0, or -1 with *reason or without memory. */
static int
find_text(const struct platform *p, struct str body, struct arena *a,
    struct str *out, const char **reason, struct err *e)
{
	const char *field = p->document->form_field;
	*reason = NULL;
	*out = body;
	return field == NULL ? 0 : find_field(body, field, a, out, reason, e);
}

json_t *
document_load(const struct platform *p, struct str body, struct arena *a,
    const char **reason, struct err *e)
{
	struct str text;
	return find_text(p, body, a, &text, reason, e) != 0
	    ? NULL
	    : json_load_kept(a, text, 0, reason, e);
}

json_t *
document_walk(const json_t *root, const char *path, size_t *parent)
{
	const char *at = path;
	*parent = 0;
	for (;;) {
		size_t n = strcspn(at, ".");
		json_t *v = json_object_getn(root, at, n);
		if (json_is_null(v))
			v = NULL;
		if (at[n] == '\0')
			return v;
		if (!json_is_object(v)) {
			*parent = (size_t)(at - path) + n;
			return v;
		}
		root = v;
		at += n + 1;
	}
}

json_t *
document_at(const json_t *root, const char *path)
{
	size_t parent;
	json_t *v = document_walk(root, path, &parent);
	return parent == 0 ? v : NULL;
}

int
document_secret(
    const struct platform *p, struct str body, struct arena *a, struct str *out)
{
	const char *reason;
	struct str text;
	size_t values = 0;
	*out = STR_NONE;
	if (find_text(p, body, a, &text, &reason, NULL) != 0)
		return reason == NULL ? -1 : 0;
	for (size_t i = 0; i < text.n; i++)
		values += strchr("{[,", text.p[i]) != NULL && text.p[i] != '\0';
	if (values > VALUES_MAX)
		return 0;
	const json_t *root = json_load_kept(a, text, 0, &reason, NULL);
	if (root == NULL)
		return reason == NULL ? -1 : 0;
	json_text(document_at(root, p->proof.token), out);
	return 0;
}

/* ---- all ---- */

static int
find_event(const struct document *d, struct str word)
{
	for (int i = 0; d->events[i].word != NULL; i++)
		if (str_eq_z(word, d->events[i].word))
			return i;
	return -1;
}

static void
judge(const struct document_reading *r, const json_t *named, struct fact *f)
{
	const char *path = r->p->document->event_path;
	struct str word;
	f->status = FACT_KEPT;
	if (named != NULL && !json_is_string(named)) {
		f->reason = "wrong_type";
		f->detail = str_from(arena_printf(
		    r->arena, "%s is %s", path, json_shape(named)));
	} else if (json_text(named, &word) != 0 || word.n == 0) {
		f->reason = "missing_event";
	} else if (str_eq_z(word, PLATFORM_PROBE_EVENT)) {
		f->status = FACT_TEST;
		f->kind_name = STR(PLATFORM_PROBE);
		f->reason = PLATFORM_PROBE;
	} else if (r->event < 0) {
		f->reason = "unknown_event";
		f->kind_name = platform_word(r->arena, word);
	} else if (r->fault != DOCUMENT_FINE) {
		f->reason = fault_words[r->fault];
		f->detail = str_from(
		    arena_printf(r->arena, "%s is %s", r->path, r->shape));
	} else {
		f->status = FACT_APPLIED;
	}
}

static void
read_root(struct document_reading *r, struct fact *out)
{
	const struct document *d = r->p->document;
	const json_t *named = document_at(r->root, d->event_path);
	struct str word;
	json_text(named, &word);
	r->event = find_event(d, word);
	for (const struct field *f = d->fields; f->name != NULL; f++)
		if (document_has(r, f))
			document_read_field(r, f, out);
	if (r->event >= 0) {
		const struct document_event *ev = &d->events[r->event];
		out->kind = ev->kind;
		out->kind_name = out->product = str_from(ev->kind_name);
		if (out->quantity == FACT_NO_NUMBER)
			out->quantity = 1;
		d->settle(r, out);
	}
	judge(r, named, out);
}

int
document_decode(const struct platform *p, struct str body,
    const struct decode_opts *opts, struct arena *a, struct fact *out,
    struct err *e)
{
	struct document_reading *r = arena_alloc(a, sizeof(*r));
	(void)opts; /* the reference stands in a field of its own */
	*out = fact_none();
	out->status = FACT_KEPT;
	out->kind_name = STR("unknown");
	out->delivery = platform_digest(a, body);
	if (r == NULL || out->delivery.p == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	*r = (struct document_reading){ .p = p, .arena = a };
	r->root = document_load(p, body, a, &out->reason, e);
	if (r->root == NULL)
		return out->reason == NULL ? -1 : 0;
	read_root(r, out);
	out->detail_of_platform = r;
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}
