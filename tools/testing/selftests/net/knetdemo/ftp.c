// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FTP client of net/knetdemo, against a server that follows a script
 */

#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "../../kselftest_harness.h"
#include "ftp_test.h"

FIXTURE(ftp) {
	struct ftp_server s;
	int fd;
};

FIXTURE_VARIANT(ftp) {
	int family;
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(ftp, v4_passive) { .family = AF_INET };
FIXTURE_VARIANT_ADD(ftp, v6_passive) { .family = AF_INET6 };
FIXTURE_VARIANT_ADD(ftp, v4_active) {
	.family = AF_INET, .flags = KNETDEMO_FTP_ACTIVE,
};

FIXTURE_VARIANT_ADD(ftp, v6_active) {
	.family = AF_INET6, .flags = KNETDEMO_FTP_ACTIVE,
};

FIXTURE_SETUP(ftp)
{
	ASSERT_EQ(0, knd_unshare_net());
	dev = open("/dev/knetdemo", O_RDWR);
	ASSERT_LE(0, dev);
	fill();
	self->s.data = data;
	self->s.size = data_size;
	ASSERT_EQ(0, ftp_server_start(&self->s, variant->family));
	self->fd = new_file();
}

FIXTURE_TEARDOWN(ftp)
{
	ftp_server_stop(&self->s);
}

TEST_F(ftp, files_of_all_sizes)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 65536, 100001,
					data_size };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct knetdemo_ftp_get r = request(&self->s, new_file());

		for (int ask = 0; ask < 2; ask++) {
			self->s.size = sizes[i];
			r.flags = variant->flags;
			if (ask)
				r.flags |= KNETDEMO_FTP_SIZE;
			ASSERT_EQ(0, get(&r))
				TH_LOG("%zu %s", sizes[i], r.text);
			EXPECT_EQ(sizes[i], r.bytes);
			EXPECT_EQ(ask ? sizes[i] : KNETDEMO_FTP_SIZE_UNKNOWN,
				  r.remote_size);
			EXPECT_EQ(KNETDEMO_FTP_STAGE_DONE, r.stage);
			EXPECT_EQ(226, r.code);
			EXPECT_STREQ("done", r.text);
			EXPECT_TRUE(same(r.fd, data, sizes[i]));
		}
		close(r.fd);
	}
	EXPECT_EQ(16, knd_stat("ftp_started"));
	EXPECT_EQ(16, knd_stat("ftp_done"));
	EXPECT_EQ(0, knd_stat("ftp_failed"));
	EXPECT_EQ(2 * (1 + 4095 + 4096 + 4097 + 65536 + 100001 + data_size),
		  knd_stat("ftp_bytes"));
}

TEST_F(ftp, commands)
{
	static const char login[] = "USER somebody\r\nPASS " PASSWORD "\r\n"
		"TYPE I\r\nSIZE dir/the file\r\nMDTM dir/the file\r\n";
	/* RFC 3659, section 5.3: nothing between REST and RETR */
	static const char last[] =
		"\r\nREST 1000\r\nRETR dir/the file\r\nQUIT\r\n";
	const char *set_up = variant->flags ? "EPRT |" : "EPSV\r\n";
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	const char *got = self->s.commands;

	r.flags = variant->flags | KNETDEMO_FTP_SIZE | KNETDEMO_FTP_MDTM;
	r.offset = 1000;
	ASSERT_EQ(0, get(&r));
	EXPECT_EQ(data_size - 1000, r.bytes);
	EXPECT_EQ(0, strncmp(got, login, strlen(login))) TH_LOG("%s", got);
	got += strlen(login);
	EXPECT_EQ(0, strncmp(got, set_up, strlen(set_up))) TH_LOG("%s", got);
	got += strcspn(got, "\r");
	EXPECT_STREQ(last, got);
}

TEST_F(ftp, resume_after_the_server_went_away)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	int err;

	r.flags = variant->flags;
	self->s.cut = 1234567;
	self->s.after_cut = FTP_HANGUP;
	err = get(&r);
	EXPECT_EQ(-ECONNRESET, err) TH_LOG("stage %u", r.stage);
	EXPECT_LE(r.bytes, 1234567);
	EXPECT_TRUE(same(self->fd, data, r.bytes));

	self->s.cut = 0;
	r.offset = r.bytes;
	ASSERT_EQ(0, get(&r)) TH_LOG("%s", r.text);
	EXPECT_EQ(data_size - r.offset, r.bytes);
	EXPECT_TRUE(same(self->fd, data, data_size));
}

TEST_F(ftp, the_older_commands_for_ipv4_only)
{
	static const struct ftp_script script[] = {
		{ "EPSV", "500 what?\r\n" }, { "EPRT", "502 what?\r\n" }, {}
	};
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	r.flags = variant->flags;
	self->s.script = script;
	if (variant->family == AF_INET) {
		EXPECT_EQ(0, get(&r)) TH_LOG("%s", r.text);
		EXPECT_TRUE(same(self->fd, data, data_size));
	} else {
		EXPECT_EQ(-EOPNOTSUPP, get(&r));
		EXPECT_EQ(KNETDEMO_FTP_STAGE_PORT, r.stage);
	}
}

