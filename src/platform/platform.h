#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

/*
 * The room platform: what comes in. In: a request's bytes, and secrets. Out: is
 * it genuine, and what it says: a struct fact. Decoding is pure.
 * Keeps the promises that nothing unverified changes anything, and that it is
 * verified before it is parsed.
 *
 * A platform that only posts is one file that ends in a const struct platform,
 * and one line in list.h. What decoders do alike stands beside: proof.h
 * verifies, document.h reads JSON by a table of fields and also erases,
 * describes and makes samples by it, money.h counts, redact.h takes out an
 * address. One that has more of its own is a folder.
 */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "platform/fact.h"

struct platform;

/* What proves where a delivery comes from. Slices are borrowed. */
struct verify_input {
	struct str body; /* the bytes received, before any parsing */
	struct str path_token; /* /hooks/NAME/TOKEN, percent-decoded */
	struct str authorization; /* the Authorization header */
	struct str signature; /* the header named by proof.param */
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

/* What the verifiers of proof.h have to know; what one does not read is 0. */
struct platform_proof {
	const char *header; /* "Gank-Signature"; NULL: it is in no header */
	const char *param; /* as a CGI variable: "HTTP_GANK_SIGNATURE" */
	const char *hash; /* of the HMAC, by OpenSSL's name: "SHA256" */
	/* the header is a list of KEY=VALUE: t=1700000000,v1=… */
	const char *time_key;
	const char *mac_key;
	char separator; /* between its items */
	char joiner; /* between time and body where they are signed */
	const char *token; /* the field of the body that holds the secret */
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
	const char *body; /* JSON, where document_sample makes it */
	const char *variant_key; /* and its key for the variant of a grant */
};

/* Of probe.h: events.kind and the reason; what stands where a sender puts its
 * word for the event, and no sender has that word; a key that makes it long. */
#define PLATFORM_PROBE "probe"
#define PLATFORM_PROBE_EVENT "gatepost.probe"
#define PLATFORM_FILLER "filler"

/* Where deliveries go to, for the texts that say how it is set up there. */
struct platform_site {
	struct str base; /* "https://example.org" */
	struct str secret; /* the first one, or STR_NONE */
	struct str reference;
};

/* What `gatepost setup` asks for, or takes as an option: a key of the platform's
 * section. In texts {hook} is the address that deliveries go to. */
struct platform_setting {
	const char *option; /* "gumroad-token-file": --gumroad-token-file */
	const char *key; /* "api_token" */
	int is_list; /* the key takes several: in front of those there */
	int is_secret; /* the option names a file that holds it */
	const char *help; /* of the option: one line */
	const char *question; /* on a terminal; NULL: it is not asked there */
	const char *about; /* what it is for, how to get it: lines */
};

/* How a person is told about it; whole sentences but for title. */
struct platform_words {
	const char *title; /* "Gumroad" */
	const char *page; /* where a URL with a token is put in there, as the
			     start of a sentence; or NULL */
	const char *secret; /* where its secret is shown; NULL: we make it */
	const char *resend; /* how what was lost is sent again, or NULL */
	/* The kinds it sends only after they were asked for, ended by NULL,
	 * and what to do about those that never came; or NULL. */
	const char *const *extra_kinds;
	const char *extra;
	const char *limits; /* what it never tells, or NULL */
	/* how it is made to send a test of its own: lines with {hook}, as in
	 * a setting; or NULL */
	const char *own_test;
};

/*
 * What a platform knows and can be asked for. An answer is stored as a delivery
 * of one of these kinds, which no post can have: who has the secret of a ping
 * URL can post what he likes, and must not answer for the platform.
 */
#define PLATFORM_READBACK "readback" /* a sale */
#define PLATFORM_SUBSCRIBER "subscriber" /* a membership */
/* There is no such sale, or one that was never paid: an ordinary one that the
 * list of its day does not show. */
#define PLATFORM_ABSENT "absent"
int platform_is_reading(struct str kind);

/* What is asked. */
enum platform_ask {
	ASK_ACCOUNT, /* whose token it is */
	ASK_PRODUCTS, /* a page: id */
	ASK_SALES, /* a page of those of some days, newest first */
	ASK_SALE, /* one: id */
	ASK_MEMBERS, /* a page of a product's: product; where products cannot
			be asked for, of all */
	ASK_MEMBER, /* one: id */
	ASK_REGISTERED, /* the URLs that get a kind: kind */
	ASK_REGISTER, /* one more: kind, url */
	ASK_UNREGISTER, /* one less: id */
	ASK_MORE, /* what a token of api->scope alone may not ask */
	ASK__MAX
};

struct platform_question {
	enum platform_ask what;
	struct str from_day, to_day; /* 2026-11-04, both included */
	struct str page; /* of the answer before; STR_NONE: the first */
	int number; /* of the page, from 1 on: of a list of all members */
	struct str id, product, kind, url;
};

struct platform_request {
	const char *method;
	const char *path; /* behind the API's address, with its query */
	struct str body; /* a form; may be empty */
};

enum platform_said {
	SAID_FINE,
	SAID_ABSENT, /* there is no such thing */
	SAID_TOKEN, /* the token is dead */
	SAID_SCOPE, /* it may not ask that */
	SAID_WAIT, /* too often, or it is down: later */
	SAID_TOO_MUCH, /* ask for fewer days */
	SAID_REFUSED, /* the question is wrong: never again */
	SAID_BROKEN, /* what came is no answer of this API's */
};

struct platform_answer {
	const json_t *objects; /* an array; or NULL where it is */
	const json_t *object; /* one */
	struct str next; /* question.page of the next one; STR_NONE: none */
	int64_t total; /* objects on all pages; of a list of all members */
	struct str words; /* its own, where it refuses; may be STR_NONE */
};

/* What else is known when an object is read. */
struct platform_known {
	const json_t *account; /* of ASK_ACCOUNT */
	struct str account_id; /* as deliveries name it; STR_NONE: unknown */
	const json_t *products; /* those of ASK_PRODUCTS, by their id */
	int listed; /* it came with a page of sales */
};

struct platform_offer {
	struct str variant; /* as sales have it; STR_NONE: the product */
	int64_t price; /* minor units; of a month, where it is paid monthly */
};

struct platform_api {
	const char *address; /* where the settings name none */
	const char *token_key; /* in them: "api_token" */
	const char *scope; /* that the token needs: "view_sales"; or NULL */
	const char *token_words; /* what it is for, and where one is made */
	const char *reconcile; /* how often, where the settings do not say */
	unsigned asks; /* bits 1U << ASK_…: what it can be asked */
	/* where it cannot be asked for the account: the begin of the subjects
	 * of memberships, behind which stand the owner's id and ':' */
	const char *owner_behind;
	int confirms; /* a sale that was posted can be looked up */
	int64_t oldest; /* no sale is older; seconds */
	const char *const *kinds; /* of ASK_REGISTER, ended by NULL; or NULL */
	/* The request; -1 without memory. Pure. */
	int (*request)(const struct platform_question *q, struct arena *a,
	    struct platform_request *out, struct err *e);
	/* What came: its bytes, and its JSON, NULL where they are none. Pure;
	 * slices live in the JSON. */
	enum platform_said (*judge)(const struct platform_question *q,
	    long status, struct str raw, const json_t *body,
	    struct platform_answer *out);
	/* The object as a stored reading of that kind has it: what is used of
	 * it, and no more. Once more it changes nothing. A new reference;
	 * NULL: it is none. */
	json_t *(*reduce)(struct str kind, const json_t *object);
	/* Adds to a reduced object what it alone does not tell. */
	int (*know)(struct str kind, json_t *reduced, const json_t *object,
	    const struct platform_known *known);
	/* The id of an object of the API's; of the account: the one that
	 * deliveries have. STR_NONE: it has none. */
	struct str (*id)(const json_t *object);
	/* Of an object of ASK_PRODUCTS: names, variants, product_id and
	 * product_name as sales have them; as quantity how many were sold,
	 * where it says so. Texts live in it. NULL: there are no products. */
	void (*product)(const json_t *object, struct fact *out);
	/* What of an object of ASK_PRODUCTS a tier can stand for: the tiers of
	 * a membership, else the product itself; at most max, their number.
	 * Texts live in it. NULL: there are no products. */
	size_t (*offers)(
	    const json_t *object, struct platform_offer *out, size_t max);
	/* The URL of an object of ASK_REGISTERED. */
	struct str (*url)(const json_t *object);
	/* As struct platform's decode, of a stored answer of that kind. */
	int (*decode)(const struct platform *p, struct str kind,
	    struct str body, struct arena *a, struct fact *out, struct err *e);
	/* As struct platform's describe. */
	json_t *(*describe)(const struct platform *p, const struct fact *f);
	/* As struct platform's redact: it never names a person but where the
	 * address is asked for. */
	int (*redact)(const struct platform *p, struct str kind,
	    struct str body, const struct redact_opts *opts, struct arena *a,
	    struct redacted *out, struct err *e);
};

struct platform {
	const char *name; /* path, config section, column: "gumroad" */
	struct platform_words words;
	int version; /* raised when decode's answer changes for any body */
	size_t body_max; /* bytes */
	const char *content_type; /* of the deliveries it sends */

