#include "cgi/pages/first_form.h"

#include <string.h>

#include "action/mailbox.h"
#include "base/form.h"
#include "cgi/pages/owner.h"
#include "cgi/web/html.h"
#include "config/config_reader.h"

enum { TOKEN_MIN = 16 }; /* bytes of an API's token */

/* ---- what is asked for --------------------------------------------------- */

static void
add_field(struct first_form *f, struct arena *a, struct first_field field)
{
	field.name = field.section == NULL
	    ? field.key
	    : arena_printf(a, "%s.%s", field.section, field.key);
	f->v[f->n++] = field;
}

static void
add_platform(struct first_form *f, struct arena *a, const struct platform *p)
{
	const char *title = p->words.title;
	if (p->words.secret != NULL)
		add_field(f, a,
		    (struct first_field){ p->name, p->secrets_key,
			.label = arena_printf(a, "%s: its secret", title),
			.what = arena_printf(a,
			    "Only if you sell there. It is shown at %s: %s.",
			    title, p->words.secret) });
	if (p->api != NULL)
		add_field(f, a,
		    (struct first_field){ p->name, p->api->token_key,
			.label = arena_printf(a, "%s: an access token", title),
			.what = p->api->token_words });
}

static void
add_fields(struct first_form *f, struct arena *a, const char *base)
{
	*f = (struct first_form){ .n = 0 };
	add_field(f, a,
	    (struct first_field){ NULL, "public_url",
		.label = "The address of this page",
		.what = "The platforms send there what is sold. It is what you "
			"have opened; change it only if your visitors use "
			"another one.",
		.value = str_from(base) });
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		add_platform(f, a, platforms[i]);
	add_field(f, a,
	    (struct first_field){ NULL, "alert_mail",
		.label = "Your e-mail address",
		.what = "Who is told when something is wrong." });
}

/* ---- what was typed ------------------------------------------------------ */

static const char *
site_fault(struct str *s)
{
	const char *fault = config_site_fault(s);
	return fault == NULL && owner_origin(*s).p == NULL
	    ? "has a host with something in it that no host has"
	    : fault;
}

static const char *
secret_fault(struct arena *a, const struct first_field *field)
{
	const struct platform *p = platform_find(str_from(field->section));
	int is_token = !str_eq_z(str_from(field->key), p->secrets_key);
	size_t least = is_token ? TOKEN_MIN : p->secret_min;
	for (size_t i = 0; is_token && i < field->value.n; i++)
		if (field->value.p[i] <= ' ' || field->value.p[i] > '~')
			return "holds a blank or another character that no "
			       "token has; copy the token alone";
	if (config_is_placeholder(field->value))
		return "is still a placeholder; put the real one here";
	return field->value.n < least
	    ? arena_printf(a,
		  "is too short: it has %zu characters, %zu or more are "
		  "needed; copy all of it",
		  field->value.n, least)
	    : NULL;
}

static const char *
fault_of(struct arena *a, struct first_field *field, int is_site)
{
	struct str s = field->value;
	if (s.n == 0 && !is_site)
		return NULL;
	if (!str_is_utf8(s) || str_has_control(s))
		return "holds a line end or another character that nobody "
		       "types; copy it once more";
	if (s.n > FIRST_VALUE_MAX)
		return "is too long; copy no more than is asked for";
	/* the settings would take it for a variable */
	if (s.n > 0 && memmem(s.p, s.n, "${", 2) != NULL)
		return "holds ${, which cannot be in it";
	if (is_site)
		return site_fault(&field->value);
	return field->section != NULL  ? secret_fault(a, field)
	    : mailbox_fault(s) != NULL ? "is not one e-mail address, like "
					 "me@example.org"
				       : NULL;
}

/* A page of another site could fill the form in with its own values. Older
 * browsers do not say. */
static int
is_foreign(const struct request *r)
{
	struct str site = request_param(r, "HTTP_SEC_FETCH_SITE");
	return site.n > 0 && !str_eq_z(site, "same-origin");
}

int
first_form_read(
    struct first_form *f, struct request *r, const char *base, struct err *e)
{
	struct form_walk walk = { .rest = r->body };
	struct form_pair pair;
	const char *reason = NULL;
	int rc = 0;
	add_fields(f, r->arena, base);
	while (str_eq_z(r->method, "POST") && !is_foreign(r) &&
	    (rc = form_next(&walk, r->arena, &pair, &reason, e)) == 1)
		for (size_t i = 0; i < f->n; i++)
			if (str_eq_z(pair.key, f->v[i].name)) {
				f->v[i].value = str_trim(pair.value);
				f->sent |= i == 0;
			}
	/* no browser sends what is no form */
	if (rc < 0)
		f->sent = 0;
	for (size_t i = 0; f->sent && i < f->n; i++) {
		f->v[i].fault = fault_of(r->arena, &f->v[i], i == 0);
		f->faults += f->v[i].fault != NULL;
	}
	return arena_failed(r->arena) ? err_set(e, ERR_MEMORY, "no memory") : 0;
}

size_t
first_form_values(
    const struct first_form *f, struct template_value more[FIRST_FIELDS_MAX])
{
	size_t n = 0;
	for (size_t i = 1; i < f->n; i++)
		if (f->v[i].value.n > 0)
			more[n++] = (struct template_value){ f->v[i].section,
				f->v[i].key, f->v[i].value };
	return n;
}

/* ---- the form ------------------------------------------------------------ */

void
first_form_add(const struct first_form *f, struct buf *b)
{
	buf_addz(b, "<form method=\"post\">\n");
	for (size_t i = 0; i < f->n; i++) {
		const struct first_field *field = &f->v[i];
		buf_addf(b,
		    "<p><label for=\"%s\">%s</label>%s<br>\n"
		    "<input id=\"%s\" name=\"%s\" maxlength=\"%d\" "
		    "autocomplete=\"off\" autocapitalize=\"off\" "
		    "spellcheck=\"false\"%s value=\"",
		    field->name, field->label, i == 0 ? "" : " (may be empty)",
		    field->name, field->name, FIRST_VALUE_MAX,
		    i == 0 ? " required" : "");
		html_add(b, field->value);
		buf_addz(b, "\"><br>\n");
		if (field->fault != NULL)
			buf_addf(b, "<b class=\"bad\">This %s.</b><br>\n",
			    field->fault);
		buf_addf(b, "%s</p>\n", field->what);
	}
	buf_addz(b, "<p><button>Make the file</button></p>\n</form>\n");
}
