#include "test.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/time.h"
#include "store/truth.h"
#include "store/store.h"

/* gatepost export, subscriptions and members, as a user runs them. */

enum {
	OUT_MAX = 128 * 1024 * 1024,
	LARGE = 48, /* events */
	LARGE_BYTES = 1024 * 1024,
	RESIDENT_MAX = 40 * 1024, /* KiB */
};

static char folder[] = "/tmp/t_export.XXXXXX";
static char command[512];
static struct store *store;
static struct buf out;
static int exit_code;

/* What a command prints. */
static struct str
run(const char *arguments)
{
	char line[1024], piece[65536];
	const char *top = getenv("top_builddir");
	size_t n;
	snprintf(line, sizeof(line), "%s/gatepost -c %s/gatepost.conf %s 2>&1",
	    top == NULL ? "." : top, folder, arguments);
	snprintf(command, sizeof(command), "%s", arguments);
	buf_reset(&out);
	FILE *f = popen(line, "r");
	while (f != NULL && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&out, piece, n);
	exit_code = f == NULL ? -1 : pclose(f) >> 8;
	return buf_str(&out);
}

static struct store_purchase
sale(const char *id, const char *email)
{
	return (struct store_purchase){ .platform = STR("gumroad"),
		.sale = str_from(id),
		.email = str_from(email),
		.price = 900,
		.currency = STR("USD"),
		.quantity = 1,
		.sold_at = 1775037600,
		.refunded_at = STORE_NULL,
		.disputed_at = STORE_NULL,
		.dispute_won_at = STORE_NULL,
		.tier = STR("pro"),
		.since = 1775037600,
		.paid_until = STORE_NULL,
		.until = STORE_NULL,
		.refunded_amount = STORE_NULL,
		.revoked_at = STORE_NULL,
		.confirmed_at = STORE_NULL,
		.subject = STR("sale:x") };
}

static void
put(const struct store_purchase *p)
{
	struct err e = { 0 };
	if (store_purchase_put(store, p, &e) != 0)
		OK(0, "put: %s", e.text);
}

static void
put_event(const char *delivery, struct str body)
{
	struct err e = { 0 };
	int64_t id;
	enum store_added added;
	struct store_event ev = { .platform = STR("gumroad"),
		.kind = STR("sale"),
		.delivery = str_from(delivery),
		.subject = STR("sale:x"),
		.sent_at = STORE_NULL,
		.received_at = 1775037600,
		.body = body,
		.peer = STR("192.0.2.1"),
		.status = STR("applied") };
	if (store_event_add(store, &ev, &id, &added, &e) != 0)
		OK(0, "put: %s", e.text);
}

static void
put_rows(void)
{
	struct err e;
	struct store_purchase p = sale("a", "ann@example.org");
	put(&p);
	p = sale("b", "=cmd|' /C calc'!A0");
	p.product_name = STR("say \"hi\", you\r\nthere");
	p.variant = STR("+1");
	p.user_ref = STR("-2");
	p.buyer = STR("@x");
	p.license = STR("\tx");
	p.subscription = STR("");
	p.recurrence = STR("\rx");
	put(&p);
	p = sale("c", "gone@example.org");
	p.until = 1775037700;
	put(&p);
	struct store_subscription sub = { .platform = STR("gumroad"),
		.subscription = STR("s1"),
		.tier = STR("pro"),
		.status = STR("active"),
		.since = 1775037600,
		.paid_until = 1777629600,
		.cancelled_at = STORE_NULL,
		.ended_at = STORE_NULL,
		.next_tier_at = STORE_NULL,
		.subject = STR("subscription:s1") };
	if (store_subscription_put(store, &sub, &e) != 0)
		OK(0, "put: %s", e.text);
}

#define HEAD \
	"platform,sale,subscription,product,product_name,variant,user_ref," \
	"email,buyer,license,price,currency,quantity,recurrence,test,sold_at," \
	"refunded_at,disputed_at,dispute_won_at,tier,since,paid_until,until," \
	"subject,refunded_amount,revoked_at,confirmed_at\r\n"