TEST_F(ftp, source_address)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	struct sockaddr_in6 from;

	r.flags = variant->flags;
	r.source_len = ftp_addr(&from, variant->family,
				variant->family == AF_INET ? "127.0.0.77" :
				"::1", 0);
	r.source = (uintptr_t)&from;
	EXPECT_EQ(0, get(&r)) TH_LOG("%s", r.text);
	EXPECT_TRUE(same(self->fd, data, data_size));
	if (variant->flags && variant->family == AF_INET)
		EXPECT_NE(NULL, strstr(self->s.commands,
				       "EPRT |1|127.0.0.77|"));

	/* Not an address of this host */
	ftp_addr(&from, variant->family, variant->family == AF_INET ?
		 "192.0.2.1" : "2001:db8::1", 0);
	EXPECT_EQ(-EADDRNOTAVAIL, get(&r));
	EXPECT_EQ(KNETDEMO_FTP_STAGE_CONNECT, r.stage);
}

/*
 * A connection to the unspecified address reaches this host, which has another
 * address. The data connection has to come from the peer of the control
 * connection, not from the address in the request.
 */
TEST_F(ftp, the_unspecified_address)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	struct sockaddr_in6 to;

	r.flags = variant->flags;
	r.server_len = ftp_addr(&to, variant->family,
				variant->family == AF_INET ? "0.0.0.0" : "::",
				ftp_port_of(&self->s.addr));
	r.server = (uintptr_t)&to;
	EXPECT_EQ(0, get(&r)) TH_LOG("stage %u: %s", r.stage, r.text);
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_EQ(0, knd_stat("ftp_rogue"));
}

/* One server for tests where family and mode make no difference */
FIXTURE(one) {
	struct ftp_server s;
	int fd;
};

FIXTURE_SETUP(one)
{
	ASSERT_EQ(0, knd_unshare_net());
	dev = open("/dev/knetdemo", O_RDWR);
	ASSERT_LE(0, dev);
	fill();
	self->s.data = data;
	self->s.size = data_size;
	ASSERT_EQ(0, ftp_server_start(&self->s, AF_INET));
	self->fd = new_file();
}

FIXTURE_TEARDOWN(one)
{
	ftp_server_stop(&self->s);
}

TEST_F(one, requests_that_are_refused)
{
	const struct knetdemo_ftp_get good = request(&self->s, self->fd);
	struct sockaddr_in6 v6, none;
	struct knetdemo_ftp_get r;
	char longer[600], path[5000];
	int pipes[2];
	struct {
		struct knetdemo_ftp_get r;
		char more[4096];
	} big;

	ftp_addr(&v6, AF_INET6, NULL, 21);
	ftp_addr(&none, AF_INET, NULL, 0);
	memset(longer, 'a', sizeof(longer));
	memset(path, 'a', sizeof(path));
	longer[sizeof(longer) - 1] = '\0';
	path[sizeof(path) - 1] = '\0';
	ASSERT_EQ(0, pipe(pipes));

#define REFUSED(_err, _what) do {					\
		r = good;						\
		_what;							\
		EXPECT_EQ(_err, get(&r)) TH_LOG("%s", #_what);		\
	} while (0)

	REFUSED(-EINVAL, r.size = 0);
	REFUSED(-EINVAL, r.size = KNETDEMO_FTP_GET_SIZE_VER0 - 1);
	REFUSED(-E2BIG, r.size = 1 << 20);
	REFUSED(-EINVAL, r.flags = KNETDEMO_FTP_FLAGS + 1);
	REFUSED(-EINVAL, r.flags = 1U << 31);
	REFUSED(-EINVAL, r.timeout_ms = 99);
	REFUSED(-EINVAL, r.timeout_ms = 600001);
	REFUSED(-EINVAL, r.offset = 1ULL << 63);
	REFUSED(-EINVAL, r.mtime_max = 1);
	REFUSED(-EINVAL, memset(r.device, 'a', sizeof(r.device)));
	REFUSED(-EINVAL, r.flags = KNETDEMO_FTP_PASV;
		r.server = (uintptr_t)&v6; r.server_len = sizeof(v6));
	REFUSED(-EFAULT, r.server = 0);
	REFUSED(-EINVAL, r.server_len = 0);
	REFUSED(-EINVAL, r.server_len = sizeof(struct sockaddr_in) - 1);
	REFUSED(-EINVAL, r.server_len = 129);
	REFUSED(-EINVAL, r.server = (uintptr_t)&none);
	REFUSED(-EINVAL, r.server = (uintptr_t)&v6;
		r.server_len = sizeof(v6) - 1);
	REFUSED(-EAFNOSUPPORT, none.sin6_family = AF_UNIX;
		r.server = (uintptr_t)&none);
	REFUSED(-EINVAL, r.source = (uintptr_t)&v6;
		r.source_len = sizeof(v6));
	REFUSED(-EINVAL, r.source = (uintptr_t)&v6);
	REFUSED(-EFAULT, r.source_len = sizeof(v6));
	REFUSED(-EFAULT, r.user = 0);
	REFUSED(-EFAULT, r.password = 0);
	REFUSED(-EFAULT, r.path = 0);
	REFUSED(-EINVAL, r.user = (uintptr_t)"");
	REFUSED(-EINVAL, r.path = (uintptr_t)"");
	REFUSED(-EINVAL, r.user = (uintptr_t)longer);
	REFUSED(-EINVAL, r.password = (uintptr_t)longer);
	REFUSED(-EINVAL, r.path = (uintptr_t)path);
	REFUSED(-EBADF, r.fd = -1);
	REFUSED(-EBADF, r.fd = 4711);
	REFUSED(-EBADF, r.fd = open("/proc/self/exe", O_RDONLY));
	REFUSED(-EBADF, r.fd = open("/tmp", O_PATH));
	REFUSED(-EINVAL, r.fd = pipes[1]);
	REFUSED(-EINVAL, r.fd = open("/dev/null", O_WRONLY));
	REFUSED(-EINVAL, r.fd = self->s.listener);
	REFUSED(-EINVAL, r.fd = open("/tmp/knd-ftp-append",
				     O_WRONLY | O_CREAT | O_APPEND, 0600));
	REFUSED(-EINVAL, r.fd = open("/tmp/knd-ftp-append",
				     O_WRONLY | O_DIRECT));
	unlink("/tmp/knd-ftp-append");

	for (int c = 1; c < 256; c++) {
		char text[] = "a?b";

		if (c >= 32 && c != 127 && c != 255)
			continue;
		text[1] = c;
		REFUSED(-EINVAL, r.user = (uintptr_t)text);
		REFUSED(-EINVAL, r.password = (uintptr_t)text);
		REFUSED(-EINVAL, r.path = (uintptr_t)text);
	}

	/* A later version of the structure: accepted if the rest is zero */
	memset(&big, 0, sizeof(big));
	big.r = good;
	big.r.size = sizeof(big.r) + 8;
	big.more[7] = 1;
	EXPECT_EQ(-E2BIG, get(&big.r));
	EXPECT_EQ(0, knd_stat("ftp_started"));
	EXPECT_STREQ("", self->s.commands);
	big.more[7] = 0;
	EXPECT_EQ(0, get(&big.r));
	EXPECT_EQ(data_size, big.r.bytes);
	EXPECT_EQ(1, knd_stat("ftp_started"));

	EXPECT_EQ(-1, ioctl(dev, KNETDEMO_IOC_FTP_GET, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(dev, _IO(KNETDEMO_IOC_MAGIC, 0x02), &r));
	EXPECT_EQ(ENOTTY, errno);
}

/* An IPv4 address in the form of IPv6 is IPv4, with its commands */
TEST_F(one, mapped_addresses)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	struct sockaddr_in6 to, from;
	char text[4096];

	r.server_len = ftp_addr(&to, AF_INET6, "::ffff:127.0.0.1",
				ftp_port_of(&self->s.addr));
	r.server = (uintptr_t)&to;
	r.source_len = ftp_addr(&from, AF_INET6, "::ffff:127.0.0.77", 0);
	r.source = (uintptr_t)&from;
	r.flags = KNETDEMO_FTP_PASV | KNETDEMO_FTP_ACTIVE;
	EXPECT_EQ(0, get(&r)) TH_LOG("stage %u: %s", r.stage, r.text);
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_NE(NULL, strstr(self->s.commands, "PORT 127,0,0,77,"));
	knd_read(KND_PROC, "ftp", text, sizeof(text));
	EXPECT_NE(NULL, strstr(text, " 127.0.0.1:")) TH_LOG("%s", text);
}

