#include "platform/document.h"

#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "platform/money.h"

enum { MONTHS_MAX = 120 }; /* a longer billing period is a mistake */

/* A whole number: 1, 1.0 or 1e0, for JSON has one kind of number. */
static int
whole(const json_t *v, int64_t *out)
{
	struct str text;
	if (json_text(v, &text) == 0)
		return str_int64(text, INT64_MIN + 1, INT64_MAX, out);
	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return 0;
	}
	double d = json_real_value(v);
	if (!json_is_real(v) || !(d > -1e15 && d < 1e15) ||
	    (double)(int64_t)d < d || (double)(int64_t)d > d)
		return -1;
	*out = (int64_t)d;
	return 0;
}

static const char *
misfit_months(const json_t *v)
{
	int64_t n;
	if (!json_is_number(v))
		return json_shape(v);
	return whole(v, &n) == 0 || json_real_value(v) >= 1e15 ||
		json_real_value(v) <= -1e15
	    ? NULL
	    : "not a whole number";
}

/* Is v of the field's type? What it is instead, or NULL. */
static const char *
misfit(const struct field *f, const json_t *v)
{
	struct str text;
	int64_t n;
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_REFERENCE:
	case FIELD_EMAIL:
	case FIELD_DECIMAL:
	case FIELD_CURRENCY:
	case FIELD_TIME:
		return json_is_string(v) ? NULL : json_shape(v);
	case FIELD_ID:
		if (json_text(v, &text) != 0)
			return json_shape(v);
		return text.n > 0 && platform_identifier(text).p == NULL
		    ? "too long for an identifier, or has control characters"
		    : NULL;
	case FIELD_FLAG:
		return json_is_boolean(v) ? NULL : json_shape(v);
	case FIELD_MONTHS:
		return misfit_months(v);
	case FIELD_COUNT:
	case FIELD_MINOR:
		return whole(v, &n) == 0 ? NULL
		    : json_is_number(v)	 ? "not a whole number"
					 : json_shape(v);
	case FIELD_LIST:
		return json_is_array(v) ? NULL : json_shape(v);
	}
	return NULL;
}

int
document_has(const struct document_reading *r, const struct field *f)
{
	return f->path != NULL &&
	    (r->event < 0 || f->events == 0 ||
		(f->events & 1U << r->event) != 0);
}

json_t *
document_fit(const struct document_reading *r, const struct field *f)
{
	json_t *v = document_has(r, f) ? document_at(r->root, f->path) : NULL;
	return v != NULL && misfit(f, v) == NULL ? v : NULL;
}

