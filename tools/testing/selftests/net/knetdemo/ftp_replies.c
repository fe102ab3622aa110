// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies of FTP servers, and the result of the client of net/knetdemo for
 * each: one line a case. Many of them were seen from real servers.
 */

#define _GNU_SOURCE
#include <netinet/tcp.h>

#include "../../kselftest_harness.h"
#include "ftp_test.h"

/* What a case requests */
#define V6		(1U << 0)	/* else IPv4 */
#define ACTIVE		(1U << 1)	/* else passive */
#define PASV		(1U << 2)	/* not EPSV */
#define NO_SIZE		(1U << 3)
#define MDTM		(1U << 4)
#define SHORT_TIME	(1U << 5)	/* for a reply that never arrives */

#define SIZE		300000

struct ftp_case {
	const char *name;
	struct ftp_script script[4];
	unsigned int asks;
	uint64_t offset;
	/* The result */
	int err;
	unsigned int stage;		/* where @err is set */
	unsigned int failed;
	const char *text;
	/* Further behaviour of the server, see ftp_server.h */
	unsigned int does;
	const char *half;
	size_t cut;
	const char *after_cut;
	bool no_connect;
	const char *sends;		/* a command that has to be sent */
	const char *sends_not;		/* a command that must not be sent */
};

#define AT(_stage, _failed)						\
	.stage = KNETDEMO_FTP_STAGE_##_stage,				\
	.failed = KNETDEMO_FTP_FAILED_##_failed

FIXTURE(replies) {
	struct ftp_server s[2];
};

FIXTURE_SETUP(replies)
{
	ASSERT_EQ(0, knd_unshare_net());
	dev = open("/dev/knetdemo", O_RDWR);
	ASSERT_LE(0, dev);
	fill();
	for (int i = 0; i < 2; i++) {
		self->s[i].data = data;
		ASSERT_EQ(0, ftp_server_start(&self->s[i],
					      i ? AF_INET6 : AF_INET));
	}
}

FIXTURE_TEARDOWN(replies)
{
	for (int i = 0; i < 2; i++)
		ftp_server_stop(&self->s[i]);
}

static void run_case(struct __test_metadata *_metadata, struct ftp_server *s,
		     const struct ftp_case *c)
{
	struct knetdemo_ftp_get r;
	struct stat st;
	int fd, err;

	s += !!(c->asks & V6);
	s->script = c->script;
	s->size = SIZE;
	s->does = c->does;
	s->half = c->half;
	s->cut = c->cut;
	s->after_cut = c->after_cut;
	s->no_connect = c->no_connect;
	s->commands[0] = '\0';
	fd = new_file();
	ASSERT_EQ((ssize_t)c->offset, pwrite(fd, data, c->offset, 0));
	r = request(s, fd);
	if (!(c->asks & NO_SIZE))
		r.flags |= KNETDEMO_FTP_SIZE;
	if (c->asks & ACTIVE)
		r.flags |= KNETDEMO_FTP_ACTIVE;
	if (c->asks & PASV)
		r.flags |= KNETDEMO_FTP_PASV;
	if (c->asks & MDTM) {
		r.flags |= KNETDEMO_FTP_MDTM;
		r.mtime_max = 1783168496; /* 2026-07-04 12:34:56 UTC */
	}
	if (c->asks & SHORT_TIME)
		r.timeout_ms = TIMEOUT_MS * (knd_machine_slow() ? 3 : 1);
	r.offset = c->offset;

	err = get(&r);
	EXPECT_EQ(c->err, err)
		TH_LOG("%s: stage %u, code %u, %s", c->name, r.stage, r.code,
		       r.text);
	if (!c->err) {
		EXPECT_EQ(KNETDEMO_FTP_STAGE_DONE, r.stage)
			TH_LOG("%s", c->name);
		EXPECT_EQ(KNETDEMO_FTP_FAILED_NONE, r.failed)
			TH_LOG("%s", c->name);
		EXPECT_EQ(SIZE - c->offset, r.bytes) TH_LOG("%s", c->name);
		EXPECT_TRUE(same(fd, data, SIZE)) TH_LOG("%s", c->name);
		EXPECT_EQ(r.bytes, r.good) TH_LOG("%s", c->name);
	} else {
		EXPECT_EQ(c->stage, r.stage) TH_LOG("%s", c->name);
		EXPECT_EQ(c->failed, r.failed) TH_LOG("%s", c->name);
		/* Cut as the result says, it is a true beginning of the file */
		EXPECT_EQ(0, ftruncate(fd, c->offset + r.good));
		EXPECT_TRUE(same(fd, data, c->offset + r.good))
			TH_LOG("%s", c->name);
	}
	if (c->text)
		EXPECT_STREQ(c->text, r.text) TH_LOG("%s", c->name);
	if (c->sends)
		EXPECT_NE(NULL, strstr(s->commands, c->sends))
			TH_LOG("%s: %s", c->name, s->commands);
	if (c->sends_not)
		EXPECT_EQ(NULL, strstr(s->commands, c->sends_not))
			TH_LOG("%s: %s", c->name, s->commands);
	EXPECT_EQ(0, fstat(fd, &st));
	close(fd);
}

