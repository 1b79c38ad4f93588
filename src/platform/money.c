#include "platform/money.h"

#include <inttypes.h>
#include <string.h>

enum { CODE = 3, UNITS_MAX = 1000000000 }; /* a code's length; whole units */

/* Those that do not have two: ISO 4217. */
static const char none[] =
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
static const char three[] = "BHD IQD JOD KWD LYD OMR TND";

static int
is_in(const char *codes, struct str currency)
{
	for (; codes[0] != '\0'; codes += codes[CODE] == ' ' ? CODE + 1 : CODE)
		if (str_eq_fold(currency, (struct str){ codes, CODE }))
			return 1;
	return 0;
}

int
money_digits(struct str currency)
{
	return is_in(none, currency) ? 0 : is_in(three, currency) ? 3 : 2;
}

int
money_parse(struct str text, struct str currency, int64_t *minor)
{
	struct str whole, part;
	int64_t v, digits = money_digits(currency);
	if (str_cut(text, '.', &whole, &part) && part.n == 0)
		return -1;
	if (str_has_byte(whole, '-') || str_int64(whole, 0, UNITS_MAX, &v) != 0)
		return -1;
	for (size_t i = 0; i < part.n || digits > 0; i++) {
		char c = i < part.n ? part.p[i] : '0';
		if (c < '0' || c > '9' || (digits == 0 && c != '0'))
			return -1;
		if (digits == 0)
			continue;
		v = 10 * v + (c - '0');
		digits--;
	}
	*minor = v;
	return 0;
}

void
money_add(struct buf *b, int64_t minor, struct str currency)
{
	int digits = money_digits(currency);
	uint64_t v = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	uint64_t unit = digits == 0 ? 1 : digits == 2 ? 100 : 1000;
	buf_addf(b, "%s%" PRIu64, minor < 0 ? "-" : "", v / unit);
	if (digits > 0)
		buf_addf(b, ".%0*" PRIu64, digits, v % unit);
}
