// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo: the text of FTP
 */

#include <kunit/test.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/string.h>

#include "../ftp_proto.h"

struct reply_case {
	const char *name;
	const char *in;
	int code;		/* or -EPROTO; 0 where more is needed */
	const char *text;	/* of the last line */
	const char *rest;	/* what is left of @in */
};

static const struct reply_case reply_cases[] = {
	{ "one line", "220 ready\r\n", 220, "ready", "" },
	{ "no text", "220 \r\n", 220, "", "" },
	{ "LF alone", "220 ready\n", 220, "ready", "" },
	{ "one after the other", "331 a\r\n230 b\r\n", 331, "a", "230 b\r\n" },
	{ "bytes above 127", "220 \xc3\xa9\xff\r\n", 220, "\xc3\xa9\xff", "" },
	{ "tab in text", "220 a\tb\r\n", 220, "a\tb", "" },
	{ "several lines", "220-a\r\nb\r\n220 c\r\n", 220, "c", "" },
	{ "code and hyphen again", "220-a\r\n220-b\r\n220 c\r\n",
	  220, "c", "" },
	{ "other code inside", "220-a\r\n500 b\r\n220 c\r\n", 220, "c", "" },
	{ "code with no space inside", "220-a\r\n220b\r\n220 c\r\n",
	  220, "c", "" },
	{ "code alone at the end", "220-a\r\n220\r\n", 220, "", "" },
	{ "indented code inside", "220-a\r\n 220 b\r\n220 c\r\n",
	  220, "c", "" },
	{ "empty line inside", "220-a\r\n\r\n220 c\r\n", 220, "c", "" },
	{ "nothing", "", 0, NULL, "" },
	{ "no end of line", "220 ready", 0, NULL, "" },
	{ "no last line", "220-a\r\n230 b\r\n", 0, NULL, "" },
	{ "lowest code", "100 a\r\n", 100, "a", "" },
	{ "highest code", "599 a\r\n", 599, "a", "" },
	{ "code below 100", "099 a\r\n", -EPROTO },
	{ "code above 599", "600 a\r\n", -EPROTO },
	{ "four digits", "2200 a\r\n", -EPROTO },
	{ "two digits", "22 a\r\n", -EPROTO },
	{ "no digits", "abc a\r\n", -EPROTO },
	{ "minus", "-20 a\r\n", -EPROTO },
	{ "space first", " 220 a\r\n", -EPROTO },
	{ "empty line first", "\r\n220 a\r\n", 220, "a", "" },
	{ "empty lines only", "\r\n\n\r\r\n", 0, NULL, "" },
	{ "code and no space", "220\r\n", 220, "", "" },
	{ "code, LF alone", "220\n", 220, "", "" },
	{ "tab for space", "220\ta\r\n", -EPROTO },
	{ "other protocol", "SSH-2.0-x\r\n", -EPROTO },
	{ "CR in a line", "220 a\rb\r\n", -EPROTO },
	{ "two CR at the end", "220 a\r\r\n", 220, "a", "" },
	{ "CR first", "\r220 a\r\n", -EPROTO },
};

static void reply(struct kunit *test)
{
	const struct reply_case *c = test->param_value;
	struct knd_ftp_reply *r;
	size_t len = strlen(c->in);
	size_t step, done;
	int n;

	r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);

	/* However it comes in pieces, the result is the same */
	for (step = 1; step <= len + 1; step++) {
		knd_ftp_reply_init(r);
		n = 0;
		for (done = 0; done < len && !r->done; done += n) {
			n = knd_ftp_reply_feed(r, c->in + done,
					       min(step, len - done));
			if (n < 0)
				break;
		}
		if (c->code < 0) {
			KUNIT_EXPECT_EQ(test, c->code, n);
			continue;
		}
		KUNIT_ASSERT_GE(test, n, 0);
		KUNIT_EXPECT_EQ(test, c->code > 0, r->done);
		KUNIT_EXPECT_STREQ(test, c->rest, c->in + done);
		if (!c->code)
			continue;
		KUNIT_EXPECT_EQ(test, (unsigned int)c->code, r->code);
		KUNIT_EXPECT_STREQ(test, c->text,
				   knd_ftp_reply_text(r));
	}
}

KUNIT_ARRAY_PARAM_DESC(reply, reply_cases, name);

static void reply_with_nul(struct kunit *test)
{
	struct knd_ftp_reply *r;

	r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	knd_ftp_reply_init(r);
	KUNIT_EXPECT_EQ(test, -EPROTO,
			knd_ftp_reply_feed(r, "220 a\0b\r\n", 9));
}

/* A line of @len bytes, with its end */
static int feed_line(struct knd_ftp_reply *r, char *line, size_t len,
		     const char *start)
{
	memset(line, 'x', len);
	memcpy(line, start, strlen(start));
	line[len - 1] = '\n';
	return knd_ftp_reply_feed(r, line, len);
}

