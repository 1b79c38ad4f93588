#include "platform/document.h"

#include <string.h>

#include "base/form.h"
#include "base/json.h"
#include "platform/redact.h"

enum { BODY_MAX = 8 * 1024 * 1024 }; /* a form's escapes: three for one */

int
document_dump(const struct platform *p, const json_t *root, struct arena *a,
    struct str *body, struct err *e)
{
	struct buf b;
	struct str text;
	if (redact_dump(a, root, &text, e) != 0)
		return -1;
	*body = text;
	if (p->document->form_field == NULL)
		return 0;
	buf_init(&b, BODY_MAX);
	buf_addf(&b, "%s=", p->document->form_field);
	form_encode(&b, text);
	*body = (struct str){ str_z(a, buf_str(&b)), b.n };
	int rc = buf_ok(&b) && body->p != NULL ? 0 : -1;
	buf_free(&b);
	return rc == 0 ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

int
document_blank(const struct platform *p, struct str body, struct arena *a,
    struct str *out, struct err *e)
{
	const char *reason;
	json_t *root = document_load(p, body, a, &reason, e);
	if (root == NULL)
		return -1; /* verified, so that only memory can be wanting */
	if (json_object_set_new(root, p->proof.token, json_null()) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	return document_dump(p, root, a, out, e);
}

/* The members of an array's objects that stay; other elements go. */
static json_t *
stay_of_list(const json_t *list, const char *members)
{
	json_t *out = json_array(), *one;
	size_t at;
	json_array_foreach(list, at, one)
	{
		json_t *new = json_object();
		for (const char *m = members; m != NULL && *m != '\0';) {
			size_t n = strcspn(m, " ");
			json_t *v = json_object_getn(one, m, n);
			if (json_is_string(v) || json_is_integer(v))
				json_object_setn(new, m, n, v);
			m += n + strspn(m + n, " ");
		}
		json_array_append_new(out, new);
	}
	return out;
}

/* Sets it, with the objects around it. */
static int
set_at(json_t *root, const char *path, json_t *v)
{
	for (;;) {
		size_t n = strcspn(path, ".");
		if (path[n] == '\0')
			return json_object_set_new(root, path, v);
		json_t *next = json_object_getn(root, path, n);
		if (next == NULL) {
			next = json_object();
			if (json_object_setn_new(root, path, n, next) != 0) {
				json_decref(v);
				return -1;
			}
		}
		root = next;
		path += n + 1;
	}
}

static int
keep_field(json_t *out, const struct document_reading *r, const struct field *f,
    struct str pseudonym)
{
	json_t *v = document_fit(r, f);
	if (v == NULL || (f->flags & (FIELD_STAYS | FIELD_PERSON)) == 0)
		return 0;
	if (f->type == FIELD_LIST)
		v = stay_of_list(v, f->members);
	else if ((f->flags & FIELD_PERSON) != 0 && json_string_length(v) > 0)
		v = json_from_text(pseudonym);
	else
		json_incref(v);
	return v == NULL ? -1 : set_at(out, f->path, v);
}

/* What stays of it. One that is kept loses its first field that has to be
 * there, and so is kept by any later version. */
static json_t *
without_person(const struct document_reading *r, struct str pseudonym, int kept)
{
	const struct document *d = r->p->document;
	json_t *out = json_object();
	json_t *event = document_at(r->root, d->event_path);
	int bad = out == NULL;
	for (const struct field *f = d->fields; bad == 0 && f->name != NULL;
	     f++) {
		if (kept && (f->flags & FIELD_REQUIRED) != 0)
			kept = 0;
		else
			bad = keep_field(out, r, f, pseudonym);
	}
	if (bad == 0 && json_is_string(event))
		bad = set_at(out, d->event_path, json_incref(event));
	if (bad == 0)
		bad = json_object_set_new(out, "erased", json_true());
	if (bad == 0)
		return out;
	json_decref(out);
	return NULL;
}

static int
redact_all(const struct platform *p, struct str body, struct str pseudonym,
    struct arena *a, struct redacted *out, struct err *e)
{
	struct fact f;
	if (document_decode(p, body, NULL, a, &f, e) != 0)
		return -1;
	json_t *left = without_person(
	    f.detail_of_platform, pseudonym, f.status != FACT_APPLIED);
	int rc = document_dump(p, left, a, &out->body, e);
	json_decref(left);
	return rc;
}

static int
redact_some(const struct platform *p, json_t *root, struct str address,
    struct arena *a, struct redacted *out, struct err *e)
{
	for (const struct field *f = p->document->fields; f->name != NULL;
	     f++) {
		struct str s;
		if (f->type != FIELD_EMAIL || f->path == NULL)
			continue;
		json_text(document_at(root, f->path), &s);
		out->is_buyer |= redact_mentions(a, s, address);
	}
	int n = redact_json(a, root, address);
	if (n < 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	return n == 0 ? 0 : document_dump(p, root, a, &out->body, e);
}

int
document_redact(const struct platform *p, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e)
{
	const char *reason;
	*out = (struct redacted){ .body = STR_NONE };
	json_t *root = document_load(p, body, a, &reason, e);
	if (root != NULL)
		return opts->address.p == NULL
		    ? redact_all(p, body, opts->pseudonym, a, out, e)
		    : redact_some(p, root, opts->address, a, out, e);
	if (reason == NULL)
		return -1;
	/* nothing can be told apart: it was kept, and stays so */
	if (opts->address.p != NULL && !redact_mentions(a, body, opts->address))
		return 0;
	root = json_pack("{s:b}", "erased", 1);
	int rc = document_dump(p, root, a, &out->body, e);
	json_decref(root);
	return rc;
}