static bool urgent_at_half(struct ftp_server *s, size_t at, const char **from,
			   size_t *len)
{
	if (at < s->size / 2) {
		*len = s->size / 2 - at;
		return true;
	}
	send(s->data_fd, "!", 1, MSG_OOB);
	/* Nothing follows, so no other event ends the transfer */
	while (recv(s->ctrl, (char [64]) {}, 64, 0) > 0)
		;
	return false;
}

/* Urgent data is no part of a file: it is an error, and nothing waits for it */
TEST_F(one, urgent_data)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	self->s.more = urgent_at_half;
	EXPECT_EQ(-EPROTO, get(&r)) TH_LOG("stage %u", r.stage);
	EXPECT_EQ(KNETDEMO_FTP_FAILED_DATA, r.failed);
	EXPECT_EQ(data_size / 2, r.good);
	EXPECT_TRUE(same(self->fd, data, data_size / 2));
}

TEST_F(one, user_namespace_is_refused)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	pid_t pid = fork();
	int status;

	if (!pid) {
		int fd;

		if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
			_exit(100);
		fd = open("/dev/knetdemo", O_RDWR);
		if (fd < 0)
			_exit(101);
		_exit(ioctl(fd, KNETDEMO_IOC_FTP_GET, &r) ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
	EXPECT_STREQ("", self->s.commands);
}

/* Bytes that a terminal would interpret are replaced or escaped */
TEST_F(one, text_has_no_control_characters)
{
	static const struct ftp_script script[] = {
		{ "RETR", "550 \033[2J\a\t\2332J\302\2332J "
			  "\303\274ber\177\r\n" }, {}
	};
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	char text[4096];

	self->s.script = script;
	r.path = (uintptr_t)"d\2332J\303\274r a\\b";
	EXPECT_EQ(-ENOENT, get(&r));
	EXPECT_STREQ("?[2J???2J??2J ??ber?", r.text);
	knd_read(KND_PROC, "ftp", text, sizeof(text));
	EXPECT_NE(NULL, strstr(text, " d\\2332J\\303\\274r\\040a\\134b\n"))
		TH_LOG("%s", text);
}

TEST_F(one, replies_before_their_commands)
{
	static const struct ftp_script login[] = {
		{ "USER", "331 a\r\n230 b\r\n" }, {}
	};
	static const struct ftp_script tired[] = {
		{ "USER", "331 a\r\n421 b\r\n" }, {}
	};
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	self->s.script = login;
	EXPECT_EQ(-EPROTO, get(&r));
	EXPECT_EQ(KNETDEMO_FTP_STAGE_PASS, r.stage);
	EXPECT_STREQ("USER somebody\r\n", self->s.commands);

	self->s.script = tired;
	EXPECT_EQ(-EBUSY, get(&r));
	EXPECT_EQ(421, r.code);
}

/* A port that drops all SYNs, because its backlog is full */
static int black_hole(struct sockaddr_in6 *addr)
{
	int fd = ftp_listen(AF_INET, NULL, 0, 0, addr);
	int filler = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(filler, (void *)addr, sizeof(struct sockaddr_in)))
		return -1;
	return fd;
}

