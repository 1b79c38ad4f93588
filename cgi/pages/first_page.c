#include "cgi/pages/first.h"

#include <string.h>

#include "base/form.h"
#include "cgi/pages/first_form.h"
#include "cgi/pages/owner.h"
#include "cgi/web/html.h"
#include "config/template.h"

enum { FILE_URL_MAX = 3 * TEMPLATE_MAX };

static const char tail[] =
    "<p>Nothing on this page is stored. Each time it makes other secrets, so "
    "what somebody else was shown here is worth nothing: those in the file "
    "you save are the ones that count. This page is shown for a day after the "
    "program was uploaded, and never once the file is there.</p>\n";

static void
add_file(struct buf *b, const char *file, struct str text)
{
	const char *slash = strrchr(file, '/');
	struct buf url;
	buf_init(&url, FILE_URL_MAX);
	form_encode(&url, text);
	buf_addz(b, "<ol>\n<li>Save this as <code>");
	html_add(b, str_from(slash + 1));
	buf_addz(b, "</code> in the folder <code>");
	html_add(b, (struct str){ file, (size_t)(slash - file) });
	buf_addz(b,
	    "</code>. Make the folder if it is not there; it lies outside "
	    "the folder of your web site, where no visitor gets. Set the "
	    "file's permissions to 600 and the folder's to 700.<br>\n"
	    "<a download=\"gatepost.conf\" "
	    "href=\"data:application/octet-stream,");
	buf_adds(b, buf_str(&url));
	buf_addz(
	    b, "\">Download it</a>, or copy it:<br>\n<textarea readonly>\n");
	html_add(b, text);
	buf_addz(b, "</textarea>\n");
	if (!buf_ok(&url))
		b->failed = 1;
	buf_free(&url);
}

static void
add_steps(struct buf *b, struct arena *a, struct str site,
    const struct platform *p, const char *token)
{
	buf_addf(b,
	    "<li>When it is saved, press this. Your browser sends a test "
	    "delivery to the address that %s will send to. The page that "
	    "answers says <b>Ready</b>, or what is wrong, and then what to do "
	    "at %s.\n",
	    p->words.title, p->words.title);
	owner_trial(b, a, site, p, str_from(token),
	    "It is saved: send a test delivery");
	buf_addz(b,
	    "If you see no page of Gatepost then, sales would not get through "
	    "either. There are two usual reasons. ");
	owner_code(b, site);
	buf_addz(b,
	    " leads on to another address (with www, with https): open this "
	    "page there, and begin anew. Or a firewall of the host stands "
	    "before it: ask the host to let this address through.\n</ol>\n");
}

static void
add_config(const struct first *first, const struct first_form *form,
    struct arena *a, struct buf *b)
{
	struct template_secrets made = { .tokens = { "" } };
	struct template_value more[FIRST_FIELDS_MAX];
	struct str site = form->v[0].value;
	const struct template_values values = { .public_url = str_z(a, site),
		.more = more,
		.n_more = first_form_values(form, more) };
	struct buf text;
	buf_init(&text, TEMPLATE_MAX);
	if (template_fill(&text, &values, &made, NULL) != 0)
		b->failed = 1;
	else {
		add_file(b, first->file, buf_str(&text));
		add_steps(b, a, site, platforms[0], made.tokens[0]);
	}
	buf_free(&text);
}

static void
add_http(struct buf *b)
{
	buf_addz(b,
	    "<p><b class=\"bad\">This page came over http.</b> What it shows, "
	    "and what you type, can be read on the way. Open it with https:// "
	    "first.</p>\n");
}

void
first_page(const struct first *first, struct request *r, struct reply *p)
{
	struct first_form form;
	struct err e = { .code = ERR_NONE };
	if (first->refusal != NULL) {
		struct buf *b = owner_page(
		    p, 503, "Gatepost cannot run like this", STR_NONE);
		buf_addz(b, "<p>");
		html_add(b, str_from(first->refusal));
		buf_addz(b, "</p>\n");
		return;
	}
	if (first_form_read(&form, r, owner_base(r), &e) != 0)
		return;
	int is_made = form.sent && form.faults == 0;
	struct buf *b = owner_page(p, 200,
	    is_made ? "Save this file" : "Gatepost runs. One file is missing",
	    is_made ? owner_origin(form.v[0].value) : STR_NONE);
	if (!owner_is_https(r))
		add_http(b);
	if (is_made) {
		add_config(first, &form, r->arena, b);
		buf_addz(b, tail);
		return;
	}
	buf_addz(b,
	    form.faults > 0
		? "<p class=\"bad\">Not yet: see below.</p>\n"
		: "<p>It holds the settings. Fill in what you have, and the "
		  "next page shows the file and where to save it. You can add "
		  "the rest later, in the file. What you type is neither "
		  "stored nor logged.</p>\n");
	first_form_add(&form, b);
}