static void reply_budgets(struct kunit *test)
{
	const int half = KND_FTP_LINE_LEN / 2;
	struct knd_ftp_reply *r;
	char *line;
	int i;

	r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	line = kunit_kzalloc(test, KND_FTP_REPLY_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	KUNIT_ASSERT_NOT_NULL(test, line);

	/* What a line has beyond its budget is skipped */
	for (i = -1; i <= 2; i++) {
		int len = KND_FTP_LINE_LEN + i;

		knd_ftp_reply_init(r);
		KUNIT_EXPECT_EQ(test, len, feed_line(r, line, len, "220 "));
		KUNIT_EXPECT_TRUE(test, r->done);
		KUNIT_EXPECT_EQ(test, min(len - 1, KND_FTP_LINE_LEN),
				(int)strlen(r->line));
	}

	/* ... unless it is not even the start of a reply */
	knd_ftp_reply_init(r);
	memset(line, 'x', KND_FTP_LINE_LEN + 1);
	KUNIT_EXPECT_EQ(test, -EPROTO,
			knd_ftp_reply_feed(r, line, KND_FTP_LINE_LEN + 1));
	KUNIT_EXPECT_TRUE(test, r->bad);
	KUNIT_EXPECT_EQ(test, KND_FTP_LINE_LEN, (int)strlen(r->line));

	/* Number of bytes: all of them in lines, the last one a reply */
	knd_ftp_reply_init(r);
	for (i = 0; i < KND_FTP_REPLY_BYTES / half - 1; i++)
		KUNIT_ASSERT_EQ(test, half, feed_line(r, line, half, "220-"));
	KUNIT_EXPECT_EQ(test, half, feed_line(r, line, half, "220 "));
	KUNIT_EXPECT_TRUE(test, r->done);
	knd_ftp_reply_init(r);
	for (i = 0; i < KND_FTP_REPLY_BYTES / half; i++)
		KUNIT_ASSERT_EQ(test, half, feed_line(r, line, half, "220-"));
	KUNIT_EXPECT_EQ(test, -EPROTO, knd_ftp_reply_feed(r, "2", 1));
}

struct number_case {
	const char *text;
	int port;
};

static const struct number_case cases_227[] = {
	/* RFC 959, and what it shows without parentheses */
	{ "Entering Passive Mode (1,2,3,4,5,6)", 5 * 256 + 6 },
	{ "Entering Passive Mode. 1,2,3,4,5,6", 5 * 256 + 6 },
	/* RFC 1123: from the first digit on */
	{ "1,2,3,4,5,6", 5 * 256 + 6 },
	{ "=1,2,3,4,5,6", 5 * 256 + 6 },
	{ "Entering Passive Mode (127,0,0,1,255,255).", 65535 },
	{ "(0,0,0,0,0,1)", 1 },
	{ "(255,255,255,255,255,255)", 65535 },
	{ "(001,002,003,004,005,006)", 5 * 256 + 6 },
	{ "(1,2,3,4,5,6) trailing", 5 * 256 + 6 },
	{ "1,2,3,4,5,6 trailing", 5 * 256 + 6 },
	{ "", -EPROTO },
	{ "no digit", -EPROTO },
	{ "(1,2,3,4,0,0)", -EPROTO },
	{ "(1,2,3,4,5)", -EPROTO },
	{ "(1,2,3,4,5,)", -EPROTO },
	{ "(1,2,3,4,5,6,7)", -EPROTO },
	{ "1,2,3,4,5,6,", -EPROTO },
	{ "(1,2,3,4,5,6", -EPROTO },
	{ "1,2,3,4,5,6)", -EPROTO },
	{ "(1,2,3,4,5,256)", -EPROTO },
	{ "(256,2,3,4,5,6)", -EPROTO },
	{ "(1,2,3,4,5,0006)", -EPROTO },
	{ "(1,2,3,4,5,99999999999999999999)", -EPROTO },
	{ "(1, 2,3,4,5,6)", -EPROTO },
	{ "(1.2.3.4.5.6)", -EPROTO },
	{ "(1,2,3,4,,6)", -EPROTO },
	{ "(-1,2,3,4,5,6)", -EPROTO },
	{ "(1,2,3,4,5,-6)", -EPROTO },
	{ "(1,2,3,4,+5,6)", -EPROTO },
	{ "(0x1,2,3,4,5,6)", -EPROTO },
	{ "port 2 (1,2,3,4,5,6)", 5 * 256 + 6 },
	{ "mode 2, (1,2,3,4,5,6).", 5 * 256 + 6 },
	{ "( 1,2,3,4,5,6)", -EPROTO },
	{ "(1,2,3,4,5,6 )", -EPROTO },
};

KUNIT_ARRAY_PARAM(parse_227, cases_227, NULL);

static void parse_227(struct kunit *test)
{
	const struct number_case *c = test->param_value;

	KUNIT_EXPECT_EQ_MSG(test, c->port, knd_ftp_parse_227(c->text), "%s",
			    c->text);
}

static const struct number_case cases_229[] = {
	{ "Entering Extended Passive Mode (|||6446|)", 6446 },
	{ "(|||1|)", 1 },
	{ "(|||65535|)", 65535 },
	{ "(|||00021|)", 21 },
	{ "any (text) before (!!!6446!)", 6446 },
	{ "(~~~6446~)", 6446 },
	{ "()))6446))", 6446 },
	{ "((((6446()", 6446 },
	{ "(,,,6446,)", 6446 },
	{ "", -EPROTO },
	{ "(|||)", -EPROTO },
	{ "(||||)", -EPROTO },
	{ "(|||0|)", -EPROTO },
	{ "(|||65536|)", -EPROTO },
	{ "(|||000021|)", -EPROTO },
	{ "(|||99999999999999999999|)", -EPROTO },
	{ "(|||6446)", -EPROTO },
	{ "(||6446|)", -EPROTO },
	{ "(||||6446|)", -EPROTO },
	{ "(|||6446||)", -EPROTO },
	{ "(|||6446!)", -EPROTO },
	{ "(!||6446|)", -EPROTO },
	{ "(|1||6446|)", -EPROTO },
	{ "(||10.0.0.1|6446|)", -EPROTO },
	{ "(||::1|6446|)", -EPROTO },
	{ "(|||-6446|)", -EPROTO },
	{ "(|||+6446|)", -EPROTO },
	{ "(||| 6446|)", -EPROTO },
	{ "(|||6446 |)", -EPROTO },
	{ "(   6446 )", -EPROTO },
	{ "(\200\200\2006446\200)", -EPROTO },
	{ "(111644611)", -EPROTO },
	{ "|||6446|", -EPROTO },
	{ "(|||6446|", -EPROTO },
	{ "|||6446|)", -EPROTO },
	{ "(|||6446|) trailing", 6446 },
	{ "(|||6446|).", 6446 },
	{ "(21) (|||6446|)", 6446 },
	{ "(1,2,3,4,5,6)", -EPROTO },
};

KUNIT_ARRAY_PARAM(parse_229, cases_229, NULL);

static void parse_229(struct kunit *test)
{
	const struct number_case *c = test->param_value;

	KUNIT_EXPECT_EQ_MSG(test, c->port, knd_ftp_parse_229(c->text), "%s",
			    c->text);
}

static void parse_213(struct kunit *test)
{
	static const char * const bad[] = {
		"", " 1", "1 ", "-1", "+1", "0x1", "1\n", "1 byte", "x",
		"9223372036854775808", "18446744073709551615",
		"18446744073709551616", "99999999999999999999999",
	};
	u64 size = 42;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -EPROTO,
				    knd_ftp_parse_213(bad[i], &size), "%s",
				    bad[i]);
		KUNIT_EXPECT_EQ(test, 42ULL, size);
	}
	KUNIT_EXPECT_EQ(test, 0, knd_ftp_parse_213("0", &size));
	KUNIT_EXPECT_EQ(test, 0ULL, size);
	KUNIT_EXPECT_EQ(test, 0, knd_ftp_parse_213("67108864", &size));
	KUNIT_EXPECT_EQ(test, 67108864ULL, size);
	KUNIT_EXPECT_EQ(test, 0,
			knd_ftp_parse_213("9223372036854775807", &size));
	KUNIT_EXPECT_EQ(test, (u64)S64_MAX, size);
}

