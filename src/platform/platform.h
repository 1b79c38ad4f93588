#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

/*
 * The room platform: what comes in. In: a request's bytes, and secrets. Out: is
 * it genuine, and what it says: a struct fact. Decoding is pure.
 * Keeps the promises that nothing unverified changes anything, and that it is
 * verified before it is parsed.
 */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "platform/fact.h"

/*
 * A platform that sends deliveries is one file that ends in a const struct
 * platform, and one line in the list at the end of this header.
 */

/* What proves where a delivery comes from. Slices are borrowed. */
struct verify_input {
	struct str body; /* the bytes received, before any parsing */
	struct str path_token; /* /hooks/NAME/TOKEN, percent-decoded */
	struct str authorization; /* the Authorization header */
	struct str signature; /* the header named by signature_param */
	const struct str *secrets; /* of the configuration; n_secrets >= 0 */
	size_t n_secrets;
	int64_t now; /* seconds */
	int64_t
	    tolerance; /* seconds; VERIFY_ANY_AGE: the age is not looked at */
};
#define VERIFY_ANY_AGE INT64_MIN

enum verify_answer {
	VERIFY_VALID,
	VERIFY_NO_SIGNATURE,
	VERIFY_BAD_HEADER,
	VERIFY_TOO_OLD, /* or too far ahead */
	VERIFY_MISMATCH,
	VERIFY_CONFIG_ERROR, /* no secret to check against, or an empty one */
	VERIFY__MAX
};
extern const char *const verify_words[VERIFY__MAX]; /* "valid", … */

enum { VERIFIED_BY_LEN = 12 };

struct verify_result {
	enum verify_answer answer;
	int64_t sent_at; /* signed time; FACT_NO_TIME where there is none */
	int right_key; /* TOO_OLD, yet the MAC fits: a clock is wrong */
	char by[VERIFIED_BY_LEN +
	    1]; /* hex of SHA-256 of the secret that fits */
};

/* What the configuration says that a decoder needs. */
struct decode_opts {
	struct str reference; /* key of the app's own user id */
};

/* Changes to a sample delivery: "key=value", repeated. */
struct sample_opts {
	const struct str *keys;
	const struct str *values;
	size_t n_sets;
	int64_t now; /* seconds: sale times are made from it */
	struct str
	    nonce; /* 16 or more hex digits: fresh ids are made from it */
	/* A delivery of the sale or subscription this one speaks of, from
	 * which it takes product, tier and address; NULL: not known. */
	const struct fact *earlier;
};

/* Parts of a grant that a sample can be made to fit. */
enum sample_part { SAMPLE_PRODUCT, SAMPLE_VARIANT };

/* How a delivery is rewritten when a person is erased. */
struct redact_opts {
	/* STR_NONE: all that says who the buyer is goes. Else lower-cased:
	 * only the texts that hold this address go, for what is about
	 * somebody else and names the person beside (a gifter, an affiliate) */
	struct str address;
	struct str pseudonym; /* stands for an id the facts cannot do without */
};

struct redacted {
	struct str body; /* STR_NONE: the address is not in it */
	int is_buyer; /* the address is where the buyer's own stands */
};

struct platform_sample {
	const char *event; /* "sale": gatepost trigger gumroad.sale */
	const char *alias; /* the platform's own name for it, or NULL */
	const char *help; /* one line */
	/* keys of the ids it may be given of what it speaks of, or NULL */
	const char *sale_key;
	const char *subscription_key;
};

struct platform {
	const char *name; /* path, config section, column: "gumroad" */
	int version; /* raised when decode's answer changes for any body */
	size_t body_max; /* bytes */
	const char *content_type; /* of the deliveries it sends */

	/* its configuration section */
	const char *secrets_key; /* "tokens" */
	const char *owner_key; /* "seller_id" */
	const char *owner_field; /* the same in a delivery */
	const char *reference_default; /* NULL: no key "reference" */
	int64_t tolerance_default; /* seconds; 0: no key "tolerance" */
	size_t secret_min; /* bytes; shorter is refused */
	size_t secret_short; /* bytes; shorter is warned of */

	/* its shops' links */
	const char *shop_host; /* "gumroad.com"; hosts below it too */
	/* the URL parameter for the app's own user id, as its sellers hand it
	 * on; NULL: what the key "reference" says */
	const char *shop_parameter;

	/* its requests */
	int token_in_path; /* /hooks/NAME/TOKEN is a route */
	const char *signature_param; /* "HTTP_GANK_SIGNATURE", or NULL */
	int refused_status; /* HTTP status for what is not verified */

	void (*verify)(
	    const struct verify_input *in, struct verify_result *out);
	/* 0, whatever the body holds: what is not understood is FACT_KEPT.
	 * -1 only without memory. */
	int (*decode)(struct str body, const struct decode_opts *opts,
	    struct arena *a, struct fact *out, struct err *e);
	/*
	 * The same facts without the person: ids of sale, subscription,
	 * product and seller, money, quantity, variants, period, flags and
	 * times stay, so that decode tells the fold the same; nothing that a
	 * buyer typed does, nor any id of the buyer. What decode keeps
	 * without an address given comes out as a body it keeps as well.
	 * Pure, like decode. 0, or -1 without memory.
	 */
	int (*redact)(struct str body, const struct redact_opts *opts,
	    struct arena *a, struct redacted *out, struct err *e);
	/* All that was read, as `gatepost decode` prints it under "facts": a
	 * new reference, or NULL when nothing is readable. */
	json_t *(*describe)(const struct fact *f);
	/* What the sender would have put on the wire for that body: the header
	 * "Name: value" that proves it, empty when the proof is in the URL. */
	int (*sign)(struct str body, struct str secret, int64_t now,
	    struct buf *header, struct err *e);
	/* A delivery as the sender makes it, marked as a test. */
	int (*sample)(const struct platform_sample *which,
	    const struct sample_opts *opts, struct arena *a, struct str *body,
	    struct err *e);
	/* The key to set so that a sample fits a grant with that name or id in
	 * that part; NULL: none of that sample's keys does. */
	const char *(*sample_key)(const struct platform_sample *which,
	    enum sample_part part, struct str value);
	const struct platform_sample *samples; /* ended by event NULL */
};

/* Shared by decoders: is s fit for an identifier column? Returns s, or
 * STR_NONE when it is not 1 to FACT_ID_MAX bytes of UTF-8 without control
 * characters. */
struct str platform_identifier(struct str s);
/* The same for an address: trimmed, lower-cased in ASCII, has an '@'. */
struct str platform_email(struct arena *a, struct str s);
/* The same for a licence key: trimmed, upper-cased in ASCII. */
struct str platform_license(struct arena *a, struct str s);

const struct platform *platform_find(struct str name); /* NULL: unknown */
size_t platform_index(const struct platform *p);

extern const struct platform platform_gumroad;
extern const struct platform platform_gank;

#define PLATFORM_LIST &platform_gumroad, &platform_gank
enum { PLATFORM__MAX = 2 };
extern const struct platform *const platforms[PLATFORM__MAX];

#endif