#define RUN_ALL(_cases) do {						\
		for (size_t i = 0; i < ARRAY_SIZE(_cases); i++)		\
			run_case(_metadata, self->s, &(_cases)[i]);	\
	} while (0)

/* RFC 1123, section 4.1.2.11: go by the first digit, ignore the text */
TEST_F(replies, liberal_in_text)
{
	static char wide[3000], many[400 * 70 + 10];
	const struct ftp_case cases[] = {
		{ "120 first", { { "greeting", "120 soon\r\n220 now\r\n" } } },
		{ "lines", { { "greeting",
			       "220-a\r\nb\r\n500 c\r\n220 d\r\n" } } },
		{ "LF", { { "greeting", "220 no carriage return\n" } } },
		{ "CR CR LF", { { "USER", "331 a\r\r\n" } } },
		{ "bare code", { { "greeting", "220\r\n" } } },
		{ "bare last line", { { "greeting", "220-a\r\n220\r\n" } } },
		{ "empty line first", { { "TYPE", "\r\n200 a\r\n" } } },
		{ "empty lines", { { "150", "150-\r\n\r\n\n150 a\r\n" } } },
		{ "greeting 230", { { "greeting", "230 in\r\n" } } },
		{ "USER 200", { { "USER", "200 in\r\n" } } },
		{ "USER 230", { { "USER", "230 in\r\n" } },
		  .sends_not = "PASS" },
		{ "USER 300", { { "USER", "300 more\r\n" } } },
		{ "PASS 202", { { "PASS", "202 superfluous\r\n" } } },
		{ "PASS 220", { { "PASS", "220 in\r\n" } } },
		{ "TYPE 226", { { "TYPE", "226 ok\r\n" } } },
		{ "REST 300", { { "REST", "300 ok\r\n" } }, .offset = 9 },
		{ "125", { { "150", "125 it is open already\r\n" } } },
		{ "110", { { "150", "110 restart\r\n" } } },
		{ "final 200", { { "226", "200 done\r\n" } } },
		{ "final 250", { { "226", "250 done\r\n" } } },
		{ "226 at once", { { "150", "150 a\r\n226 b\r\n" },
				   { "226", "" } } },
		{ "QUIT 500", { { "QUIT", "500 never\r\n" } } },
		{ "QUIT garbage", { { "QUIT", "garbage" } } },
		{ "QUIT, closed", { { "QUIT", FTP_HANGUP } } },
		{ "QUIT, silent", { { "QUIT", FTP_STALL } } },
		{ "a line that is long", { { "greeting", wide } } },
		{ "many lines", { { "PASS", many } } },
		{ "text at the end", { { "226", "226 done\r\n" } },
		  .text = "done" },
	};

	memset(wide, 'x', sizeof(wide) - 1);
	memcpy(wide, "220 ", 4);
	wide[sizeof(wide) - 2] = '\n';
	for (int i = 0; i < 400; i++) {
		memset(many + i * 70, 'y', 70);
		memcpy(many + i * 70, "230-", 4);
		many[i * 70 + 69] = '\n';
	}
	strcpy(many + 400 * 70, "230 in\r\n");
	RUN_ALL(cases);
}

