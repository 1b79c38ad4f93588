#ifndef PLATFORM_GUMROAD_GUMROAD_H
#define PLATFORM_GUMROAD_GUMROAD_H

#include "base/crypto.h"
#include "base/node.h"
#include "platform/platform.h"

/* Shared by the files of the Gumroad platform only. */

enum gumroad_shape {
	GUMROAD_NEITHER,
	GUMROAD_PURCHASE, /* app/modules/purchase/ping_notification.rb */
	GUMROAD_SUBSCRIPTION, /* app/modules/subscription/ping_notification.rb */
};

/* fact.detail_of_platform: the body as read, for describe. */
struct gumroad_read {
	struct arena *arena;
	const struct node *root; /* NULL: nothing could be read */
	enum gumroad_shape shape;
	int resource_named; /* resource_name came, and came from Gumroad */
	const struct str *shadowed; /* keys, in the order of custom_fields */
	size_t n_shadowed;
};

struct gumroad_body {
	const struct node *root; /* what could be read, or NULL */
	const char *reason; /* the word to keep it for, or NULL */
	const char *detail;
	/* What tells two deliveries apart: SHA-256 of the decoded pairs in
	 * order, each key and value after its length in 4 bytes, most
	 * significant first, without retry_count. Of the body where it is
	 * JSON, cannot be decoded or has too many pairs. */
	uint8_t digest[CRYPTO_SHA256];
};

/* A form, or JSON when the first byte that is no blank is '{'. 0, or -1
 * without memory. */
int gumroad_read_body(
    struct arena *a, struct str body, struct gumroad_body *out, struct err *e);

/* Finds the keys a buyer's answer may have replaced: custom fields that have
 * the name of a key of the payload and the value that stands there. 0 or -1
 * without memory. */
int gumroad_find_shadowed(struct gumroad_read *r);
int gumroad_is_shadowed(const struct gumroad_read *r, const char *key);
/* The first shadowed key on which access depends, or NULL. */
const char *gumroad_critical_shadow(const struct gumroad_read *r);
/* The key as a name of the payload's own, or NULL: safe to show. */
const char *gumroad_known_key(struct str key);

enum { GUMROAD_WARNINGS_MAX = 32 };

struct gumroad_decoder {
	struct arena *a;
	struct gumroad_read *read;
	struct fact *f;
	const char **warnings; /* room for GUMROAD_WARNINGS_MAX */
};

/* The first reason stays. What was typed must not get into the detail; key
 * may be NULL. */
void gumroad_keep(struct gumroad_decoder *d, const char *reason,
    const char *key, const char *what);
int gumroad_is_blank(const struct node *n); /* absent, null or empty text */

/* Fill the fact from the body, and keep it where what access depends on is
 * missing, unreadable or shadowed. */
void
gumroad_purchase(struct gumroad_decoder *d, const struct decode_opts *opts);
void gumroad_subscription(struct gumroad_decoder *d);

/* What pings and readings have in common: a period's months, 0 for a word that
 * is none; the variants joined by ", "; what the fold groups by. */
int gumroad_months(struct str recurrence);
struct str gumroad_join_variants(struct arena *a, const struct fact *f);
struct str gumroad_subject(struct arena *a, const struct fact *f);

/* What is asked for, gumroad_api.c. */
extern const struct platform_api gumroad_api;
/* An object of the API with the keys alone that a stored reading of that kind
 * has: without "listed", "custom_permalink" and "test", which are no keys of
 * Gumroad's. A new reference, or NULL without memory. */
json_t *gumroad_reduce(struct str kind, const json_t *object);

json_t *gumroad_describe(const struct platform *p, const struct fact *f);

extern const struct platform_sample gumroad_samples[];
extern const struct platform_sample gumroad_probe;
int gumroad_sample(const struct platform *p,
    const struct platform_sample *which, const struct sample_opts *opts,
    struct arena *a, struct str *body, struct err *e);

const char *gumroad_sample_key(const struct platform *p,
    const struct platform_sample *which, enum sample_part part,
    struct str value);

/* Those that only a registration by the API makes it send. */
extern const char *const gumroad_extra_kinds[];
extern const struct platform_setting gumroad_settings[];
extern const char gumroad_own_test[];
void gumroad_setup(const struct platform *p, const struct platform_site *site,
    struct buf *out);

int gumroad_redact(const struct platform *p, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e);

/* Of struct platform_api. */
int gumroad_request(const struct platform_question *q, struct arena *a,
    struct platform_request *out, struct err *e);
enum platform_said gumroad_judge(const struct platform_question *q, long status,
    struct str raw, const json_t *body, struct platform_answer *out);
int gumroad_know(struct str kind, json_t *reduced, const json_t *object,
    const struct platform_known *known);
struct str gumroad_id(const json_t *object);
void gumroad_product(const json_t *object, struct fact *out);
size_t
gumroad_offers(const json_t *object, struct platform_offer *out, size_t max);
struct str gumroad_url(const json_t *object);

#endif
