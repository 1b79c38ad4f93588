#include "platform/platform.h"

const struct platform *const platforms[PLATFORM__MAX] = { PLATFORM_LIST };

const char *const verify_words[VERIFY__MAX] = {
	[VERIFY_VALID] = "valid",
	[VERIFY_NO_SIGNATURE] = "no_signature",
	[VERIFY_BAD_HEADER] = "bad_header",
	[VERIFY_TOO_OLD] = "too_old",
	[VERIFY_MISMATCH] = "mismatch",
	[VERIFY_CONFIG_ERROR] = "config_error",
};

const struct platform *
platform_find(struct str name)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (str_eq_z(name, platforms[i]->name))
			return platforms[i];
	return NULL;
}

size_t
platform_index(const struct platform *p)
{
	size_t i = 0;
	while (i + 1 < PLATFORM__MAX && platforms[i] != p)
		i++;
	return i;
}

struct str
platform_identifier(struct str s)
{
	if (s.p == NULL || s.n == 0 || s.n > FACT_ID_MAX || !str_is_utf8(s) ||
	    str_has_control(s))
		return STR_NONE;
	return s;
}

struct str
platform_email(struct arena *a, struct str s)
{
	s = platform_identifier(str_trim(s));
	if (s.p == NULL || !str_has_byte(s, '@'))
		return STR_NONE;
	return str_lower(a, s);
}

struct str
platform_license(struct arena *a, struct str s)
{
	s = platform_identifier(str_trim(s));
	return s.p == NULL ? s : str_upper(a, s);
}
