#ifndef CGI_PAGES_OWNER_H
#define CGI_PAGES_OWNER_H

#include "cgi/web/request.h"

/* What the pages for the owner of a shared host have in common: first.h and
 * proof.h. */
enum { OWNER_URL_MAX = 2048 };

/* Begins a page with that headline, which is a literal. form_to: the address of
 * another site that its forms may be sent to; STR_NONE: none. */
struct buf *owner_page(
    struct reply *p, int status, const char *headline, struct str form_to);

int owner_is_https(const struct request *r);
/* Did .htaccess bring the request here? Then it hands on Authorization too. */
int owner_is_rewritten(const struct request *r);
/* The address that was asked, without the slash at its end. NULL: it has
 * something in it that no address of a site has. The visitor wrote Host: only
 * he sees the answer. */
const char *owner_base(const struct request *r);

/* "https://example.org:8443" of an address; STR_NONE: its host has something
 * in it that no host has. */
struct str owner_origin(struct str url);

/* <code>text</code> */
void owner_code(struct buf *b, struct str text);

/* The addresses of that platform's hook, for it to send to. */
void owner_hook(struct buf *b, struct str site, const struct platform *p,
    struct str token, int rewritten);

/*
 * A form that posts the probe of platform/probe.h to the hook there, and the token beside it in
 * the field proof: no log has what stands in a body. site STR_NONE: to where
 * this page is.
 */
void owner_trial(struct buf *b, struct arena *a, struct str site,
    const struct platform *p, struct str token, const char *button);

#endif