TEST_F(replies, optional_commands)
{
	static const struct ftp_case cases[] = {
		{ "SIZE 550", { { "SIZE", "550 never\r\n" } } },
		{ "SIZE 500", { { "SIZE", "500 what?\r\n" } } },
		{ "SIZE 200", { { "SIZE", "200 300000\r\n" } } },
		{ "SIZE 350", { { "SIZE", "350 x\r\n" } } },
		{ "SIZE, no text", { { "SIZE", "213\r\n" } } },
		{ "SIZE -1", { { "SIZE", "213 -1\r\n" } } },
		{ "SIZE text", { { "SIZE", "213 x\r\n" } } },
		{ "SIZE and more", { { "SIZE", "213 1 byte\r\n" } } },
		{ "SIZE hex", { { "SIZE", "213 0x10\r\n" } } },
		{ "SIZE 2^63", { { "SIZE", "213 9223372036854775808\r\n" } } },
		{ "SIZE endless",
		  { { "SIZE", "213 99999999999999999999999\r\n" } } },
		{ "SIZE 0, data", { { "SIZE", "213 0\r\n" } } },
		{ "it has grown", { { "SIZE", "213 299999\r\n" } } },
		{ "it has grown, no 226", { { "SIZE", "213 299999\r\n" },
					    { "226", "451 no\r\n" } },
		  .err = -ENODATA, AT(COMPLETE, REPLY) },
		{ "it has grown, the rest", { { "SIZE", "213 200000\r\n" } },
		  .offset = 150000 },
		{ "less than SIZE", { { "SIZE", "213 300001\r\n" } },
		  .err = -ENODATA, AT(COMPLETE, DATA) },
		{ "no SIZE", {}, .asks = NO_SIZE, .sends_not = "SIZE" },
		{ "MDTM", {}, .asks = MDTM, .sends = "MDTM" },
		{ "MDTM 500", { { "MDTM", "500 what?\r\n" } }, .asks = MDTM },
		{ "MDTM garbage", { { "MDTM", "213 yesterday\r\n" } },
		  .asks = MDTM },
		{ "MDTM fraction", { { "MDTM", "213 20260704123456.789\r\n" } },
		  .asks = MDTM },
		{ "MDTM later", { { "MDTM", "213 20260704123457\r\n" } },
		  .asks = MDTM, .err = -ESTALE, AT(MDTM, NONE),
		  .sends_not = "RETR" },
		{ "MDTM later, complete",
		  { { "MDTM", "213 20270101000000\r\n" } },
		  .asks = MDTM, .offset = SIZE, .err = -ESTALE,
		  AT(MDTM, NONE) },
		{ "EPSV 500", { { "EPSV", "500 what?\r\n" } } },
		{ "EPSV 425", { { "EPSV", "425 not now\r\n" } } },
		{ "EPSV 200", { { "EPSV", "200 ok\r\n" } } },
		{ "EPSV 227", { { "EPSV", "227 (1,2,3,4,5,6)\r\n" } } },
		{ "EPSV, no port", { { "EPSV", "229 ok\r\n" } } },
		{ "EPSV, refused", { { "EPSV", "229 (|||1|)\r\n" } } },
		{ "EPSV 522, IPv6", { { "EPSV", "522 no\r\n" } }, .asks = V6,
		  .err = -EOPNOTSUPP, AT(PORT, REPLY), .sends_not = "PASV" },
		{ "EPSV, refused, IPv6", { { "EPSV", "229 (|||1|)\r\n" } },
		  .asks = V6, .err = -ECONNREFUSED, AT(OPEN, DATA),
		  .sends_not = "PASV" },
		{ "PASV only", {}, .asks = PASV, .sends = "PASV",
		  .sends_not = "EPSV" },
		{ "PORT only", {}, .asks = PASV | ACTIVE, .sends = "PORT",
		  .sends_not = "EPRT" },
		{ "EPRT 500", { { "EPRT", "500 what?\r\n" } }, .asks = ACTIVE,
		  .sends = "PORT" },
		{ "EPRT 425", { { "EPRT", "425 no\r\n" } }, .asks = ACTIVE,
		  .sends = "PORT" },
		{ "EPRT 522, IPv6", { { "EPRT", "522 no\r\n" } },
		  .asks = ACTIVE | V6, .err = -EOPNOTSUPP, AT(PORT, REPLY),
		  .sends_not = "PORT" },
		{ "neither", { { "EPSV", "500 a\r\n" },
			       { "PASV", "500 b\r\n" } },
		  .err = -EOPNOTSUPP, AT(PORT, REPLY), .text = "b" },
		{ "text around 229", { { "EPSV", "229 (|||1|) x\r\n" },
				       { "PASV", "500 no\r\n" } },
		  .err = -EOPNOTSUPP, AT(PORT, REPLY) },
	};

	RUN_ALL(cases);
}