TEST_F(one, stalls)
{
	static const struct {
		const char *verb;
		unsigned int stage;
	} cases[] = {
		{ "greeting", KNETDEMO_FTP_STAGE_GREETING },
		{ "USER", KNETDEMO_FTP_STAGE_USER },
		{ "PASS", KNETDEMO_FTP_STAGE_PASS },
		{ "TYPE", KNETDEMO_FTP_STAGE_TYPE },
		{ "SIZE", KNETDEMO_FTP_STAGE_SIZE },
		{ "REST", KNETDEMO_FTP_STAGE_REST },
		{ "EPSV", KNETDEMO_FTP_STAGE_PORT },
		{ "RETR", KNETDEMO_FTP_STAGE_RETR },
		{ "226", KNETDEMO_FTP_STAGE_COMPLETE },
		{ "connect", KNETDEMO_FTP_STAGE_CONNECT },
		{ "open", KNETDEMO_FTP_STAGE_OPEN },
		{ "accept", KNETDEMO_FTP_STAGE_OPEN },
		{ "data", KNETDEMO_FTP_STAGE_DATA },
	};
	struct sockaddr_in6 hole;
	char to_hole[64];

	ASSERT_LE(0, black_hole(&hole));
	snprintf(to_hole, sizeof(to_hole), "227 x (127,0,0,1,%d,%d)\r\n",
		 ftp_port_of(&hole) / 256, ftp_port_of(&hole) % 256);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ftp_script script[] = {
			{ cases[i].verb, FTP_STALL }, {}
		};
		struct knetdemo_ftp_get r = request(&self->s, new_file());
		double start;
		int err;

		r.flags = KNETDEMO_FTP_SIZE;
		r.offset = 1;
		r.timeout_ms = TIMEOUT_MS * (knd_machine_slow() ? 3 : 1);
		self->s.script = script;
		self->s.cut = 0;
		if (!strcmp(cases[i].verb, "connect")) {
			r.server = (uintptr_t)&hole;
		} else if (!strcmp(cases[i].verb, "open")) {
			script[0].verb = "PASV";
			script[0].reply = to_hole;
			r.flags |= KNETDEMO_FTP_PASV;
		} else if (!strcmp(cases[i].verb, "accept")) {
			r.flags |= KNETDEMO_FTP_ACTIVE;
			self->s.no_connect = true;
		} else if (!strcmp(cases[i].verb, "data")) {
			self->s.cut = 100000;
			self->s.after_cut = FTP_STALL;
		}
		start = now();
		err = get(&r);
		start = now() - start;
		EXPECT_EQ(-ETIMEDOUT, err) TH_LOG("%s", cases[i].verb);
		EXPECT_EQ(cases[i].stage, r.stage) TH_LOG("%s", cases[i].verb);
		/* In jiffies: it can be early by one, which is 10 ms at most */
		EXPECT_LE(r.timeout_ms / 1e3 - 0.01, start)
			TH_LOG("%s", cases[i].verb);
		/* How late depends on the host; without a limit it is 30 s */
		EXPECT_GT(20, start)
			TH_LOG("%s", cases[i].verb);
		if (!strcmp(cases[i].verb, "data"))
			EXPECT_EQ(100000 - 1, r.bytes);
		close(r.fd);
	}
}

TEST_F(one, a_reply_byte_by_byte)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	/* Slow, but within the stage's time */
	self->s.step_us = 500;
	EXPECT_EQ(0, get(&r)) TH_LOG("stage %u", r.stage);
	EXPECT_TRUE(same(self->fd, data, data_size));

	/* Bytes keep arriving, but the stage's time is over before the end */
	self->s.step_us = 100000;
	r.timeout_ms = TIMEOUT_MS;
	EXPECT_EQ(-ETIMEDOUT, get(&r));
	EXPECT_EQ(KNETDEMO_FTP_STAGE_GREETING, r.stage);
}

