#include "action/mailbox.h"
#include "action/mime.h"
#include "tests/unit/test.h"

static void
test_address(void)
{
	static const char *const good[] = { "a@b.co", "a.b+c@example.org",
		"o'neil@mail.example.org", "x_y-z@a-b.example", "1@2.example",
		"a=b&c@example.xn--p1ai", NULL };
	static const char *const bad[] = { "", "a", "@example.org", "a@",
		"-f@example.org", "-oQ/tmp@example.org", "a@b",
		"a b@example.org", "a@exam ple.org", "a@example.org\n",
		"a\r\nBcc: x@example.org", "a@example.org,b@example.org",
		"a@b@example.org", "\"a b\"@example.org", "(x)a@example.org",
		"a@[192.0.2.1]", "a@192.0.2.1", "<a@example.org>",
		"a;b@example.org", "|id@example.org", "a|b@example.org",
		"/etc/x@example.org", "a%b@example.org", "a!b@example.org",
		".a@example.org", "a.@example.org", "a..b@example.org",
		"a@.example.org", "a@example.org.", "a@-x.example.org",
		"a@x-.example.org", "a@ex_ample.org", "@everyone",
		":include:x@example.org", "`id`@example.org",
		"$(id)@example.org", "a\\b@example.org", "\xC3\xA9@example.org",
		"a@\xC3\xA9.example", "a\tb@example.org", "a@example.123",
		NULL };
	struct str nul = { "a\0b@example.org", 15 };
	struct str none = STR_NONE;
	char text[300];
	test_group("address");
	for (size_t i = 0; good[i] != NULL; i++)
		OK(mailbox_fault(str_from(good[i])) == NULL, "%s", good[i]);
	for (size_t i = 0; bad[i] != NULL; i++)
		OK(mailbox_fault(str_from(bad[i])) != NULL, "bad %zu", i);
	OK(mailbox_fault(nul) != NULL, "NUL");
	OK(mailbox_fault(none) != NULL, "none");
	memset(text, 'a', sizeof(text));
	memcpy(text + 64, "@example.org", 12);
	OK(mailbox_fault((struct str){ text, 76 }) == NULL, "64 before @");
	memset(text, 'a', sizeof(text));
	memcpy(text + 65, "@example.org", 12);
	OK(mailbox_fault((struct str){ text, 77 }) != NULL, "65 before @");
}

static void
test_split(void)
{
	struct str name, address;
	test_group("split");
	OK(mailbox_split(
	       STR("Shop & Co <shop@example.org>"), &name, &address) == NULL,
	    "name and address");
	IS(name, "Shop & Co", "name");
	IS(address, "shop@example.org", "address");
	OK(mailbox_split(STR("\"Shop, Inc.\" <a@b.co>"), &name, &address) ==
		NULL,
	    "quoted");
	IS(name, "Shop, Inc.", "unquoted");
	OK(mailbox_split(STR("a@b.co"), &name, &address) == NULL &&
		name.p == NULL,
	    "alone");
	OK(mailbox_split(STR("x <a@b.co> y"), &name, &address) != NULL &&
		mailbox_split(STR("x <a@b.co"), &name, &address) != NULL &&
		mailbox_split(STR("x <a@b.co, c@d.co>"), &name, &address) !=
		    NULL &&
		mailbox_split(STR("x\ny <a@b.co>"), &name, &address) != NULL &&
		mailbox_split(STR("a\"b <a@b.co>"), &name, &address) != NULL,
	    "bad ones");
}

static struct str
quoted(struct buf *b, struct str s)
{
	buf_reset(b);
	mime_quoted(b, s);
	return buf_str(b);
}

/* Is no line longer than most, all of it printable ASCII? */
static int
lines_are_good(struct str s, size_t most)
{
	size_t col = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n') {
			col = 0;
			continue;
		}
		if (s.p[i] < ' ' || s.p[i] > '~' || ++col > most)
			return 0;
	}
	return col == 0;
}

static void
test_quoted(void)
{
	struct buf b;
	char text[2000];
	test_group("quoted-printable");
	buf_init(&b, MIME_MAIL_MAX);
	IS(quoted(&b, STR("a=b\n")), "a=3Db\n", "=");
	IS(quoted(&b, STR("a")), "a\n", "ends with an end of line");
	IS(quoted(&b, STR("a \nb\t\r\n c")), "a=20\nb=09\n c\n",
	    "blanks at line ends");
	IS(quoted(&b, STR(".\n.x\nFrom me\n")), "=2E\n=2Ex\n=46rom me\n",
	    "dots and From");
	IS(quoted(&b, STR("a\rb")), "a=0Db\n", "CR alone");
	IS(quoted(&b, STR("\xC3\xA9\xFFx")), "=C3=A9=EF=BF=BDx\n",
	    "UTF-8 and what is none");
	IS(quoted(&b, STR("")), "", "empty");
	for (size_t n = 70; n < 80; n++) {
		memset(text, 'x', n);
		memcpy(text + n,
		    ".\xF0\x9F\x98\x80"
		    "F",
		    6);
		struct str got = quoted(&b, (struct str){ text, n + 6 });
		OK(lines_are_good(got, 76) && strstr(got.p, "\n.") == NULL &&
			strstr(got.p, "\nF") == NULL &&
			strstr(got.p, "=F0=9F=98=80") != NULL,
		    "line of %zu", n);
	}
	memset(text, '.', sizeof(text));
	struct str got = quoted(&b, (struct str){ text, sizeof(text) });
	OK(lines_are_good(got, 76) && strstr(got.p, "\n.") == NULL,
	    "dots alone");
	buf_free(&b);
}