TEST_F(replies, a_full_stop_behind_the_port)
{
	struct sockaddr_in6 unused;
	struct ftp_case cases[] = {
		{ "229", { { "EPSV" } }, .asks = NO_SIZE, .sends_not = "PASV",
		  .err = -ECONNREFUSED, AT(OPEN, DATA) },
		{ "227", { { "PASV" } }, .asks = PASV, .err = -ECONNREFUSED,
		  AT(OPEN, DATA) },
	};
	char epsv[64], pasv[64];
	int fd, port;

	/* Nobody listens on this port, and the error shows that it is tried */
	fd = ftp_listen(AF_INET6, NULL, 0, 1, &unused);
	port = ftp_port_of(&unused);
	close(fd);
	snprintf(epsv, sizeof(epsv), "229 Ok (21) (|||%d|).\r\n", port);
	snprintf(pasv, sizeof(pasv), "227 Mode 2 (127,0,0,1,%d,%d).\r\n",
		 port / 256, port % 256);
	cases[0].script[0].reply = epsv;
	cases[0].asks |= V6;
	cases[1].script[0].reply = pasv;
	RUN_ALL(cases);
}

TEST_F(replies, resume)
{
	static const struct ftp_case cases[] = {
		{ "the second half", {}, .offset = SIZE / 2,
		  .sends = "REST 150000\r\nRETR" },
		{ "active", {}, .offset = SIZE / 2, .asks = ACTIVE,
		  .sends = "REST 150000\r\nRETR" },
		{ "IPv6", {}, .offset = SIZE / 2, .asks = V6,
		  .sends = "REST 150000\r\nRETR" },
		{ "PASV", {}, .offset = SIZE / 2, .asks = PASV | NO_SIZE,
		  .sends = "REST 150000\r\nRETR" },
		{ "the last byte", {}, .offset = SIZE - 1 },
		{ "complete", {}, .offset = SIZE, .sends_not = "RETR" },
		{ "complete, and 554", { { "REST", "554 no\r\n" },
					 { "RETR", "554 no\r\n" } },
		  .offset = SIZE },
		{ "refused", { { "REST", "502 no\r\n" } }, .offset = 9,
		  .err = -EOPNOTSUPP, AT(REST, REPLY), .sends_not = "RETR" },
		{ "REST 200", { { "REST", "200 ok\r\n" } }, .offset = 9,
		  .err = -EPROTO, AT(REST, REPLY), .sends_not = "RETR" },
		{ "behind the end", { { "SIZE", "213 3\r\n" } }, .offset = 4,
		  .err = -ERANGE, AT(SIZE, NONE), .sends_not = "RETR" },
		{ "ignored", {}, .offset = SIZE / 2, .does = FTP_NO_REST,
		  .err = -EOVERFLOW, AT(DATA, DATA) },
		{ "ignored, and grown", { { "SIZE", "213 200000\r\n" } },
		  .offset = 9, .does = FTP_NO_REST, .err = -EOVERFLOW,
		  AT(DATA, DATA) },
	};

	RUN_ALL(cases);
}