TEST_F(one, a_227_that_points_elsewhere)
{
	struct sockaddr_in6 here, there;
	struct ftp_script script[] = {
		{ "EPSV", "500 what?\r\n" }, { "PASV", NULL }, {}
	};
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	int real = ftp_listen(AF_INET, "127.0.0.1", 0, 4, &here);
	int port = ftp_port_of(&here);
	int other = ftp_listen(AF_INET, "127.0.0.9", port, 4, &there);
	int sniffer = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_TCP);
	unsigned char packet[2048];
	char text[64];
	ssize_t n;

	ASSERT_LE(0, real);
	ASSERT_LE(0, other);
	ASSERT_LE(0, sniffer);
	snprintf(text, sizeof(text), "227 x (127,0,0,9,%d,%d)\r\n", port / 256,
		 port % 256);
	script[1].reply = text;
	self->s.script = script;
	self->s.size = 1000;
	r.timeout_ms = TIMEOUT_MS;
	fcntl(real, F_SETFL, O_NONBLOCK);
	fcntl(other, F_SETFL, O_NONBLOCK);
	/* The client connects to this port of the server's address instead */
	EXPECT_EQ(-ETIMEDOUT, get(&r));
	EXPECT_LE(0, accept(real, NULL, NULL));
	EXPECT_EQ(-1, accept(other, NULL, NULL));
	while ((n = recv(sniffer, packet, sizeof(packet), 0)) > 0)
		EXPECT_NE(9, packet[19]);
}

TEST_F(one, rogues_never_win)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	self->s.rogues = 10;
	for (int i = 0; i < 10; i++) {
		r.flags = KNETDEMO_FTP_ACTIVE;
		ftruncate(self->fd, 0);
		ASSERT_EQ(0, get(&r)) TH_LOG("%s", r.text);
		ASSERT_TRUE(same(self->fd, data, data_size));
	}
	EXPECT_EQ(100, knd_stat("ftp_rogue"));
}

TEST_F(one, rogues_never_win_with_ipv6)
{
	struct ftp_server s = { .data = data, .size = data_size, .rogues = 10 };
	struct knetdemo_ftp_get r;

	ASSERT_EQ(0, knd_run("ip addr add " FTP_ROGUE6 "/128 dev lo nodad"));
	ASSERT_EQ(0, ftp_server_start(&s, AF_INET6));
	r = request(&s, self->fd);
	r.flags = KNETDEMO_FTP_ACTIVE;
	EXPECT_EQ(0, get(&r)) TH_LOG("%s", r.text);
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_EQ(10, knd_stat("ftp_rogue"));
	ftp_server_stop(&s);
}

TEST_F(one, no_space_left)
{
	struct knetdemo_ftp_get r = request(&self->s, -1);

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("t", "/tmp", "tmpfs", 0, "size=1m"));
	r.fd = open("/tmp/f", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, r.fd);
	EXPECT_EQ(-ENOSPC, get(&r));
	EXPECT_EQ(KNETDEMO_FTP_STAGE_WRITE, r.stage);
	EXPECT_EQ(1 << 20, r.bytes);
	EXPECT_TRUE(same(r.fd, data, 1 << 20));
}

TEST_F(one, the_callers_limit)
{
	struct rlimit limit = { 500001, 500001 };
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(-EFBIG, get(&r));
	EXPECT_EQ(KNETDEMO_FTP_STAGE_WRITE, r.stage);
	EXPECT_EQ(500001, r.bytes);
	EXPECT_TRUE(same(self->fd, data, 500001));

	/* A limit in the last chunk must not look like the end of the data */
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, ftruncate(self->fd, 0));
		self->s.size = 500001 + (i ? 1 : 999);
		EXPECT_EQ(-EFBIG, get(&r));
		EXPECT_EQ(KNETDEMO_FTP_STAGE_WRITE, r.stage);
		EXPECT_EQ(KNETDEMO_FTP_FAILED_FILE, r.failed);
		EXPECT_EQ(500001, r.bytes);
		EXPECT_EQ(500001, r.good);
	}
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	self->s.size = 500001;
	EXPECT_EQ(0, get(&r));
}

/* It has no ->write_iter() */
TEST_F(one, a_file_of_procfs_is_refused)
{
	struct knetdemo_ftp_get r = request(&self->s, -1);

	r.fd = open("/proc/self/comm", O_RDWR);
	ASSERT_LE(0, r.fd);
	EXPECT_EQ(-EINVAL, get(&r));
	EXPECT_EQ(0, knd_stat("ftp_started"));
	EXPECT_STREQ("", self->s.commands);
}

/* A program that was built with the first version of the structure */
TEST_F(one, an_older_caller)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	memset(r.device, 0x55, sizeof(r) - KNETDEMO_FTP_GET_SIZE_VER0);
	r.size = KNETDEMO_FTP_GET_SIZE_VER0;
	EXPECT_EQ(0, get(&r));
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_EQ(data_size, r.bytes);
	EXPECT_EQ(0x55, r.device[0]);
	EXPECT_EQ(0x55555555, r.id);
	EXPECT_EQ(0x55555555, r.failed);
}

static void nothing(int sig)
{
}

TEST_F(one, a_signal_ends_it)
{
	static const struct ftp_script script[] = { { "TYPE", FTP_STALL }, {} };
	struct itimerval timer = { .it_value.tv_usec = 300000 };
	struct sigaction act = { .sa_handler = nothing };
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	sigaction(SIGALRM, &act, NULL);
	if (knd_machine_slow())
		timer.it_value.tv_sec = 2;
	r.timeout_ms = 60000;
	self->s.script = script;
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(-EINTR, get(&r));
	EXPECT_EQ(KNETDEMO_FTP_STAGE_TYPE, r.stage);
	/* The ioctl was not started again behind the program's back */
	EXPECT_EQ(1, knd_stat("ftp_failed"));
}

