#include "platform/gank/gank.h"

/* The bodies of Gank's page, in its order and with its values; addresses, which
 * it hides, are examples. */
#define CREATOR "\"creator_user_id\":\"fba1aaba-ffb5-42ae-8571-6ec0eb337802\","

const struct platform_sample gank_samples[] = {
	{ "membership", GANK_EVENT_MEMBERSHIP,
	    "a month of a membership is paid",
	    .body =
		"{\"data\":{\"human_id\":\"" GANK_TEST_MEMBERSHIP "{fresh}\","
		"\"usecase_data\":{\"data\":{\"billing_period\":1,"
		"\"is_fee_covered\":true,"
		"\"price_event_id\":\"2f0f05c6-9760-41af-8201-"
		"1cec61aa2421\"," CREATOR
		"\"membership_title\":\"Test Membership! <>&...\","
		"\"subscriber_user_id\":\"4758a84f-c541-4e7a-b2b1-"
		"8bf76e05f177\","
		"\"custom_reference_id\":null,"
		"\"creator_user_nickname\":\"notruff4\","
		"\"subscriber_user_email\":\"member@example.com\","
		"\"is_fee_covered_forever\":true,"
		"\"subscriber_user_nickname\":\"notruffX9VpAK6\"},"
		"\"usecase\":\"USER_MEMBERSHIP_RECURRING\"},"
		"\"payment_status\":\"" GANK_STATUS "\"},"
		"\"event\":\"" GANK_EVENT_MEMBERSHIP "\"}" },
	{ "goods", GANK_EVENT_GOODS, "a shop listing is bought",
	    .body =
		"{\"event\":\"" GANK_EVENT_GOODS "\","
		"\"data\":{\"human_id\":\"" GANK_TEST_GOODS "{fresh}\","
		"\"usecase_data\":{\"data\":{"
		"\"catalog_id\":\"4ae9d5c2-959f-42d6-a463-6c0003c95c8c\","
		"\"buyer_user_id\":\"211376af-da75-4592-b0ab-d92216cb6101\","
		"\"catalog_title\":\"Test Listing 26/02/27T10:14!\","
		"\"discount_code\":null,\"is_fee_covered\":true," CREATOR
		"\"buyer_user_email\":\"buyer@example.com\","
		"\"catalog_price_id\":\"77b2db34-6ea5-40e6-bb7b-ad62e3efcf2c\","
		"\"buyer_user_nickname\":\"notruff5\","
		"\"custom_reference_id\":null,"
		"\"creator_user_nickname\":\"notruff4\"},"
		"\"usecase\":\"DIGITAL_GOODS\"},"
		"\"payment_status\":\"" GANK_STATUS "\"}}" },
	{ 0 },
};

/* Go's encoding/json, in which Gank is written, escapes <, >, & and the two
 * line separators within texts; elsewhere JSON has none of them. */
static struct str
as_go(struct arena *a, struct str json)
{
	struct buf b;
	buf_init(&b, 6 * json.n + 1);
	for (size_t i = 0; i < json.n;) {
		struct str rest = { json.p + i, json.n - i };
		unsigned char c = (unsigned char)rest.p[0];
		if (c == '<' || c == '>' || c == '&') {
			buf_addf(&b, "\\u%04x", (unsigned)c);
			i++;
		} else if (str_starts(rest, STR("\xE2\x80\xA8")) ||
		    str_starts(rest, STR("\xE2\x80\xA9"))) {
			buf_addf(
			    &b, "\\u20%02x", (unsigned char)rest.p[2] & 0x7FU);
			i += 3;
		} else {
			buf_addc(&b, (char)c);
			i++;
		}
	}
	struct str out = { str_z(a, buf_str(&b)), b.n };
	buf_free(&b);
	return out;
}

static int
is_goods(const struct platform_sample *which)
{
	return str_eq_z(str_from(which->event), "goods");
}

/* Two references are two people, and the same one again is the same person: a
 * membership's payments add up by payer. So the reference, where it is set,
 * makes the payer's id, where that is not. */
int
gank_sample(const struct platform *p, const struct platform_sample *which,
    const struct sample_opts *opts, struct arena *a, struct str *body,
    struct err *e)
{
	struct str id = STR_NONE;
	struct sample_opts with = *opts;
	struct str *keys = arena_alloc(a, (opts->n_sets + 1) * sizeof(*keys));
	struct str *values =
	    arena_alloc(a, (opts->n_sets + 1) * sizeof(*values));
	if (keys == NULL || values == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < opts->n_sets; i++) {
		keys[i + 1] = opts->keys[i];
		values[i + 1] = opts->values[i];
		if (str_eq_z(opts->keys[i], "custom_reference_id"))
			id = document_uuid(a, opts->values[i]);
	}
	keys[0] =
	    is_goods(which) ? STR("buyer_user_id") : STR("subscriber_user_id");
	values[0] = id;
	with.keys = keys + (id.p == NULL);
	with.values = values + (id.p == NULL);
	with.n_sets += id.p != NULL;
	if (document_sample(p, which, &with, a, body, e) != 0)
		return -1;
	*body = as_go(a, *body);
	return body->p != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

/* The product, membership or goods, is the event's. */
const char *
gank_sample_key(const struct platform *p, const struct platform_sample *which,
    enum sample_part part, struct str value)
{
	int is_id = value.n == 36 && value.p[8] == '-' && value.p[13] == '-' &&
	    value.p[18] == '-' && value.p[23] == '-';
	(void)p;
	if (part == SAMPLE_PRODUCT)
		return NULL;
	if (is_id)
		return is_goods(which) ? "catalog_id" : "price_event_id";
	return is_goods(which) ? "catalog_title" : "membership_title";
}
