#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

/* gatepost.conf.in, embedded by the build: a commented configuration with
 * @NAME@ where a secret goes. */
extern const char template_text[];

enum { TEMPLATE_MAX = 256 * 1024, TEMPLATE_SECRET_BYTES = 24 };

/* The secrets of one filling, in hexadecimal. */
struct template_secrets {
	char gumroad_token[2 * TEMPLATE_SECRET_BYTES + 1];
};

/* Appends the template with a fresh random secret for each @NAME@, and with
 * public_url set where one is given (NULL: the line stays a comment; it has
 * been checked). out takes TEMPLATE_MAX bytes. made may be NULL. */
int template_fill(struct buf *out, const char *public_url,
    struct template_secrets *made, struct err *e);

#endif