/* Run ip(8) with these words. No shell: busybox's would run its own ip. */
static int ip(const char *format, ...)
{
	char line[256], *words[20], *save;
	int n = 0, status;
	va_list args;
	pid_t pid;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (words[n] = strtok_r(line, " ", &save); words[n];
	     words[++n] = strtok_r(NULL, " ", &save))
		;
	pid = fork();
	if (!pid) {
		execvp(words[0], words);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

/* A process in a new namespace, and a way to get there */
static pid_t new_namespace(int *fd)
{
	int ready[2];
	char path[64];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		/* Otherwise it would keep the standard output open */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET))
			_exit(1);
		c = 1;
		write(ready[1], &c, 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		return -1;
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	*fd = open(path, O_RDONLY);
	return pid;
}

static void *get_thread(void *arg)
{
	return (void *)(long)get(arg);
}

/*
 * Open the device in a new namespace, which has 10.9.@i.2 and a way to
 * 10.9.@i.1 here. Returns the one descriptor that keeps the namespace, or -1.
 */
static int open_device_away(int i)
{
	int home = open("/proc/self/ns/net", O_RDONLY);
	pid_t pid;
	int away;

	pid = new_namespace(&away);
	if (pid <= 0 ||
	    ip("ip link add v%d type veth peer name w netns %d", i, pid) ||
	    ip("ip addr add 10.9.%d.1/24 dev v%d", i, i) ||
	    ip("ip link set v%d up", i) || setns(away, CLONE_NEWNET))
		return -1;
	dev = open("/dev/knetdemo", O_RDWR);
	if (dev < 0 || ip("ip addr add 10.9.%d.2/24 dev w", i) ||
	    ip("ip link set w up") || setns(home, CLONE_NEWNET))
		return -1;
	close(home);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return away;
}

static bool at_most_100000(struct ftp_server *s, size_t at, const char **from,
			   size_t *len)
{
	while (at >= 100000)
		pause();
	if (*len > 100000 - at)
		*len = 100000 - at;
	return true;
}

/*
 * A server at 10.9.@i.1 that sends 100000 bytes of the data and no more. See
 * &ftp_server.half for @half, which happens before the last of these bytes.
 */
static int serve_at_home(int i, const char *half, struct sockaddr_in6 *to)
{
	struct ftp_server *s = calloc(1, sizeof(*s));
	char host[32];

	snprintf(host, sizeof(host), "10.9.%d.1", i);
	s->data = data;
	s->size = half ? 150000 : data_size;
	s->half = half;
	s->more = at_most_100000;
	s->host = strdup(host);
	if (ftp_server_start(s, AF_INET))
		return -1;
	*to = s->addr;
	return 0;
}

static bool has_100000(void *fd)
{
	struct stat st;

	return !fstat(*(int *)fd, &st) && st.st_size == 100000;
}

/*
 * The exit of the namespace has to wake up the waiters of both sockets, since a
 * task may sleep on either of them alone.
 */
TEST_F(one, the_namespace_is_dismantled)
{
	static const struct {
		const char *name;
		bool connects;
		const char *half;
		unsigned int stage;
	} cases[] = {
		{ "waits for both", false, NULL, KNETDEMO_FTP_STAGE_DATA },
		{ "waits for the control connection", true, NULL,
		  KNETDEMO_FTP_STAGE_CONNECT },
		{ "waits for the data connection", false, FTP_HANGUP,
		  KNETDEMO_FTP_STAGE_DATA },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t bytes = 100000;
		struct knetdemo_ftp_get r;
		struct sockaddr_in6 to;
		pthread_t thread;
		double start;
		void *res;
		int away;

		if (cases[i].connects)
			bytes = 0;
		away = open_device_away(i);
		ASSERT_LE(0, away);
		r = request(&self->s, new_file());
		r.server = (uintptr_t)&to;
		/* No host has this address: it is not even resolved */
		if (cases[i].connects)
			ftp_addr(&to, AF_INET, "10.9.1.3", 21);
		else
			ASSERT_EQ(0, serve_at_home(i, cases[i].half, &to));
		r.timeout_ms = 20000;
		ASSERT_EQ(0, pthread_create(&thread, NULL, get_thread, &r));
		if (cases[i].connects)
			usleep(300000);
		else
			EXPECT_TRUE(wait_until(has_100000, &r.fd));
		start = now();
		close(away);
		ASSERT_EQ(0, pthread_join(thread, &res));
		EXPECT_EQ(-ENETDOWN, (long)res) TH_LOG("%s", cases[i].name);
		EXPECT_EQ(cases[i].stage, r.stage) TH_LOG("%s", cases[i].name);
		EXPECT_EQ(bytes, r.bytes) TH_LOG("%s", cases[i].name);
		/* Not by the limit of its stage */
		EXPECT_GT(r.timeout_ms / 1000, now() - start)
			TH_LOG("%s", cases[i].name);
		/* Its open files are detached from the namespace */
		EXPECT_EQ(-ENODEV, get(&r));
		close(dev);
	}
}

static bool no_device(void *device)
{
	return !if_nametoindex(device);
}

/* No task runs a parked transfer, so the namespace must not wait for one */
TEST_F(one, the_namespace_is_dismantled_while_parked)
{
	struct sockaddr_in6 to;
	int away, status;
	pid_t pid;

	away = open_device_away(2);
	ASSERT_LE(0, away);
	ASSERT_EQ(0, serve_at_home(2, NULL, &to));
	pid = fork();
	if (!pid) {
		struct knetdemo_ftp_get r = request(&self->s, self->fd);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(away);
		r.server = (uintptr_t)&to;
		r.timeout_ms = 60000;
		_exit(-get(&r));
	}
	ASSERT_LT(0, pid);
	ASSERT_TRUE(wait_until(has_100000, &self->fd));
	kill(pid, SIGSTOP);
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	close(away);
	/* The other end of its device ends with it */
	EXPECT_TRUE(wait_until(no_device, "v2"));
	kill(pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(ENETDOWN, WEXITSTATUS(status));
	EXPECT_TRUE(same(self->fd, data, 100000));
}

/* Only a server behind this device is reached */
TEST_F(one, a_device_to_bind_to)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	int home = open("/proc/self/ns/net", O_RDONLY);
	struct ftp_server *far;
	struct sockaddr_in6 to;
	pid_t pid;
	int away;

	pid = new_namespace(&away);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ip("ip link add red type vrf table 10"));
	ASSERT_EQ(0, ip("ip link set red up"));
	ASSERT_EQ(0, ip("ip link add v type veth peer name w netns %d", pid));
	ASSERT_EQ(0, ip("ip link set v master red"));
	ASSERT_EQ(0, ip("ip addr add 10.9.0.1/24 dev v"));
	ASSERT_EQ(0, ip("ip link set v up"));
	ASSERT_EQ(0, setns(away, CLONE_NEWNET));
	ASSERT_EQ(0, ip("ip addr add 10.9.0.2/24 dev w"));
	ASSERT_EQ(0, ip("ip link set w up"));
	far = calloc(1, sizeof(*far));
	far->data = data;
	far->size = 1000;
	far->family = AF_INET;
	far->listener = ftp_listen(AF_INET, "10.9.0.2", 0, 4, &to);
	ASSERT_LE(0, far->listener);
	pthread_create(&far->thread, NULL, ftp_serve, far);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));

	r.server = (uintptr_t)&to;
	r.timeout_ms = 1000;
	/* There is no route outside of the VRF */
	EXPECT_EQ(-ENETUNREACH, get(&r));
	r.timeout_ms = 20000;
	for (int i = 0; i < 3; i++) {
		strcpy(r.device, i ? "red" : "v");
		r.flags = i == 2 ? KNETDEMO_FTP_ACTIVE : 0;
		ASSERT_EQ(0, ftruncate(self->fd, 0));
		EXPECT_EQ(0, get(&r))
			TH_LOG("%d: stage %u: %s", i, r.stage, r.text);
		EXPECT_TRUE(same(self->fd, data, 1000));
	}
	strcpy(r.device, "none");
	EXPECT_EQ(-ENODEV, get(&r));
	EXPECT_EQ(KNETDEMO_FTP_STAGE_CONNECT, r.stage);
	ftp_server_stop(far);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void rename_device(struct ftp_server *s, const char *verb)
{
	if (!strcmp(verb, "TYPE"))
		ip("ip link set lo name renamed");
}