#define SOLD "2026-04-01T10:00:00Z"

static void
test_csv(void)
{
	test_group("csv");
	IS(run("export purchases"),
	    HEAD "\"gumroad\",\"a\",,,,,,\"ann@example.org\",,,900,\"USD\",1,,"
		 "0," SOLD ",,,,\"pro\"," SOLD ",,,\"sale:x\",,,\r\n"
		 "\"gumroad\",\"b\",\"\",,\"say \"\"hi\"\", you\r\nthere\","
		 "\"'+1\",\"'-2\",\"'=cmd|' /C calc'!A0\",\"'@x\",\"'\tx\",900,"
		 "\"USD\",1,\"'\rx\",0," SOLD ",,,,\"pro\"," SOLD
		 ",,,\"sale:x\",,,\r\n"
		 "\"gumroad\",\"c\",,,,,,\"gone@example.org\",,,900,\"USD\",1,,"
		 "0," SOLD ",,,,\"pro\"," SOLD
		 ",,2026-04-01T10:01:40Z,\"sale:x\",,,\r\n",
	    "purchases");
	IS(run("export subscriptions --format=csv"),
	    "platform,subscription,product,tier,status,since,paid_until,"
	    "cancelled_at,ended_at,ended_reason,next_tier,next_tier_at,subject"
	    "\r\n\"gumroad\",\"s1\",,\"pro\",\"active\"," SOLD
	    ",2026-05-01T10:00:00Z,,,,,,\"subscription:s1\"\r\n",
	    "subscriptions");
	IS(run("export members"),
	    "user_ref,email,buyer,platform,tier,since,until\r\n"
	    ",\"ann@example.org\",,\"gumroad\",\"pro\"," SOLD ",\r\n"
	    "\"'-2\",\"'=cmd|' /C calc'!A0\",\"'@x\",\"gumroad\",\"pro\"," SOLD
	    ",\r\n",
	    "members");
	IS(run("export events"),
	    "id,platform,kind,delivery,subject,sent_at,received_at,seen,"
	    "last_seen_at,content_type,verified_by,peer,status,reason\r\n"
	    "1,\"gumroad\",\"sale\",\"d1\",\"sale:x\",," SOLD ",1," SOLD
	    ",,,\"192.0.2.1\",\"applied\",\r\n",
	    "events, without bodies");
}

static void
test_jsonl(void)
{
	test_group("jsonl");
	IS(run("export events --format jsonl --bodies"),
	    "{\"id\":1,\"platform\":\"gumroad\",\"kind\":\"sale\","
	    "\"delivery\":\"d1\",\"subject\":\"sale:x\",\"sent_at\":null,"
	    "\"received_at\":\"" SOLD "\",\"seen\":1,\"last_seen_at\":\"" SOLD
	    "\",\"content_type\":null,\"body\":\"=a\xEF\xBF\xBD\xEF\xBF\xBD"
	    "z\",\"verified_by\":null,\"peer\":\"192.0.2.1\",\"status\":"
	    "\"applied\",\"reason\":null}\n",
	    "a body that is no text");
	struct str s = run("export members --json");
	OK(s.n > 0 && s.p[0] == '{', "--json is jsonl");
	OK(memmem(s.p, s.n, "\"email\":\"=cmd", 13) != NULL,
	    "no apostrophe in JSON");
}

static void
test_truth(void)
{
	struct store_reading r = { .platform = STR("gumroad"),
		.kind = STR("sales"),
		.began_at = 1775037600 };
	const struct store_drift d = { .at = 1775037600,
		.platform = STR("gumroad"),
		.sale = STR("a"),
		.what = STR("email"),
		.had = STR("=x@y.z"),
		.event = STORE_NULL };
	struct err e = { 0 };
	test_group("what was read");
	OK(store_reading_add(store, &r, &r.id, &e) == 0 &&
		store_drift_add(store, &d, &e) == 0,
	    "there %s", e.text);
	IS(run("export readings"),
	    "id,platform,kind,began_at,ended_at,from_day,to_day,read,found,"
	    "repaired,error\r\n"
	    "1,\"gumroad\",\"sales\"," SOLD ",,,,0,0,0,\r\n",
	    "readings");
	IS(run("export drift"),
	    "id,at,platform,sale,subscription,what,had,has,event\r\n"
	    "1," SOLD ",\"gumroad\",\"a\",,\"email\",\"'=x@y.z\",,\r\n",
	    "drift");
}