/* The end of the control connection does not end the data */
TEST_F(replies, what_arrived_is_kept)
{
	static const struct ftp_case cases[] = {
		{ "FIN", {}, .half = FTP_HANGUP },
		{ "FIN, active", {}, .half = FTP_HANGUP, .asks = ACTIVE },
		{ "reset", {}, .half = FTP_RESET },
		{ "421", {}, .half = "421 you are idle\r\n" },
		{ "421, IPv6", {}, .half = "421 bye\r\n", .asks = V6 },
		{ "FIN, no SIZE", {}, .half = FTP_HANGUP, .asks = NO_SIZE,
		  .err = -ECONNRESET, AT(COMPLETE, CONTROL) },
		{ "421, no SIZE", {}, .half = "421 a\r\n", .asks = NO_SIZE,
		  .err = -EBUSY, AT(COMPLETE, CONTROL), .text = "a" },
		{ "FIN, less", { { "SIZE", "213 300001\r\n" } },
		  .half = FTP_HANGUP, .err = -ECONNRESET,
		  AT(COMPLETE, CONTROL) },
		{ "FIN, more", { { "SIZE", "213 200000\r\n" } },
		  .half = FTP_HANGUP, .err = -ECONNRESET,
		  AT(COMPLETE, CONTROL) },
		{ "FIN, second half", {}, .half = FTP_HANGUP, .offset = 9 },
		{ "FIN for 226", { { "226", FTP_HANGUP } } },
		{ "garbage for 226", { { "226", "hello\r\n" } },
		  .err = -EPROTO, AT(COMPLETE, REPLY), .text = "hello" },
		{ "426", { { "226", "426 broken\r\n" } }, .err = -ENODATA,
		  AT(COMPLETE, REPLY), .text = "broken" },
		{ "451", { { "226", "451 broken\r\n" } }, .err = -ENODATA,
		  AT(COMPLETE, REPLY) },
		{ "426 and silence", { { "226", "426 broken\r\n" } },
		  .does = FTP_DATA_OPEN, .err = -ENODATA,
		  AT(COMPLETE, REPLY) },
		{ "silence for 226", { { "226", FTP_STALL } },
		  .asks = SHORT_TIME, .err = -ETIMEDOUT,
		  AT(COMPLETE, CONTROL) },
		{ "data reset", {}, .does = FTP_DATA_RESET },
		{ "data reset, active", {}, .does = FTP_DATA_RESET,
		  .asks = ACTIVE },
		{ "data reset, second half", {}, .does = FTP_DATA_RESET,
		  .offset = SIZE / 2 },
		{ "data reset, no SIZE", {}, .does = FTP_DATA_RESET,
		  .asks = NO_SIZE, .err = -ECONNRESET, AT(COMPLETE, DATA) },
		{ "data reset, no 226", { { "226", "426 broken\r\n" } },
		  .does = FTP_DATA_RESET, .err = -ENODATA,
		  AT(COMPLETE, REPLY) },
		{ "data reset, and FIN", { { "226", FTP_HANGUP } },
		  .does = FTP_DATA_RESET, .err = -ECONNRESET,
		  AT(COMPLETE, DATA) },
		{ "data reset too early", { { "SIZE", "213 300001\r\n" } },
		  .does = FTP_DATA_RESET, .err = -ECONNRESET,
		  AT(COMPLETE, DATA) },
		{ "data stays open", {}, .does = FTP_DATA_OPEN },
		{ "data stays open, active", {}, .does = FTP_DATA_OPEN,
		  .asks = ACTIVE },
		{ "data stays open, second half", {}, .does = FTP_DATA_OPEN,
		  .offset = SIZE / 2 },
		{ "data stays open, no SIZE", {}, .does = FTP_DATA_OPEN,
		  .asks = NO_SIZE | SHORT_TIME, .err = -ETIMEDOUT,
		  AT(DATA, DATA) },
		{ "both cut", {}, .cut = 12345, .after_cut = FTP_HANGUP,
		  .err = -ECONNRESET, AT(COMPLETE, CONTROL) },
	};

	RUN_ALL(cases);
}