/* The data socket cannot be bound: no device has this name any more */
TEST_F(one, no_socket_for_the_data)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);

	self->s.heard = rename_device;
	for (int i = 0; i < 3; i++) {
		strcpy(r.device, "lo");
		r.flags = i == 2 ? KNETDEMO_FTP_ACTIVE :
			  i ? KNETDEMO_FTP_PASV : 0;
		EXPECT_EQ(-ENODEV, get(&r)) TH_LOG("%d", i);
		EXPECT_EQ(i == 2 ? KNETDEMO_FTP_STAGE_PORT :
				   KNETDEMO_FTP_STAGE_OPEN, r.stage)
			TH_LOG("%d", i);
		EXPECT_EQ(0, r.bytes);
		ASSERT_EQ(0, ip("ip link set renamed name lo"));
	}
	EXPECT_EQ(3, knd_stat("ftp_failed"));
}

/* Has the connection to this port a keepalive timer of at most 60 s? */
static bool has_keepalive(void *port)
{
	unsigned int remote, state, timer;
	unsigned long when;
	bool found = false;
	char line[512];
	FILE *f;

	f = fopen("/proc/net/tcp", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d: %*s %*x:%x %x %*s %x:%lx", &remote,
			   &state, &timer, &when) == 4 &&
		    remote == *(unsigned int *)port &&
		    state == TCP_ESTABLISHED && timer == 2 &&
		    when <= 60UL * sysconf(_SC_CLK_TCK))
			found = true;
	if (f)
		fclose(f);
	return found;
}

/* The control connection is idle while data flows, and is probed */
TEST_F(one, keepalive_of_the_control_connection)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	unsigned int port = ftp_port_of(&self->s.addr);
	pthread_t thread;
	void *res;

	r.timeout_ms = 3000;
	self->s.cut = 100000;
	self->s.after_cut = FTP_STALL;
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_thread, &r));
	EXPECT_TRUE(wait_until(has_keepalive, &port));
	pthread_join(thread, &res);
	EXPECT_EQ(-ETIMEDOUT, (long)res);
}

static bool has(const char *path, const char *text, const char *needle)
{
	static char buf[65536];
	ssize_t n;
	int fd;

	if (path) {
		fd = open(path, O_RDONLY | O_NONBLOCK);
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
		if (n < 0)
			return false;
		buf[n] = '\0';
		text = buf;
	}
	return strstr(text, needle);
}