const json_t *
document_value(const struct document_reading *r, const char *name)
{
	const json_t *v = NULL;
	for (const struct field *f = r->p->document->fields;
	     v == NULL && f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			v = document_fit(r, f);
	return v;
}

struct str
document_text(const struct document_reading *r, const char *name)
{
	struct str s;
	json_text(document_value(r, name), &s);
	return s.n > 0 ? s : STR_NONE;
}

static void
complain(struct document_reading *r, enum document_fault fault, struct str path,
    const char *shape)
{
	if (fault <= r->fault)
		return;
	r->fault = fault;
	r->path = str_z(r->arena, path);
	r->shape = shape;
}

void
document_complain(struct document_reading *r, enum document_fault fault,
    const char *name, const char *shape)
{
	for (const struct field *f = r->p->document->fields; f->name != NULL;
	     f++)
		if (strcmp(f->name, name) == 0 && document_has(r, f))
			complain(r, fault, str_from(f->path), shape);
}

/* An address, and not "..." or Cloudflare's "[email protected]", which
 * stand where one was taken out: a part on both sides of an '@', no blank. */
static struct str
address(struct arena *a, struct str s)
{
	struct str local, domain;
	if (!str_cut(s, '@', &local, &domain) || local.n == 0 ||
	    domain.n == 0 || s.p[s.n - 1] == '@' || str_has_byte(s, ' ') ||
	    str_has_control(s) || memmem(s.p, s.n, "\xC2\xA0", 2) != NULL)
		return STR_NONE;
	return platform_email(a, s);
}

/* What is no use is left out with a word to who decodes by hand, and keeps
 * nobody from what was paid. */
static void
leave_out(struct document_reading *r, struct fact *out, const struct field *f,
    const char *why)
{
	const char **all =
	    arena_alloc(r->arena, (out->n_warnings + 1) * sizeof(*all));
	if (all == NULL)
		return;
	if (out->n_warnings > 0)
		memcpy(all, out->warnings, out->n_warnings * sizeof(*all));
	const char *key = strrchr(f->path, '.');
	all[out->n_warnings++] = arena_printf(r->arena, "%s is %s: left out",
	    key != NULL ? key + 1 : f->path, why);
	out->warnings = all;
}

static void
fill_text(struct document_reading *r, const struct field *f, struct str s,
    struct fact *out)
{
	struct str *text = (void *)((char *)out + f->fills);
	int64_t *number = (void *)((char *)out + f->fills);
	if (f->type == FIELD_EMAIL)
		*text = address(r->arena, s);
	else if (f->type == FIELD_CURRENCY)
		*text = str_upper(r->arena, s);
	else if (f->type == FIELD_DECIMAL) {
		if (money_parse(s, out->currency, number) != 0)
			leave_out(r, out, f, "no amount");
	} else if (f->type == FIELD_TIME) {
		if (time_parse(s, number) != 0)
			leave_out(r, out, f, "no time");
	} else if (f->type == FIELD_REFERENCE) {
		*text = platform_identifier(s);
		if (text->p == NULL)
			leave_out(r, out, f,
			    "no identifier (1 to 255 bytes, no control "
			    "characters)");
	} else
		*text = s;
}

static void
fill(struct document_reading *r, const struct field *f, const json_t *v,
    struct fact *out)
{
	struct str text;
	int *small = (void *)((char *)out + f->fills);
	int64_t n = 0, *large = (void *)((char *)out + f->fills);
	if (json_text(v, &text) == 0 && f->type != FIELD_COUNT &&
	    f->type != FIELD_MINOR) {
		if (text.n > 0)
			fill_text(r, f, text, out);
	} else if (f->type == FIELD_FLAG) {
		*small = json_is_true(v);
	} else if (f->type == FIELD_MONTHS) {
		whole(v, &n);
		*small = n >= 1 && n <= MONTHS_MAX ? (int)n : 0;
	} else if (f->type == FIELD_COUNT || f->type == FIELD_MINOR) {
		whole(v, large);
	}
}

void
document_read_field(
    struct document_reading *r, const struct field *f, struct fact *out)
{
	size_t parent;
	int64_t n;
	int required = r->event >= 0 && (f->flags & FIELD_REQUIRED) != 0;
	const json_t *v = document_walk(r->root, f->path, &parent);
	struct str path = { f->path, parent > 0 ? parent : strlen(f->path) };
	const char *shape = v == NULL ? NULL
	    : parent > 0	      ? json_shape(v)
				      : misfit(f, v);
	if (shape != NULL) {
		complain(r, DOCUMENT_WRONG_TYPE, path, shape);
		return;
	}
	if (required && v == NULL)
		complain(r, parent > 0 ? DOCUMENT_NO_PLACE : DOCUMENT_MISSING,
		    path, "missing");
	else if (required && json_is_string(v) && json_string_length(v) == 0)
		complain(r, DOCUMENT_MISSING, path, "empty");
	if (f->type == FIELD_MONTHS && v != NULL &&
	    (whole(v, &n) != 0 || n < 1 || n > MONTHS_MAX))
		complain(r, DOCUMENT_OUT_OF_RANGE, path, "out of range");
	if (v != NULL && f->fills != 0)
		fill(r, f, v, out);
}

static json_t *
describe_field(const struct document_reading *r, const struct field *f)
{
	json_t *v = document_fit(r, f);
	struct str text;
	int64_t n;
	if (v != NULL && f->type == FIELD_EMAIL && json_text(v, &text) == 0 &&
	    address(r->arena, text).p == NULL)
		v = NULL;
	if (v != NULL && f->type == FIELD_MONTHS)
		return whole(v, &n) == 0 ? json_integer(n) : json_null();
	return v == NULL ? json_null() : json_incref(v);
}

json_t *
document_describe(const struct platform *p, const struct fact *fact)
{
	const struct document *d = p->document;
	const struct document_reading *r = fact->detail_of_platform;
	if (r == NULL)
		return NULL;
	json_t *out = json_object(),
	       *event = document_at(r->root, d->event_path);
	int rc = json_object_set_new(out, "event",
	    json_is_string(event) ? json_incref(event) : json_null());
	rc |= json_object_set_new(out, "kind",
	    r->event < 0 ? json_null()
			 : json_string(d->events[r->event].shown));
	for (const struct field *f = d->fields; rc == 0 && f->name != NULL;
	     f++) {
		const json_t *v = json_object_get(out, f->name);
		if (v == NULL || json_is_null(v))
			rc = json_object_set_new(
			    out, f->name, describe_field(r, f));
	}
	if (rc != 0) {
		json_decref(out);
		return NULL;
	}
	return out;
}
