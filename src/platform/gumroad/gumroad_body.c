#include "platform/gumroad/gumroad.h"

#include <string.h>

#include "base/crypto.h"
#include "base/form.h"
#include "base/json.h"

/* What base/form.h and base/json.h say, for a person. */
static const struct {
	const char *word;
	const char *reason;
	const char *detail;
} unreadable[] = {
	{ "bad_encoding", "bad_encoding", "a % that no two hex digits follow" },
	{ "too_large", "too_large", "more keys than a delivery can have" },
	{ "too_deep", "too_deep", "nested too deeply" },
	{ "wrong_type", "wrong_type", "a key is a text and a map at once" },
	{ "not_json", "not_json", "begins with { and is not JSON" },
	{ "not_utf8", "not_json", "JSON that is not UTF-8" },
	{ "not_object", "not_object", "JSON that is not an object" },
	{ "duplicate_key", "duplicate_key", "a key of the JSON comes twice" },
	{ "contradiction", "duplicate_key",
	    "a flat key and a nested one of the JSON tell different things" },
};

static int
read_json(struct arena *a, struct str body, struct node **root,
    const char **word, struct err *e)
{
	json_t *j = json_load_strict(a, body, JSON_KEEP_NUL, word, e);
	if (j == NULL)
		return *word == NULL ? -1 : 0;
	struct err why;
	int bad = node_from_json(a, j, root, &why);
	json_decref(j);
	if (bad && why.code == ERR_LIMIT) {
		*root = NULL;
		*word = "too_large";
		return 0;
	}
	if (bad)
		return err_set(e, why.code, "%s", why.text);
	struct form_opts opts = { .unbracket = 1 };
	return form_nest(a, &opts, *root, word, e);
}

/* Collects small pieces: a call of the hash costs as much as some bytes. */
struct digest {
	struct crypto_hash *hash;
	size_t n;
	unsigned char held[1024];
};

static void
digest_flush(struct digest *d)
{
	crypto_hash_add(d->hash, d->held, d->n);
	d->n = 0;
}

static void
digest_add(struct digest *d, const void *p, size_t n)
{
	if (n > sizeof(d->held) - d->n)
		digest_flush(d);
	if (n > sizeof(d->held)) {
		crypto_hash_add(d->hash, p, n);
	} else if (n > 0) {
		memcpy(d->held + d->n, p, n);
		d->n += n;
	}
}

static void
digest_piece(struct digest *d, struct str s)
{
	/* a body has 1 MiB at most: four bytes hold any length */
	const unsigned char length[] = { (unsigned char)(s.n >> 24 & 0xFF),
		(unsigned char)(s.n >> 16 & 0xFF),
		(unsigned char)(s.n >> 8 & 0xFF), (unsigned char)(s.n & 0xFF) };
	digest_add(d, length, sizeof(length));
	digest_add(d, s.p, s.n);
}

static void
digest_pair(void *digest, const struct form_pair *pair)
{
	/* a retry is the same body with retry_count at its end */
	if (str_eq(pair->key, STR("retry_count")))
		return;
	digest_piece(digest, pair->key);
	digest_piece(digest, pair->value);
}

/* *digested: out is the digest of all pairs. */
static int
read_form(struct arena *a, struct str body, struct gumroad_body *out,
    struct node **root, const char **word, int *digested, struct err *e)
{
	struct form_opts opts = { .unbracket = 1, .each = digest_pair };
	struct digest d;
	d.hash = crypto_hash_new();
	d.n = 0;
	if (d.hash == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	opts.ctx = &d;
	int bad = form_tree(a, body, &opts, root, word, e);
	digest_flush(&d);
	if (crypto_hash_end(d.hash, out->digest) != 0 && !bad)
		bad = err_set(e, ERR_SYSTEM, "SHA-256 failed");
	crypto_hash_free(d.hash);
	*digested = *word == NULL ||
	    (strcmp(*word, "bad_encoding") != 0 &&
		strcmp(*word, "too_large") != 0);
	return bad;
}

int
gumroad_read_body(
    struct arena *a, struct str body, struct gumroad_body *out, struct err *e)
{
	const char *word = NULL;
	struct node *root = NULL;
	int digested = 0, bad = 0;
	*out = (struct gumroad_body){ .root = NULL };
	if (str_trim(body).n == 0) {
		out->reason = "empty_body";
		out->detail = "nothing was sent";
	} else if (str_starts(str_trim(body), STR("{"))) {
		bad = read_json(a, body, &root, &word, e);
	} else {
		bad = read_form(a, body, out, &root, &word, &digested, e);
	}
	if (bad)
		return -1;
	if (!digested && crypto_sha256(body, out->digest) != 0)
		return err_set(e, ERR_SYSTEM, "SHA-256 failed");
	out->root = root;
	if (word == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]);
	     i++) {
		if (strcmp(word, unreadable[i].word) == 0) {
			out->reason = unreadable[i].reason;
			out->detail = unreadable[i].detail;
		}
	}
	return 0;
}
