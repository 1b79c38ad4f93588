#include "cgi/web/apikey.h"

#include "base/crypto.h"

int
apikey_fits(const struct app *app, const struct request *r, struct reply *p)
{
	struct str scheme, key;
	const struct config_list *keys = &app->config->api_keys;
	int fits = 0, failed = 0, equal;
	if (str_cut(request_authorization(r), ' ', &scheme, &key) &&
	    str_eq_fold(scheme, STR("Bearer"))) {
		key = str_trim(key);
		for (size_t i = 0; i < keys->n; i++) {
			failed |= crypto_equal_text(key, keys->v[i], &equal);
			fits |= equal;
		}
	}
	if (!fits && failed) {
		reply_header(p, "Retry-After", STR("5"));
		reply_error(p, 503, "memory", "too busy now; try again");
	} else if (!fits) {
		reply_header(p, "WWW-Authenticate", STR("Bearer"));
		reply_error(p, 401, "api_key",
		    keys->n == 0 ? "no api_keys in the configuration"
				 : "send Authorization: Bearer, then a key of "
				   "api_keys");
	}
	return fits;
}
