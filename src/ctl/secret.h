#ifndef CTL_SECRET_H
#define CTL_SECRET_H

#include "ctl/ctl.h"

/* Secrets given to commands that need no configuration. */
#define CTL_SECRET_OPTIONS \
	{ "secret", "TEXT", "the secret (others can see it in ps)" }, \
	{ \
		"secret-file", "FILE", "a file that holds it" \
	}

/* All --secret and --secret-file, into out[CTL_VALUES_MAX]. */
int ctl_secrets(struct ctl *ctl, struct str *out, size_t *n, struct err *e);

/* The platform whose signatures `sign` makes and `verify` checks: the first that
 * signs. */
const struct platform *ctl_signing(void);

#endif