TEST_F(one, seen_while_it_runs_and_never_the_password)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	char text[4096] = "", where[64];
	pthread_t thread;
	double start = now();
	void *res;

	snprintf(where, sizeof(where), " 127.0.0.1:%d dir/the\\040file\n",
		 ftp_port_of(&self->s.addr));
	knd_trace("knetdemo_ftp_stage", true);
	r.flags = KNETDEMO_FTP_SIZE;
	r.timeout_ms = 1000;
	self->s.cut = 100000;
	self->s.after_cut = FTP_STALL;
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_thread, &r));
	while (!strstr(text, " running data 100000 ") && now() - start < 20)
		knd_read(KND_PROC, "ftp", text, sizeof(text));
	EXPECT_NE(NULL, strstr(text, "1 running data 100000 3158073 "))
		TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, where)) TH_LOG("%s", text);
	EXPECT_EQ(NULL, strstr(text, PASSWORD));
	/* Written before the end, so that a program finds its line */
	EXPECT_EQ(1, __atomic_load_n(&r.id, __ATOMIC_RELAXED));
	pthread_join(thread, &res);
	EXPECT_EQ(-ETIMEDOUT, (long)res);

	self->s.cut = 0;
	EXPECT_EQ(0, get(&r));
	knd_read(KND_PROC, "ftp", text, sizeof(text));
	EXPECT_NE(NULL, strstr(text, "\n2 done done 3158073 3158073 "))
		TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "\n1 failed data 100000 3158073 "))
		TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, " 150 -110 "));
	/* The server and the path stay when a transfer has ended */
	EXPECT_NE(NULL, strstr(text, where)) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(strstr(text, where) + 1, where))
		TH_LOG("%s", text);
	EXPECT_EQ(NULL, strstr(text, PASSWORD));

	EXPECT_TRUE(has(KND_TRACING "trace", NULL, "stage=pass reply=331"));
	EXPECT_FALSE(has(KND_TRACING "trace", NULL, PASSWORD));
	EXPECT_FALSE(has("/dev/kmsg", NULL, PASSWORD));
	knd_trace("knetdemo_ftp_stage", false);
}

/* The list has 16 transfers that have ended */
TEST_F(one, only_the_latest_are_listed)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	char text[8192];
	int lines = 0;

	r.user = (uintptr_t)"x";
	self->s.size = 10;
	for (int i = 0; i < 20; i++)
		ASSERT_EQ(0, get(&r));
	knd_read(KND_PROC, "ftp", text, sizeof(text));
	for (char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	EXPECT_EQ(1 + 16, lines);
	EXPECT_NE(NULL, strstr(text, "\n20 done "));
	EXPECT_EQ(NULL, strstr(text, "\n4 done "));
}

/*
 * The answer to QUIT is the end of a session. A client that waits for the
 * server to close takes at least a second for each file, whatever the machine.
 */
TEST_F(one, a_server_that_does_not_close)
{
	struct knetdemo_ftp_get r = request(&self->s, self->fd);
	double start, least = 1;

	self->s.does = FTP_CTRL_OPEN;
	self->s.size = 10;
	for (int i = 0; i < 20 && least >= 1; i++) {
		start = now();
		ASSERT_EQ(0, get(&r)) TH_LOG("%s", r.text);
		least = now() - start;
	}
	EXPECT_GT(1, least);
	EXPECT_EQ(0, knd_stuck());
}

/*
 * A closed kernel socket has no timers: a lost FIN would never be sent again,
 * and the socket would never be freed. The client has to reset it.
 */
TEST_F(one, no_socket_is_left_if_the_fin_is_lost)
{
	struct knetdemo_ftp_get r = request(&self->s, new_file());
	char command[256];

	/* The client's FIN never reaches the server */
	snprintf(command, sizeof(command),
		 "nft 'add table ip t; "
		 "add chain ip t c { type filter hook output priority 0; }; "
		 "add rule ip t c tcp dport %d tcp flags & fin == fin drop'",
		 ftp_port_of(&self->s.addr));
	ASSERT_EQ(0, knd_run(command));
	self->s.size = 1000;
	ASSERT_EQ(0, get(&r)) TH_LOG("%s", r.text);
	EXPECT_TRUE(same(r.fd, data, 1000));
	EXPECT_EQ(0, knd_stuck());
	EXPECT_EQ(1, knd_stat("ftp_done"));
}

#if defined(__x86_64__)
/* The system call of a 32-bit program; all its pointers have 32 bits */
TEST_F(one, a_32_bit_caller)
{
	struct {
		struct knetdemo_ftp_get r;
		struct sockaddr_in6 addr;
		char user[16], password[16], path[16];
	} *low;
	long ret;

	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, low);
	low->r = request(&self->s, self->fd);
	low->addr = self->s.addr;
	strcpy(low->user, "u");
	strcpy(low->path, "p");
	low->r.server = (uintptr_t)&low->addr;
	low->r.user = (uintptr_t)low->user;
	low->r.password = (uintptr_t)low->password;
	low->r.path = (uintptr_t)low->path;
	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (54), "b" (dev), "c" (KNETDEMO_IOC_FTP_GET),
		       "d" (low) : "memory", "r8", "r9", "r10", "r11");
	EXPECT_EQ(0, (int)ret);
	EXPECT_EQ(data_size, low->r.bytes);
	EXPECT_TRUE(same(self->fd, data, data_size));
}
#endif

TEST_HARNESS_MAIN