/* A server may say 99 times that it will be ready later */
TEST_F(replies, delays_have_an_end)
{
	static const char delay[] = "120 later\r\n", ready[] = "220 now\r\n";
	static char text[100 * sizeof(delay) + sizeof(ready)];
	const struct ftp_case cases[] = {
		{ "99 delays", { { "greeting", text } } },
		{ "100 delays", { { "greeting", text } }, .err = -EPROTO,
		  AT(GREETING, REPLY) },
	};
	int i;

	for (i = 0; i < 99; i++)
		strcat(text, delay);
	strcat(text, ready);
	run_case(_metadata, self->s, &cases[0]);
	strcpy(text + 99 * strlen(delay), delay);
	strcat(text, ready);
	run_case(_metadata, self->s, &cases[1]);
}

TEST_F(replies, refusals_have_their_stage)
{
	static const struct ftp_case cases[] = {
		{ "full", { { "greeting", "421 full\r\n" } }, .err = -EBUSY,
		  AT(GREETING, REPLY), .text = "full" },
		{ "no", { { "greeting", "554 no\r\n" } }, .err = -EREMOTEIO,
		  AT(GREETING, REPLY) },
		{ "closed", { { "greeting", FTP_HANGUP } }, .err = -ECONNRESET,
		  AT(GREETING, CONTROL) },
		{ "USER", { { "USER", "530 no\r\n" } }, .err = -EACCES,
		  AT(USER, REPLY) },
		{ "USER 332", { { "USER", "332 account\r\n" } },
		  .err = -EACCES, AT(USER, REPLY) },
		{ "USER 421", { { "USER", "421 bye\r\n" } }, .err = -EBUSY,
		  AT(USER, REPLY) },
		{ "PASS", { { "PASS", "530 no\r\n" } }, .err = -EACCES,
		  AT(PASS, REPLY) },
		{ "PASS 332", { { "PASS", "332 account\r\n" } },
		  .err = -EACCES, AT(PASS, REPLY) },
		{ "PASS, closed", { { "PASS", FTP_HANGUP } },
		  .err = -ECONNRESET, AT(PASS, CONTROL), .text = "" },
		{ "TYPE", { { "TYPE", "504 no\r\n" } }, .err = -EOPNOTSUPP,
		  AT(TYPE, REPLY) },
		{ "RETR 550", { { "RETR", "550 none\r\n" } }, .err = -ENOENT,
		  AT(RETR, REPLY), .text = "none" },
		{ "RETR 450", { { "RETR", "450 busy\r\n" } }, .err = -EBUSY,
		  AT(RETR, REPLY) },
		{ "RETR 226", { { "RETR", "226 done\r\n" } }, .err = -EPROTO,
		  AT(RETR, REPLY) },
		/* No data connection: the reply alone ends the transfer */
		{ "425 after 150", { { "150", "150 a\r\n425 b\r\n" } },
		  .asks = ACTIVE, .no_connect = true, .err = -ECONNREFUSED,
		  AT(OPEN, REPLY), .text = "b" },
		{ "421 after 150", { { "150", "150 a\r\n421 b\r\n" } },
		  .asks = ACTIVE, .no_connect = true, .err = -EBUSY,
		  AT(OPEN, CONTROL), .text = "b" },
		{ "garbage after 150", { { "150", "150 a\r\nhello\r\n" } },
		  .asks = ACTIVE, .no_connect = true, .err = -EPROTO,
		  AT(OPEN, REPLY), .text = "hello" },
	};

	RUN_ALL(cases);
	EXPECT_EQ(ARRAY_SIZE(cases), knd_stat("ftp_failed"));
}