static void parse_mdtm(struct kunit *test)
{
	static const struct {
		const char *text;
		u64 mtime;	/* 0 is an error */
	} cases[] = {
		{ "19700101000001", 1 },
		{ "20000229120000", 951825600 },
		{ "20260704123456", 1783168496 },
		{ "20260704123456.789", 1783168496 },
		{ "21060207062816", 4294967296ULL },
		{ "", 0 }, { "x", 0 }, { "2026070412345", 0 },
		{ "202607041234567", 0 }, { "20260704123456Z", 0 },
		{ "20261304123456", 0 }, { "20260004123456", 0 },
		{ "20260732123456", 0 }, { "20260704243456", 0 },
		{ "20260704126056", 0 }, { "20260704123461", 0 },
		{ "19690704123456", 0 }, { " 20260704123456", 0 },
		{ "+2026070412345", 0 }, { "191260704123456", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 mtime = 0;
		int want = 0;

		if (!cases[i].mtime)
			want = -EPROTO;
		KUNIT_EXPECT_EQ_MSG(test, want,
				    knd_ftp_parse_mdtm(cases[i].text, &mtime),
				    "%s", cases[i].text);
		KUNIT_EXPECT_EQ(test, cases[i].mtime, mtime);
	}
}

static void command_lines(struct kunit *test)
{
	char buf[16];

	KUNIT_EXPECT_EQ(test, 6, knd_ftp_command(buf, sizeof(buf), "QUIT",
						 NULL));
	KUNIT_EXPECT_STREQ(test, "QUIT\r\n", buf);
	KUNIT_EXPECT_EQ(test, 8, knd_ftp_command(buf, sizeof(buf), "TYPE",
						 "I"));
	KUNIT_EXPECT_STREQ(test, "TYPE I\r\n", buf);
	KUNIT_EXPECT_EQ(test, 7, knd_ftp_command(buf, sizeof(buf), "PASS",
						 ""));
	KUNIT_EXPECT_STREQ(test, "PASS \r\n", buf);
	KUNIT_EXPECT_EQ(test, 10, knd_ftp_command(buf, sizeof(buf), "RETR",
						  " a "));
	KUNIT_EXPECT_STREQ(test, "RETR  a \r\n", buf);
	KUNIT_EXPECT_EQ(test, 15, knd_ftp_command(buf, sizeof(buf), "RETR",
						  "12345678"));
	KUNIT_EXPECT_STREQ(test, "RETR 12345678\r\n", buf);
	KUNIT_EXPECT_EQ(test, -ENAMETOOLONG,
			knd_ftp_command(buf, sizeof(buf), "RETR",
					"123456789"));
	KUNIT_EXPECT_STREQ(test, "", buf);
}

static void command_refuses_control_bytes(struct kunit *test)
{
	char arg[] = "a?b";
	char buf[32];
	int c;

	for (c = 1; c < 256; c++) {
		bool bad = c < 32 || c == 127 || c == 255;

		arg[1] = c;
		KUNIT_EXPECT_EQ_MSG(test, bad ? -EINVAL : 10,
				    knd_ftp_command(buf, sizeof(buf), "RETR",
						    arg), "%d", c);
		KUNIT_EXPECT_EQ(test, !bad, knd_ftp_text_ok(arg));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL,
			knd_ftp_command(buf, sizeof(buf), "QUIT\r\nDELE", "x"));
	KUNIT_EXPECT_STREQ(test, "", buf);
}

static void addresses(struct kunit *test)
{
	struct sockaddr_storage ss = {};
	struct sockaddr_in6 *in6 = (void *)&ss;
	struct sockaddr_in *in = (void *)&ss;
	char buf[KND_FTP_HOST_LEN];

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(0xc0000209);
	in->sin_port = htons(65534);
	knd_ftp_eprt(buf, sizeof(buf), &ss);
	KUNIT_EXPECT_STREQ(test, "|1|192.0.2.9|65534|", buf);
	knd_ftp_port(buf, sizeof(buf), in);
	KUNIT_EXPECT_STREQ(test, "192,0,2,9,255,254", buf);

	memset(&ss, 0, sizeof(ss));
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(21);
	in6->sin6_addr.s6_addr[0] = 0xfe;
	in6->sin6_addr.s6_addr[1] = 0x80;
	in6->sin6_addr.s6_addr[15] = 1;
	in6->sin6_scope_id = 3;
	knd_ftp_eprt(buf, sizeof(buf), &ss);
	KUNIT_EXPECT_STREQ(test, "|2|fe80::1|21|", buf);

	/* The longest one */
	memset(&in6->sin6_addr, 0xff, sizeof(in6->sin6_addr));
	in6->sin6_port = htons(65535);
	knd_ftp_eprt(buf, sizeof(buf), &ss);
	KUNIT_EXPECT_STREQ(test,
			   "|2|ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff|65535|",
			   buf);
}

static struct kunit_case ftp_proto_cases[] = {
	KUNIT_CASE_PARAM(reply, reply_gen_params),
	KUNIT_CASE(reply_with_nul),
	KUNIT_CASE(reply_budgets),
	KUNIT_CASE_PARAM(parse_227, parse_227_gen_params),
	KUNIT_CASE_PARAM(parse_229, parse_229_gen_params),
	KUNIT_CASE(parse_213),
	KUNIT_CASE(parse_mdtm),
	KUNIT_CASE(command_lines),
	KUNIT_CASE(command_refuses_control_bytes),
	KUNIT_CASE(addresses),
	{}
};

static struct kunit_suite ftp_proto_suite = {
	.name = "knetdemo_ftp_proto",
	.test_cases = ftp_proto_cases,
};

kunit_test_suite(ftp_proto_suite);