static void
test_lists(void)
{
	struct str s;
	test_group("lists");
	s = run("members --json");
	OK(exit_code == 0 && memmem(s.p, s.n, "ann@", 4) != NULL &&
		memmem(s.p, s.n, "gone@", 5) == NULL,
	    "members");
	s = run("members --json --limit 1");
	OK(memmem(s.p, s.n, "ann@", 4) != NULL &&
		memmem(s.p, s.n, "cmd", 3) == NULL,
	    "one of them");
	s = run("members");
	OK(memmem(s.p, s.n, "for ever", 8) != NULL, "as a table");
	s = run("subscriptions");
	OK(memmem(s.p, s.n, "active", 6) != NULL, "subscriptions");
	IS(run("subscriptions --json"),
	    "[{\"platform\":\"gumroad\",\"subscription\":\"s1\",\"product\":"
	    "null,\"tier\":\"pro\",\"status\":\"active\",\"since\":\"" SOLD
	    "\",\"paid_until\":\"2026-05-01T10:00:00Z\",\"cancelled_at\":null,"
	    "\"ended_at\":null,\"ended_reason\":null,\"next_tier\":null,"
	    "\"next_tier_at\":null}]\n",
	    "as JSON");
	run("export nothing");
	OK(exit_code == 2, "no such table");
	run("export events --format xml");
	OK(exit_code == 2, "no such format");
	run("erase");
	OK(exit_code == 2, "erase whom");
	run("erase --email nobody@example.org");
	OK(exit_code == 1, "erase nobody");
	s = run("erase --email ann@example.org --dry-run");
	OK(exit_code == 0 && memmem(s.p, s.n, "1 deliveries of 1", 17) != NULL,
	    "erase, dry run: %.*s", STR_ARG(s));
}

static void
test_large(void)
{
	struct rusage usage;
	struct err e = { 0 };
	char *body = malloc(LARGE_BYTES);
	test_group("large");
	memset(body, 'x', LARGE_BYTES);
	store_begin(store, &e);
	for (int i = 0; i < LARGE; i++) {
		char name[16];
		snprintf(name, sizeof(name), "large%d", i);
		put_event(name, (struct str){ body, LARGE_BYTES });
	}
	OK(store_commit(store, &e) == 0, "rows %s", e.text);
	size_t n = run("export events --bodies").n;
	getrusage(RUSAGE_CHILDREN, &usage);
	OK(exit_code == 0 && n > (size_t)LARGE * LARGE_BYTES, "%zu bytes", n);
	OK(TEST_SANITIZED || usage.ru_maxrss < RESIDENT_MAX, "in %ld KiB",
	    usage.ru_maxrss);
	free(body);
}

int
main(void)
{
	struct err e = { 0 };
	char path[128];
	if (crypto_init(&e) != 0 || mkdtemp(folder) == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	snprintf(path, sizeof(path), "%s/gatepost.conf", folder);
	FILE *f = fopen(path, "w");
	fputs("database = 'gatepost.db'\n", f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/gatepost.db", folder);
	OK(store_open(path, STORE_CREATE, &store, &e) == 0, "open %s", e.text);
	put_rows();
	put_event("d1", (struct str){ "=a\xFF\0z", 5 });
	test_csv();
	test_jsonl();
	test_truth();
	test_lists();
	test_large();
	store_close(store);
	unlink(path);
	snprintf(path, sizeof(path), "%s/gatepost.conf", folder);
	unlink(path);
	rmdir(folder);
	buf_free(&out);
	return test_end();
}
