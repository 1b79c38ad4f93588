/* A pass: header and claims as JSON, a line end between them, signed here; and
 * the same bytes as a token, which nobody has signed. */
#include "access/pass.h"

#include "base/base64.h"
#include "base/crypto.h"
#include "fuzz.h"
#include "secrets.h"

static void
sign(struct buf *b, struct str header, struct str claims)
{
	uint8_t sum[CRYPTO_SHA256];
	base64_add_url(b, header);
	buf_addc(b, '.');
	base64_add_url(b, claims);
	struct str text = buf_str(b);
	HOLD(crypto_hmac_sha256(secrets[1], &text, 1, sum) == 0);
	buf_addc(b, '.');
	base64_add_url(b, (struct str){ (const char *)sum, sizeof(sum) });
}

static int
holds(struct str s, const char *z)
{
	return memmem(s.p, s.n, z, strlen(z)) != NULL;
}

/* A pass that was taken: for one person, in its time, ours, and the pass made
 * anew for the same person is taken as well. */
static void
check_taken(
    const struct pass *p, struct str header, struct str claims, struct arena *a)
{
	struct pass again;
	struct buf b;
	HOLD(p->expires + PASS_LEEWAY > NOW && p->expires <= PASS_TIME_MAX);
	HOLD(p->key.value.n > 0 && p->key.id.n > 0);
	HOLD(str_is_utf8(p->key.value) && !str_has_control(p->key.value));
	HOLD(holds(header, "alg") || holds(header, "\\u"));
	HOLD(holds(claims, "exp") || holds(claims, "\\u"));
	buf_init(&b, PASS_MAX);
	HOLD(pass_make(&config, &p->key, NOW, 60, &b, NULL) == 0);
	HOLD(pass_verify(&config, buf_str(&b), NOW, a, &again) == 0);
	HOLD(again.key.by == p->key.by && str_eq(again.key.id, p->key.id));
	HOLD(fuzz_same(again.key.platform, p->key.platform));
	HOLD(pass_verify(
		 &config, buf_str(&b), NOW + 60 + PASS_LEEWAY, a, &again) != 0);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = fuzz_input(data, n), header, claims;
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct pass p;
	struct buf b;
	HOLD(pass_verify(&config, text, NOW, a, &p) != 0);
	str_cut(text, '\n', &header, &claims);
	buf_init(&b, 1 << 20);
	sign(&b, header, claims);
	HOLD(buf_ok(&b));
	if (pass_verify(&config, buf_str(&b), NOW, a, &p) == 0) {
		check_taken(&p, header, claims, a);
		/* any other last digit of the signature's, or none */
		for (size_t cut = 1; cut < 3; cut++) {
			struct str less = { b.p, b.n - cut };
			HOLD(pass_verify(&config, less, NOW, a, &p) != 0);
		}
	} else {
		HOLD(p.key.id.p == NULL && p.expires == 0);
	}
	buf_free(&b);
	arena_free(a);
	return 0;
}
