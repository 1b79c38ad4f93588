#ifndef SECRETS_H
#define SECRETS_H
/* The settings of a site that signs passes and links. */
#include "config/config.h"

#define NOW INT64_C(1772000000)

static const struct str secrets[] = { { "0123456789abcdef0123456789abcdef",
					  32 },
	{ "fedcba9876543210fedcba9876543210", 32 } };
static const struct config config = { .public_url = { "https://example.org",
					  19 },
	.pass_secrets = { secrets, 2 },
	.signin_seconds = 3600,
	.follow_ups = { .mail_from = { "shop@example.org", 16 } } };

#endif
