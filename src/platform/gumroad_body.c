#include "platform/gumroad.h"

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
};

static int
is_json(struct str body)
{
	return str_starts(str_trim(body), STR("{"));
}

static int
read_json(struct arena *a, struct str body, struct node **root,
    const char **word, struct err *e)
{
	json_t *j = json_load_strict(a, body, JSON_KEEP_NUL, word, e);
	if (j == NULL)
		return *word == NULL ? -1 : 0;
	int bad = node_from_json(a, j, root, e);
	json_decref(j);
	return bad;
}

int
gumroad_read_body(struct arena *a, struct str body, const struct node **root,
    const char **reason, const char **detail, struct err *e)
{
	const char *word = NULL;
	struct node *tree = NULL;
	*root = NULL;
	*reason = *detail = NULL;
	if (str_trim(body).n == 0) {
		*reason = "empty_body";
		*detail = "nothing was sent";
		return 0;
	}
	int bad = is_json(body)
	    ? read_json(a, body, &tree, &word, e)
	    : form_tree(a, body, FORM_UNBRACKET, &tree, &word, e);
	if (bad)
		return -1;
	*root = tree;
	for (size_t i = 0;
	     word != NULL && i < sizeof(unreadable) / sizeof(unreadable[0]);
	     i++) {
		if (strcmp(word, unreadable[i].word) == 0) {
			*reason = unreadable[i].reason;
			*detail = unreadable[i].detail;
		}
	}
	return 0;
}

static void
hash_piece(struct crypto_hash *h, struct str s)
{
	unsigned char length[8];
	for (size_t i = 0; i < sizeof(length); i++)
		length[i] = (unsigned char)((uint64_t)s.n >>
		    (8 * (sizeof(length) - 1 - i)));
	crypto_hash_add(h, length, sizeof(length));
	crypto_hash_add(h, s.p, s.n);
}

/* 1: done, 0: no readable form, -1: no memory. */
static int
digest_pairs(
    struct arena *a, struct str body, uint8_t out[CRYPTO_SHA256], struct err *e)
{
	struct form_walk w = { .rest = body };
	struct form_pair pair;
	const char *reason;
	int more;
	struct crypto_hash *h = crypto_hash_new();
	if (h == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	while ((more = form_next(&w, a, &pair, &reason, e)) > 0) {
		/* a retry is the same body with retry_count at its end */
		if (str_eq_z(pair.key, "retry_count"))
			continue;
		hash_piece(h, pair.key);
		hash_piece(h, pair.value);
	}
	int bad = crypto_hash_end(h, out);
	crypto_hash_free(h);
	if (more < 0)
		return reason != NULL ? 0 : -1;
	return bad ? err_set(e, ERR_SYSTEM, "SHA-256 failed") : 1;
}

int
gumroad_digest(
    struct arena *a, struct str body, uint8_t out[CRYPTO_SHA256], struct err *e)
{
	int done = is_json(body) ? 0 : digest_pairs(a, body, out, e);
	if (done < 0)
		return -1;
	if (done == 0 && crypto_sha256(body, out) != 0)
		return err_set(e, ERR_SYSTEM, "SHA-256 failed");
	return 0;
}
