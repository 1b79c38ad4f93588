/* What platforms' APIs say: any bytes, of each kind, decoded and redacted. */
#include "delivery.h"

static const struct platform *asked;
static struct str kind;

static int
decode_kind(const struct platform *p, struct str body,
    const struct decode_opts *opts, struct arena *a, struct fact *out,
    struct err *e)
{
	(void)opts;
	return asked->api->decode(p, kind, body, a, out, e);
}

static int
redact_kind(const struct platform *p, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e)
{
	return asked->api->redact(p, kind, body, opts, a, out, e);
}

static json_t *
describe_kind(const struct platform *p, const struct fact *f)
{
	return asked->api->describe(p, f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct platform p = { .name = "gumroad",
		.decode = decode_kind,
		.redact = redact_kind,
		.describe = describe_kind };
	static const char *const kinds[] = { PLATFORM_READBACK,
		PLATFORM_SUBSCRIBER, PLATFORM_ABSENT };
	asked = &platform_gumroad;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		kind = str_from(kinds[i]);
		check_delivery(&p, fuzz_input(data, n));
	}
	asked = &platform_gank;
	kind = STR(PLATFORM_SUBSCRIBER);
	check_delivery(&p, fuzz_input(data, n));
	return 0;
}