/* Bytes that are no reply, in the place of each reply */
TEST_F(replies, hostile)
{
	static char nothing_ends[20000], too_much[1100 * 1024];
	static const struct {
		const char *verb;
		unsigned int stage;
		int digit;	/* with which a reply is a good one */
		unsigned int asks;
	} where[] = {
		{ "greeting", KNETDEMO_FTP_STAGE_GREETING, 2 },
		{ "USER", KNETDEMO_FTP_STAGE_USER, 2 },
		{ "PASS", KNETDEMO_FTP_STAGE_PASS, 2 },
		{ "TYPE", KNETDEMO_FTP_STAGE_TYPE, 2 },
		{ "SIZE", KNETDEMO_FTP_STAGE_SIZE, 2 },
		{ "MDTM", KNETDEMO_FTP_STAGE_MDTM, 2, MDTM },
		{ "EPSV", KNETDEMO_FTP_STAGE_PORT, 2 },
		{ "PASV", KNETDEMO_FTP_STAGE_PORT, 2, PASV },
		{ "EPRT", KNETDEMO_FTP_STAGE_PORT, 2, ACTIVE },
		{ "PORT", KNETDEMO_FTP_STAGE_PORT, 2, ACTIVE | PASV },
		{ "REST", KNETDEMO_FTP_STAGE_REST, 3 },
		{ "RETR", KNETDEMO_FTP_STAGE_RETR, 1 },
		{ "226", KNETDEMO_FTP_STAGE_COMPLETE, 2 },
	};
	static const char * const replies[] = {
		"x\r\n", "22\r\n", "2200 x\r\n", "000 x\r\n", "099 x\r\n",
		"600 x\r\n", "999 x\r\n", "-20 x\r\n", "+20 x\r\n",
		" 220 x\r\n", "220\tx\r\n", "2 0 x\r\n", "220 x\ry\r\n",
		"\r220 x\r\n", "220_x\r\n", "\377\373\001220 x\r\n",
		"HTTP/1.1 200 OK\r\n", "SSH-2.0-OpenSSH\r\n", "100 x\r\n",
		"199 x\r\n", nothing_ends, too_much,
	};

	memset(nothing_ends, 'x', sizeof(nothing_ends) - 1);
	memset(too_much, 'x', sizeof(too_much) - 1);
	memcpy(too_much, "220-", 4);
	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(replies); j++) {
			char name[64];
			struct ftp_case c = {
				.name = name,
				.script = { { where[i].verb, replies[j] } },
				.asks = where[i].asks,
				.offset = 1,
				.err = -EPROTO,
				.stage = where[i].stage,
				.failed = KNETDEMO_FTP_FAILED_REPLY,
			};

			if (where[i].digit == replies[j][0] - '0' &&
			    replies[j][3] == ' ' && !strchr(replies[j], 'y'))
				continue;
			/*
			 * The server would still be sending it in the next case
			 */
			if (replies[j] == too_much && i)
				continue;
			snprintf(name, sizeof(name), "%s %zu %.20s",
				 where[i].verb, j, replies[j]);
			run_case(_metadata, self->s, &c);
		}
	}
}

