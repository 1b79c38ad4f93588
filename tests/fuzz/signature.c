/* A signature header and a body, a line end between them. */
#include "platform/proof.h"

#include "fuzz.h"

#define NOW INT64_C(1700000000)

static const struct str secrets[] = { { "whsec_test_secret", 17 },
	{ "another secret of ours", 22 } };
enum { TOLERANCE = 300, N_SECRETS = 2 };

/* Does one of the MACs that fit stand in the header? */
static int
stands_there(const struct verify_input *in, int64_t t)
{
	int found = 0;
	for (size_t i = 0; i < in->n_secrets; i++) {
		struct buf b;
		buf_init(&b, PROOF_TEXT_MAX + 1);
		HOLD(proof_make_timed(&platform_gank, in->body, in->secrets[i],
			 t, &b, NULL) == 0);
		const char *mac = strstr(b.p, "v1=") + 3;
		for (size_t k = 0; k + 64 <= in->signature.n; k++)
			found |= strncasecmp(mac, in->signature.p + k, 64) == 0;
		buf_free(&b);
	}
	return found;
}

static void
check_answer(const struct verify_input *in)
{
	struct verify_result r, again;
	proof_timed(&platform_gank, in, NULL, &r);
	proof_timed(&platform_gank, in, NULL, &again);
	HOLD(r.answer == again.answer && r.sent_at == again.sent_at);
	HOLD(strcmp(r.by, again.by) == 0 && strlen(r.by) <= VERIFIED_BY_LEN);
	HOLD(r.answer != VERIFY_CONFIG_ERROR);
	HOLD((r.answer == VERIFY_NO_SIGNATURE) == (in->signature.n == 0));
	if (r.answer != VERIFY_VALID && !r.right_key)
		return;
	HOLD(r.sent_at >= 0 && r.by[0] != '\0');
	HOLD(stands_there(in, r.sent_at));
	int64_t age = in->now - r.sent_at;
	if (r.answer == VERIFY_VALID)
		HOLD(age <= in->tolerance && -age <= in->tolerance);
	else
		HOLD(age > in->tolerance || -age > in->tolerance);
}

/* What is signed here is valid, and not with one bit of the body changed. */
static void
check_made(struct str body, struct arena *a)
{
	struct buf b;
	struct verify_result r;
	buf_init(&b, PROOF_TEXT_MAX + 1);
	HOLD(proof_make_timed(
		 &platform_gank, body, secrets[1], NOW, &b, NULL) == 0);
	struct verify_input in = { .body = body,
		.signature = buf_str(&b),
		.secrets = secrets,
		.n_secrets = N_SECRETS,
		.now = NOW,
		.tolerance = TOLERANCE };
	proof_timed(&platform_gank, &in, NULL, &r);
	HOLD(r.answer == VERIFY_VALID && r.sent_at == NOW);
	char *changed = arena_dup(a, body.p, body.n);
	if (body.n > 0) {
		changed[body.n / 2] ^= 1;
		in.body = (struct str){ changed, body.n };
		proof_timed(&platform_gank, &in, NULL, &r);
		HOLD(r.answer == VERIFY_MISMATCH);
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = fuzz_input(data, n), header, body;
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	str_cut(text, '\n', &header, &body);
	struct verify_input in = { .body = body,
		.signature = header,
		.secrets = secrets,
		.n_secrets = N_SECRETS,
		.now = NOW,
		.tolerance = TOLERANCE };
	check_answer(&in);
	check_made(body, a);
	arena_free(a);
	return 0;
}
