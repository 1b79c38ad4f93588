#ifndef CONFIG_TEMPLATE_H
#define CONFIG_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "platform/platform.h"

/* gatepost.conf.in, embedded by the build: a commented configuration with
 * @NAME@ where a secret goes. */
extern const char template_text[];

enum { TEMPLATE_MAX = 256 * 1024, TEMPLATE_SECRET_BYTES = 24 };

/* The secrets of one filling, in hexadecimal: by platform_index what stands at
 * @NAME_TOKEN@, with the platform's name. */
struct template_secrets {
	char tokens[PLATFORM__MAX][2 * TEMPLATE_SECRET_BYTES + 1];
};

/* A setting of text, or of a list of one text: its line loses the #. */
struct template_value {
	const char *section; /* NULL: outside of sections */
	const char *key;
	struct str value; /* no control characters, no "${" */
};

/* What stands in place of the template's own; NULL: that stays. */
struct template_values {
	const char *database; /* a path */
	const char *public_url; /* has been checked */
	const struct template_value *more; /* none of these two */
	size_t n_more;
};

/* Appends the template with a fresh random secret for each @NAME@ and with the
 * values given, each of which has a line in it. out takes TEMPLATE_MAX bytes.
 * made may be NULL. */
int template_fill(struct buf *out, const struct template_values *values,
    struct template_secrets *made, struct err *e);

#endif