/* Ports and addresses are checked strictly */
TEST_F(replies, bad_ports)
{
	static const char * const bad[] = {
		"229 \r\n", "229 (|||0|)\r\n", "229 (|||65536|)\r\n",
		"229 (|||-1|)\r\n", "229 (|1|127.0.0.1|21|)\r\n",
		"229 (|||21|\r\n", "229 (||21|)\r\n", "229 (|||21!)\r\n",
		"229 (|||x|)\r\n", "227 (1,2,3,4,5,6)\r\n", "250 x\r\n",
	};
	static const char * const bad_pasv[] = {
		"227 \r\n", "227 (1,2,3,4,0,0)\r\n", "227 (1,2,3,4,5)\r\n",
		"227 (1,2,3,4,5,6,7)\r\n", "227 (1,2,3,4,256,6)\r\n",
		"227 (1,2,3,4,-5,6)\r\n", "229 (|||21|)\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad) + ARRAY_SIZE(bad_pasv); i++) {
		bool pasv = i >= ARRAY_SIZE(bad);
		const char *reply = pasv ? bad_pasv[i - ARRAY_SIZE(bad)] :
					   bad[i];
		const struct ftp_case c = {
			.name = reply,
			.script = { { pasv ? "PASV" : "EPSV", reply } },
			.asks = pasv ? PASV : V6,
			.err = -EPROTO, AT(PORT, REPLY),
			.sends_not = "RETR",
		};

		run_case(_metadata, self->s, &c);
	}
}

/* The result has the reply that cannot be read, not the one before */
TEST_F(replies, what_cannot_be_read_is_shown)
{
	static char wide[2000];
	char shown[KNETDEMO_FTP_TEXT_LEN];
	const struct ftp_case cases[] = {
		{ "text", { { "PASS", "hello\r\n" } }, .err = -EPROTO,
		  AT(PASS, REPLY), .text = "hello" },
		{ "escaped", { { "PASS", "\033[2J\233\377\r\n" } },
		  .err = -EPROTO, AT(PASS, REPLY), .text = "?[2J??" },
		{ "cut", { { "TYPE", wide } }, .err = -EPROTO,
		  AT(TYPE, REPLY), .text = shown },
	};

	memset(wide, 'z', sizeof(wide) - 1);
	memset(shown, 'z', sizeof(shown) - 1);
	shown[sizeof(shown) - 1] = '\0';
	RUN_ALL(cases);
}

/* A reply without an end is refused when its stage's time is over */
TEST_F(replies, never_an_end)
{
	static char many[300 * 6 + 1];
	const struct ftp_case cases[] = {
		{ "lines", { { "greeting", many } }, .asks = SHORT_TIME,
		  .err = -ETIMEDOUT, AT(GREETING, CONTROL) },
		{ "empty lines", { { "TYPE", "\r\n\r\n" } }, .asks = SHORT_TIME,
		  .err = -ETIMEDOUT, AT(TYPE, CONTROL) },
	};

	for (int i = 0; i < 300; i++)
		memcpy(many + i * 6, "220-x\n", 6);
	RUN_ALL(cases);
}

/* A port that drops all SYNs: PASV is used within the stage's time */
TEST_F(replies, a_silent_port_of_epsv)
{
	struct ftp_case c = {
		"EPSV, silent", { { "EPSV" } }, .sends = "PASV",
	};
	struct sockaddr_in6 hole;
	int filler = socket(AF_INET, SOCK_STREAM, 0);
	int fd = ftp_listen(AF_INET, NULL, 0, 0, &hole);
	char text[64];
	double start;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, connect(filler, (void *)&hole,
			     sizeof(struct sockaddr_in)));
	snprintf(text, sizeof(text), "229 (|||%d|)\r\n", ftp_port_of(&hole));
	c.script[0].reply = text;
	start = now();
	run_case(_metadata, self->s, &c);
	/* A third of the stage's time, and not all of it */
	EXPECT_LT(now() - start, TRANSFER_MS / 1000)
		TH_LOG("%.1f s", now() - start);
}

TEST_HARNESS_MAIN
