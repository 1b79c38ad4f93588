/* gatepost.conf from a file in memory. FUZZ_SECRET in the environment stands
 * for a secret that no message may show. */
#include "config/config.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define PLANTED "planted-secret-of-thirty-two-bytes"

enum { WARNINGS_MAX = 32, SECRET_MIN = 16 };

static void
check_secrets(const struct config_list *l, size_t min)
{
	for (size_t i = 0; i < l->n; i++)
		HOLD(l->v[i].n >= min);
}

static void
check_config(const struct config *c)
{
	HOLD(c->threads >= 1 && c->streams >= 0);
	HOLD(c->database != NULL && c->n_warnings <= WARNINGS_MAX);
	check_secrets(&c->api_keys, SECRET_MIN);
	check_secrets(&c->pass_secrets, 2 * (size_t)SECRET_MIN);
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		HOLD(c->rules.grace[i] >= 0);
		check_secrets(
		    &c->platforms[i].secrets, platforms[i]->secret_min);
	}
	for (size_t i = 0; i < c->rules.n_tiers; i++) {
		const struct tier *t = &c->rules.tiers[i];
		HOLD(t->name.n > 0 && tier_find(&c->rules, t->name) == t);
		for (size_t k = 0; k < t->n_grants; k++)
			HOLD(t->grants[k].product.n > 0);
	}
	for (size_t i = 0; i < c->n_buys; i++) {
		HOLD(c->buys[i].name.n > 0 && c->buys[i].seconds > 0);
		HOLD(c->buys[i].url.n > 0);
		HOLD(c->buys[i].url.n <= CONFIG_URL_MAX);
		HOLD(!str_has_control(c->buys[i].url));
	}
}

/* Messages name titles and files, where a secret has no business. */
static void
check_text(const char *text)
{
	static const char *const named[] = { "_file", "tier", "buy", "files '",
		"http '", "mail '", "exec '", "forward '",
		"argv: ", "sendmail: ", "template: ", "download: " };
	HOLD(strchr(text, '\n') == NULL);
	if (strstr(text, PLANTED) == NULL)
		return;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (strstr(text, named[i]) != NULL)
			return;
	fprintf(stderr, "%s\n", text);
	abort();
}

static struct config *
load(int fd, struct err *e)
{
	char path[64];
	struct config *c;
	*e = (struct err){ .code = ERR_NONE };
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int rc = config_load(path, &c, e);
	HOLD((rc == 0) == (c != NULL));
	HOLD(rc == 0 || e->code == ERR_CONFIG || e->code == ERR_MEMORY);
	HOLD(rc == 0 || strncmp(e->text, path, strlen(path)) == 0);
	return c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e, again;
	setenv("FUZZ_SECRET", PLANTED, 1);
	int fd = memfd_create("gatepost.conf", MFD_CLOEXEC);
	HOLD(fd >= 0 && fchmod(fd, 0600) == 0);
	HOLD(write(fd, data, n) == (ssize_t)n);
	struct config *c = load(fd, &e), *d = load(fd, &again);
	HOLD((c == NULL) == (d == NULL) && strcmp(e.text, again.text) == 0);
	check_text(e.text);
	if (c != NULL) {
		check_config(c);
		for (size_t i = 0; i < c->n_warnings; i++) {
			check_text(c->warnings[i]);
			HOLD(strcmp(c->warnings[i], d->warnings[i]) == 0);
		}
	}
	config_free(c);
	config_free(d);
	close(fd);
	return 0;
}