static struct str
header(struct buf *b, struct str s)
{
	buf_reset(b);
	mime_header(b, "Subject", s);
	return buf_str(b);
}

static void
test_headers(void)
{
	struct buf b;
	char text[1000];
	test_group("headers");
	buf_init(&b, MIME_MAIL_MAX);
	IS(header(&b, STR("Hello")), "Subject: Hello\n", "plain");
	IS(header(&b, STR("")), "Subject: \n", "empty");
	IS(header(&b, STR("h\xC3\xA9 you")),
	    "Subject: =?UTF-8?Q?h=C3=A9_you?=\n", "UTF-8");
	IS(header(&b, STR("a\r\nBcc: x")), "Subject: =?UTF-8?Q?a__Bcc=3A_x?=\n",
	    "end of line");
	IS(header(&b, STR("a =?UTF-8?Q?x?=")),
	    "Subject: =?UTF-8?Q?a_=3D=3FUTF-8=3FQ=3Fx=3F=3D?=\n",
	    "what looks encoded");
	IS(header(&b, STR("a\xFF")), "Subject: =?UTF-8?Q?a=EF=BF=BD?=\n",
	    "no UTF-8");
	IS(header(&b, STR(" a")), "Subject: =?UTF-8?Q?_a?=\n", "blank first");
	memset(text, 'x', sizeof(text));
	OK(lines_are_good(header(&b, (struct str){ text, sizeof(text) }), 76),
	    "long");
	for (size_t i = 0; i + 4 <= sizeof(text); i += 4)
		memcpy(text + i, "\xF0\x9F\x98\x80", 4);
	struct str got = header(&b, (struct str){ text, sizeof(text) });
	OK(lines_are_good(got, 76), "long, of four bytes each");
	int whole = 1;
	for (const char *p = got.p; (p = strstr(p, "?Q?")) != NULL; p++)
		whole = whole && strncmp(p, "?Q?=F0", 6) == 0;
	OK(whole, "no word begins inside a character");
	buf_reset(&b);
	mime_date(&b, 1795336920);
	IS(buf_str(&b), "Sun, 22 Nov 2026 08:42:00 +0000", "date");
	buf_free(&b);
}

static void
test_mail(void)
{
	struct mime_mail m = { .from = STR("shop@example.org"),
		.from_name = STR("Shop"),
		.to = STR("a@example.com"),
		.subject = STR("Hi"),
		.text = STR("one\n.two\n"),
		.html = STR_NONE,
		.id = STR("purchase_00ff"),
		.date = 0 };
	struct err e = { 0 };
	struct buf b;
	test_group("mail");
	buf_init(&b, MIME_MAIL_MAX);
	OK(mime_write(&b, &m, &e) == 0, "written");
	IS(buf_str(&b),
	    "From: \"Shop\" <shop@example.org>\n"
	    "To: a@example.com\n"
	    "Subject: Hi\n"
	    "Date: Thu, 1 Jan 1970 00:00:00 +0000\n"
	    "Message-ID: <purchase_00ff@example.org>\n"
	    "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "one\n=2Etwo\n",
	    "all of it");
	m.from_name = STR("Sh\xC3\xB6p \"x\" <y@example.org>");
	m.html = STR("<p>--=_gatepost--</p>");
	buf_reset(&b);
	OK(mime_write(&b, &m, &e) == 0, "with HTML");
	const char *first = strstr(b.p, "\n--=_gatepost--\n");
	OK(first != NULL && strcmp(first, "\n--=_gatepost--\n") == 0,
	    "the boundary is nowhere in it");
	OK(strstr(b.p,
	       "From: =?UTF-8?Q?Sh=C3=B6p_=22x=22_=3Cy=40example=2E"
	       "org=3E?=") == b.p,
	    "a name is no syntax");
	m.to = STR("a@example.com,b@example.com");
	OK(mime_write(&b, &m, &e) != 0 && e.code == ERR_INPUT &&
		strstr(e.text, "b@") == NULL,
	    "two recipients");
	m.to = STR("a@example.com");
	m.id = STR("x>y");
	OK(mime_write(&b, &m, &e) != 0, "a bad id");
	buf_free(&b);
}

int
main(void)
{
	test_address();
	test_split();
	test_quoted();
	test_headers();
	test_mail();
	return test_end();
}