	/* its configuration section */
	const char *secrets_key; /* "tokens" */
	const char *owner_key; /* "seller_id"; NULL: deliveries name no owner */
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

	/*
	 * What a grant, PLATFORM/PRODUCT[/VARIANT], looks at: PRODUCT at
	 * fact.product and fact.names, VARIANT at fact.variants and
	 * fact.variant, or, where a sale has none, at fact.names.
	 * titled: the line that `check` offers takes the product's name as the
	 * variant then, for fact.product is but a class ("membership").
	 */
	int titled;

	/* its requests */
	int token_in_path; /* /hooks/NAME/TOKEN is a route */
	int refused_status; /* HTTP status for what is not verified */
	struct platform_proof proof;
	const struct document *document; /* for the functions of document.h */
	const struct platform_api *api; /* NULL: it cannot be asked */
	const struct platform_setting *settings; /* ended by option NULL; or
						    NULL */

	/* May parse the body, but only to find the proof. Texts of *out live
	 * in it; the arena is for what is read. One of proof.h. */
	void (*verify)(const struct platform *p, const struct verify_input *in,
	    struct arena *a, struct verify_result *out);
	/* The body as it may be stored: a secret in it is blanked. NULL: there
	 * is none. 0, or -1 without memory. */
	int (*blank)(const struct platform *p, struct str body, struct arena *a,
	    struct str *out, struct err *e);
	/*
	 * What the body says. 0, whatever it holds; -1 only without memory.
	 * Pure: no clock, no file; the same body gives the same fact.
	 * What is not understood is FACT_KEPT with a reason. What is applied
	 * has a kind and a subject. delivery is 64 hex digits, always; user_ref,
	 * email, buyer and license are as platform_identifier wants them.
	 */
	int (*decode)(const struct platform *p, struct str body,
	    const struct decode_opts *opts, struct arena *a, struct fact *out,
	    struct err *e);
	/*
	 * The same facts without the person: ids of sale, subscription,
	 * product and seller, money, quantity, variants, period, flags and
	 * times stay, so that decode tells the fold the same; nothing that a
	 * buyer typed does, nor any id of the buyer. What decode keeps
	 * without an address given comes out as a body it keeps as well.
	 * Once more it changes nothing. Pure, like decode. 0, or -1 without
	 * memory.
	 */
	int (*redact)(const struct platform *p, struct str body,
	    const struct redact_opts *opts, struct arena *a,
	    struct redacted *out, struct err *e);
	/* All that was read, as `gatepost decode` prints it under "facts": a
	 * new reference, or NULL when nothing is readable. */
	json_t *(*describe)(const struct platform *p, const struct fact *f);
	/* What the sender would have put on the wire for that body: adds the
	 * value of the header that proves it. NULL: the proof is in the URL or
	 * in the body. */
	int (*sign)(const struct platform *p, struct str body,
	    struct str secret, int64_t now, struct buf *value, struct err *e);
	/* A delivery as the sender makes it, marked as a test. ERR_INPUT names
	 * the keys that can be set. */
	int (*sample)(const struct platform *p,
	    const struct platform_sample *which, const struct sample_opts *opts,
	    struct arena *a, struct str *body, struct err *e);
	/* The key to set so that a sample fits a grant with that name or id in
	 * that part; NULL: none of that sample's keys does. */
	const char *(*sample_key)(const struct platform *p,
	    const struct platform_sample *which, enum sample_part part,
	    struct str value);
	const struct platform_sample *samples; /* ended by event NULL */
	const struct platform_sample *probe; /* NULL: document.h's */
	/* What to do at the platform so that it sends here: plain text with
	 * its own headline, for `gatepost urls`. */
	void (*setup)(const struct platform *p,
	    const struct platform_site *site, struct buf *out);
};

/* Shared by decoders: is s fit for an identifier column? Returns s, or
 * STR_NONE when it is not 1 to FACT_ID_MAX bytes of UTF-8 without control
 * characters. */
struct str platform_identifier(struct str s);
/* The same for an address: trimmed, lower-cased in ASCII, has an '@'. */
struct str platform_email(struct arena *a, struct str s);
/* The same for a licence key: trimmed, upper-cased in ASCII. */
struct str platform_license(struct arena *a, struct str s);
/* The 64 hex digits of SHA-256. p NULL: no memory. */
struct str platform_digest(struct arena *a, struct str s);
/* What is kept of a sale and an address in it that was erased: the digest of
 * the sale, ":" and one of both. p NULL: no memory. */
struct str
platform_erased(struct arena *a, struct str sale, struct str address);
/* A word of the sender's for events.kind: ill-formed bytes become U+FFFD,
 * control characters '?', and it is cut between characters after 64 bytes.
 * "unknown" for a word that a reading has. */
struct str platform_word(struct arena *a, struct str s);
/* A fact that says nothing yet. */
struct fact fact_none(void);

/* What a stored delivery of that kind says: by the platform's decode, or that of
 * its api. */
int platform_decode(const struct platform *p, struct str kind, struct str body,
    const struct decode_opts *opts, struct arena *a, struct fact *out,
    struct err *e);
int platform_redact(const struct platform *p, struct str kind, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e);
struct str platform_content_type(const struct platform *p, struct str kind);
json_t *platform_describe(
    const struct platform *p, struct str kind, const struct fact *f);

const struct platform *platform_find(struct str name); /* NULL: unknown */
size_t platform_index(const struct platform *p);
/* What `check` offers as a grant's last part for a purchase with these. */
struct str
platform_variant(struct str platform, struct str variant, struct str title);

#define PLATFORM(name) extern const struct platform platform_##name;
#include "platform/list.h"
#undef PLATFORM
enum {
#define PLATFORM(name) PLATFORM_AT_##name,
#include "platform/list.h"
#undef PLATFORM
	PLATFORM__MAX
};
extern const struct platform *const platforms[PLATFORM__MAX];
/* "gumroad, gank, manual": what the column platform holds. */
extern const char platform_words[];
/* The same one by one, ended by NULL. */
extern const char *const platform_columns[];

#endif
