// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TCP service of net/knetdemo: listener, services, limits, end
 *
 * KSFT_MACHINE_SLOW=yes in the environment scales counts and times for slow
 * kernels.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "../../kselftest_harness.h"
#include "tcp_test.h"

/*
 * Send @total bytes from a child and compare what comes back. Returns the
 * number of bytes that came back unchanged before the end of the stream, or
 * -errno.
 */
static long long echo_stream(int fd, long long total, size_t piece)
{
	static uint8_t buf[65536], want[65536];
	struct stream s = { .state = 88172645463325252ULL };
	long long done = 0;
	int status;
	pid_t pid;
	ssize_t n;

	pid = fork();
	if (!pid) {
		for (; done < total; done += piece) {
			stream_fill(&s, buf, sizeof(buf));
			for (size_t at = 0; at < sizeof(buf); at += piece)
				if (send_all(fd, buf + at, piece))
					_exit(1);
			done += sizeof(buf) - piece;
		}
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	for (;;) {
		n = recv_all(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		stream_fill(&s, want, sizeof(want));
		if (memcmp(buf, want, n)) {
			n = -EBADMSG;
			break;
		}
		done += n;
	}
	waitpid(pid, &status, 0);
	if (n < 0)
		return n;
	return status ? -ECHILD : done;
}

static int tasks(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	closedir(dir);
	return n;
}

FIXTURE(tcp) {
};

FIXTURE_VARIANT(tcp) {
	const char *listen;
	const char *dial;
};

FIXTURE_VARIANT_ADD(tcp, v4) {
	.listen = "127.0.0.1", .dial = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(tcp, v6) {
	.listen = "::1", .dial = "::1",
};

FIXTURE_VARIANT_ADD(tcp, both_v4) {
	.listen = "::", .dial = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(tcp, both_v6) {
	.listen = "::", .dial = "::1",
};

FIXTURE_SETUP(tcp)
{
	ASSERT_EQ(0, knd_unshare_net());
}

FIXTURE_TEARDOWN(tcp)
{
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(0, listed());
	EXPECT_EQ(knd_stat("tcp_accepted"), knd_stat("tcp_closed"));
}

TEST_F(tcp, accept_keeps_until_the_peer_closes)
{
	char text[4096], want[160], service[16], local[64], peer[64];
	long long in, out;
	char state[16];
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	unsigned int id, port;
	char buf[512] = {};
	int fd, n;

	EXPECT_EQ(-ECONNREFUSED, dial(variant->dial, PORT));
	ASSERT_EQ(0, start(variant->listen, "accept"));
	fd = dial(variant->dial, PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, send_all(fd, buf, sizeof(buf)));
	EXPECT_EQ(512, knd_wait_stat("tcp_bytes_in", 512, 5000));
	EXPECT_EQ(1, knd_stat("tcp_accepted"));
	EXPECT_EQ(-1, recv(fd, buf, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);

	/* The list has the addresses that the client sees */
	ASSERT_LT(0, knd_read(KND_PROC, "tcp", text, sizeof(text)));
	n = sscanf(strchr(text, '\n') + 1, "%u %15s %63s %63s %15s %lld %lld",
		   &id, service, local, peer, state, &in, &out);
	ASSERT_EQ(7, n) TH_LOG("%s", text);
	getsockname(fd, (struct sockaddr *)&ss, &len);
	port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	snprintf(want, sizeof(want), strchr(variant->dial, ':') ?
		 "[%s]:%u" : "%s:%u", variant->dial, port);
	EXPECT_STREQ(want, peer);
	snprintf(want, sizeof(want), strchr(variant->dial, ':') ?
		 "[%s]:%u" : "%s:%u", variant->dial, PORT);
	EXPECT_STREQ(want, local);
	EXPECT_STREQ("accept", service);
	EXPECT_STREQ("ESTABLISHED", state);
	EXPECT_EQ(512, in);
	EXPECT_EQ(0, out);

	close(fd);
	EXPECT_EQ(1, knd_wait_stat("tcp_closed", 1, 5000));
	EXPECT_EQ(1, knd_stat("tcp_closed_peer"));
	EXPECT_EQ(0, listed());
}

TEST_F(tcp, stop_ends_connections_in_order)
{
	int fd, idle;
	char c;

	ASSERT_EQ(0, start(variant->listen, "echo"));
	fd = dial(variant->dial, PORT);
	idle = dial(variant->dial, PORT);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, idle);
	EXPECT_EQ(0, ask(fd, "hello"));
	EXPECT_EQ(2, knd_wait_stat("tcp_accepted", 2, 5000));
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(0, recv(fd, &c, 1, 0));
	EXPECT_EQ(0, recv(idle, &c, 1, 0));
	EXPECT_EQ(2, knd_stat("tcp_closed_stopped"));
	EXPECT_EQ(-ECONNREFUSED, dial(variant->dial, PORT));
	/*
	 * The service may start again at once, while these are not closed yet
	 */
	EXPECT_EQ(0, knd_set("tcp", "1"));
	close(fd);
	close(idle);
}

TEST_F(tcp, echo_is_exact)
{
	static const size_t pieces[] = { 65536, 1024, 64 };
	static const int kib[] = { 65536, 16384, 1024 };
	static const int kib_slow[] = { 2048, 512, 64 };
	long long total, sum = 0;
	int fd;

	ASSERT_EQ(0, start(variant->listen, "echo"));
	for (int i = 0; i < 3; i++) {
		total = (long long)knd_slow(kib[i], kib_slow[i]) << 10;
		fd = dial(variant->dial, PORT);
		ASSERT_LE(0, fd);
		EXPECT_EQ(total, echo_stream(fd, total, pieces[i]));
		close(fd);
		sum += total;
	}
	EXPECT_EQ(3, knd_wait_stat("tcp_closed_peer", 3, 5000));
	EXPECT_EQ(sum, knd_stat("tcp_bytes_in"));
	EXPECT_EQ(sum, knd_stat("tcp_bytes_out"));
}

TEST_F(tcp, echo_answers_a_half_close_by_draining)
{
	static uint8_t sent[200000], back[sizeof(sent) + 1];
	struct stream s = { .state = 42 };
	int fd;

	stream_fill(&s, sent, sizeof(sent));
	ASSERT_EQ(0, start(variant->listen, "echo"));
	for (size_t len = 0; len <= sizeof(sent); len += 40000) {
		fd = dial(variant->dial, PORT);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, send_all(fd, sent, len));
		EXPECT_EQ(0, shutdown(fd, SHUT_WR));
		EXPECT_EQ((ssize_t)len, recv_all(fd, back, sizeof(back)));
		EXPECT_EQ(0, memcmp(sent, back, len));
		close(fd);
	}
	EXPECT_EQ(6, knd_wait_stat("tcp_closed_peer", 6, 5000));
}

TEST_F(tcp, discard_counts_every_byte)
{
	static uint8_t buf[65536];
	long long total = (long long)knd_slow(256, 4) << 20;
	int fd;

	ASSERT_EQ(0, start(variant->listen, "discard"));
	fd = dial(variant->dial, PORT);
	ASSERT_LE(0, fd);
	for (long long n = 0; n < total; n += sizeof(buf)) {
		ASSERT_EQ(0, send_all(fd, buf, sizeof(buf)));
	}
	ASSERT_EQ(0, send_all(fd, "odd", 3));
	/* Urgent data is data */
	ASSERT_EQ(1, send(fd, "!", 1, MSG_OOB));
	ASSERT_EQ(0, send_all(fd, "end", 3));
	shutdown(fd, SHUT_WR);
	EXPECT_EQ(0, recv_all(fd, buf, 1));
	close(fd);
	EXPECT_EQ(1, knd_wait_stat("tcp_closed", 1, 5000));
	EXPECT_EQ(total + 7, knd_stat("tcp_bytes_in"));
	EXPECT_EQ(0, knd_stat("tcp_bytes_out"));
}

TEST_F(tcp, chargen_pattern)
{
	static uint8_t want[PERIOD + 65536], buf[65536];
	long long total = (long long)knd_slow(100, 2) << 20, done = 0;
	ssize_t n;
	int fd;

	for (size_t i = 0; i < sizeof(want); i++) {
		size_t line = i % PERIOD / LINE, column = i % LINE;

		want[i] = column == 72 ? '\r' : column == 73 ? '\n' :
			  ' ' + (line + column) % 95;
	}
	ASSERT_EQ(0, start(variant->listen, "chargen"));
	fd = dial(variant->dial, PORT);
	ASSERT_LE(0, fd);
	/* Received data is discarded */
	EXPECT_EQ(0, send_all(fd, "quiet", 5));
	while (done < total) {
		n = recv(fd, buf, sizeof(buf), 0);
		ASSERT_LT(0, n);
		ASSERT_EQ(0, memcmp(want + done % PERIOD, buf, n))
			TH_LOG("at %lld", done);
		done += n;
	}
	/* The call that sends may still be running on another processor */
	EXPECT_LE(done, knd_wait_stat("tcp_bytes_out", done, 5000));
	EXPECT_EQ(5, knd_wait_stat("tcp_bytes_in", 5, 5000));
	close(fd);
	EXPECT_EQ(1, knd_wait_stat("tcp_closed_reset", 1, 5000));
}

/*
 * The reasons why connections end. Each function provokes one and returns the
 * number of further bytes that it sent to the service.
 */

static int ended_by_peer(int fd)
{
	return shutdown(fd, SHUT_WR);
}

/* From now on no packet of the service reaches its peers */
static int cut_off(void)
{
	return knd_run("nft 'add table inet t; add chain inet t c "
		       "{ type filter hook input priority 0; }; "
		       "add rule inet t c tcp sport 60000 drop'");
}

static int lost(int fd)
{
	if (knd_write("/proc/sys/net/ipv4/", "tcp_retries2", "2") || cut_off())
		return -1;
	return send(fd, "?", 1, 0);
}

static int idle(int fd)
{
	return knd_set("tcp_idle_ms", "300");
}

static int killed(int fd)
{
	return knd_write(KND_PROC, "tcp", "kill all");
}

static int stopped(int fd)
{
	return knd_set("tcp", "0");
}

static int destroyed(int fd)
{
	return knd_run("ss -tK state established sport = 60000 > /dev/null");
}

FIXTURE(end) {
};

FIXTURE_VARIANT(end) {
	const char *reason;
	int (*cause)(int fd);
	const char *addr;
};

FIXTURE_VARIANT_ADD(end, peer) {
	.reason = "peer", .cause = ended_by_peer, .addr = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(end, reset) {
	.reason = "reset", .cause = reset_by_peer, .addr = "::1",
};

FIXTURE_VARIANT_ADD(end, timeout) {
	.reason = "timeout", .cause = lost, .addr = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(end, idle) {
	.reason = "idle", .cause = idle, .addr = "::1",
};

FIXTURE_VARIANT_ADD(end, killed) {
	.reason = "killed", .cause = killed, .addr = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(end, stopped) {
	.reason = "stopped", .cause = stopped, .addr = "::1",
};

FIXTURE_VARIANT_ADD(end, error) {
	.reason = "error", .cause = destroyed, .addr = "127.0.0.1",
};

FIXTURE_SETUP(end)
{
	ASSERT_EQ(0, knd_unshare_net());
}

FIXTURE_TEARDOWN(end)
{
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(knd_stat("tcp_accepted"), knd_stat("tcp_closed"));
}

TEST_F(end, is_counted_and_traced)
{
	bool v6 = strchr(variant->addr, ':');
	char stat[32], text[65536], want[320], name[INET6_ADDRSTRLEN + 2];
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	uint64_t cookie = 0;
	int fd, more, n;

	snprintf(stat, sizeof(stat), "tcp_closed_%s", variant->reason);
	snprintf(name, sizeof(name), v6 ? "[%s]" : "%s", variant->addr);
	ASSERT_EQ(0, knd_trace("knetdemo_accept", true));
	ASSERT_EQ(0, knd_trace("knetdemo_close", true));
	ASSERT_EQ(0, start(variant->addr, "echo"));
	fd = dial(variant->addr, PORT);
	ASSERT_LE(0, fd);
	getsockname(fd, (struct sockaddr *)&ss, &len);
	len = sizeof(cookie);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie,
				&len));
	ASSERT_EQ(0, ask(fd, "hello"));
	EXPECT_EQ(0, knd_stat("tcp_closed"));

	more = variant->cause(fd);
	ASSERT_LE(0, more);
	EXPECT_EQ(1, knd_wait_stat(stat, 1, 20000));
	EXPECT_EQ(1, knd_wait_stat("tcp_closed", 1, 5000));
	ASSERT_EQ(0, knd_trace("knetdemo_accept", false));
	ASSERT_EQ(0, knd_trace("knetdemo_close", false));

	ASSERT_LT(0, knd_read(KND_TRACING, "trace", text, sizeof(text)));
	n = snprintf(want, sizeof(want),
		     ": netns=%llu id=1 service=echo local=%s:%d peer=%s:%d",
		     (unsigned long long)cookie, name, PORT, name,
		     ntohs(((struct sockaddr_in *)&ss)->sin_port));
	EXPECT_NE(NULL, strstr(text, " knetdemo_accept: netns="));
	EXPECT_NE(NULL, strstr(text, want)) TH_LOG("no %s in %s", want, text);
	snprintf(want + n, sizeof(want) - n, " reason=%s in=%d out=%d scope=0\n",
		 variant->reason, 5 + more, 5 + more);
	EXPECT_NE(NULL, strstr(text, " knetdemo_close: netns="));
	EXPECT_NE(NULL, strstr(text, want)) TH_LOG("no %s in %s", want, text);
}

FIXTURE(service) {
};

FIXTURE_SETUP(service)
{
	ASSERT_EQ(0, knd_unshare_net());
}

FIXTURE_TEARDOWN(service)
{
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(0, listed());
	EXPECT_EQ(knd_stat("tcp_accepted"), knd_stat("tcp_closed"));
}

TEST_F(service, port_in_use)
{
	int fd, conn;

	fd = listen_on("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EADDRINUSE, knd_set("tcp", "1"));
	EXPECT_STREQ("0", knd_get("tcp"));

	/* A write that fails changes nothing in a running service */
	ASSERT_EQ(0, knd_set("tcp_port", "60002"));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	conn = dial("127.0.0.1", 60002);
	ASSERT_LE(0, conn);
	EXPECT_EQ(-EADDRINUSE, knd_set("tcp_port", "60000"));
	EXPECT_STREQ("60002", knd_get("tcp_port"));
	EXPECT_EQ(-EADDRNOTAVAIL, knd_set("tcp_addr", "192.0.2.1"));
	EXPECT_STREQ("127.0.0.1", knd_get("tcp_addr"));
	EXPECT_EQ(-EINVAL, knd_set("tcp_addr", "localhost"));
	EXPECT_EQ(0, ask(conn, "still here"));
	close(conn);
	conn = dial("127.0.0.1", 60002);
	ASSERT_LE(0, conn);
	EXPECT_EQ(0, ask(conn, "still open"));
	close(conn);
	close(fd);
}

/* Listen on a port that another socket has; 0 or -errno */
static int intrude(const char *text, int option)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, text, PORT);
	int err = 0, one = 1, fd;

	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, option, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 1))
		err = -errno;
	close(fd);
	return err;
}

TEST_F(service, nobody_shares_the_port)
{
	static const char * const addr[] = { "127.0.0.1", "0.0.0.0", "::" };

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < 6; i++) {
		ASSERT_EQ(0, knd_set("tcp_addr", addr[i % 3]));
		EXPECT_EQ(-EADDRINUSE, intrude("127.0.0.1", SO_REUSEADDR));
		EXPECT_EQ(-EADDRINUSE, intrude("127.0.0.1", SO_REUSEPORT));
		EXPECT_EQ(-EADDRINUSE, intrude("0.0.0.0", SO_REUSEADDR));
		EXPECT_EQ(-EADDRINUSE, intrude("0.0.0.0", SO_REUSEPORT));
	}
}

TEST_F(service, nobody_shares_the_port_while_it_moves)
{
	int until[2], status, err = -EADDRINUSE, tries;
	struct pollfd p = { .events = POLLIN };
	pid_t pid;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	ASSERT_EQ(0, pipe(until));
	pid = fork();
	if (!pid) {
		close(until[1]);
		p.fd = until[0];
		for (tries = 0; err == -EADDRINUSE && !poll(&p, 1, 0); tries++)
			err = intrude("127.0.0.1", SO_REUSEPORT);
		_exit(err != -EADDRINUSE ? 1 : !tries ? 2 : 0);
	}
	close(until[0]);
	for (int i = 0; i < knd_slow(200, 50); i++) {
		EXPECT_EQ(0, knd_set("tcp_addr", i % 2 ? "127.0.0.1" :
							 "0.0.0.0"));
	}
	close(until[1]);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The service does not share the port of a process either */
TEST_F(service, no_port_that_another_would_share)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, "127.0.0.1", PORT);
	int one = 1, fd;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
				sizeof(one)));
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&ss, len));
	ASSERT_EQ(0, listen(fd, 1));
	EXPECT_EQ(-EADDRINUSE, start("127.0.0.1", "echo"));
	EXPECT_EQ(-EADDRINUSE, start("0.0.0.0", "echo"));
	EXPECT_EQ(-EADDRINUSE, start("::", "echo"));
	ASSERT_EQ(0, start("127.0.0.2", "echo"));
	EXPECT_EQ(-EADDRINUSE, knd_set("tcp_addr", "0.0.0.0"));
	EXPECT_STREQ("127.0.0.2", knd_get("tcp_addr"));
	close(fd);
	EXPECT_EQ(0, knd_set("tcp_addr", "0.0.0.0"));
}

TEST_F(service, low_ports_need_a_capability)
{
	ASSERT_EQ(0, knd_set("tcp_port", "7"));
	ASSERT_EQ(0, knd_drop_capability(CAP_NET_BIND_SERVICE));
	EXPECT_EQ(-EACCES, knd_set("tcp", "1"));
	EXPECT_STREQ("0", knd_get("tcp"));
	ASSERT_EQ(0, knd_set("tcp_port", "60000"));
	ASSERT_EQ(0, knd_set("tcp", "1"));
	EXPECT_EQ(-EACCES, knd_set("tcp_port", "7"));
	EXPECT_STREQ("60000", knd_get("tcp_port"));
}

TEST_F(service, a_low_port_with_the_capability)
{
	int fd;

	ASSERT_EQ(0, knd_set("tcp_port", "7"));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	fd = dial("127.0.0.1", 7);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ask(fd, "echo"));
	close(fd);
}

/* Whether a connection is reset, before or after connect() returns */
static bool refused(const char *source, const char *text)
{
	int fd = dial_from(source, text, PORT);
	bool reset;
	char c;

	if (fd < 0)
		return fd == -ECONNRESET;
	reset = recv(fd, &c, 1, 0) == -1 && errno == ECONNRESET;
	close(fd);
	return reset;
}

TEST_F(service, at_most_max_conns)
{
	int fd[3];

	ASSERT_EQ(0, knd_set("tcp_max_conns", "3"));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < 3; i++) {
		fd[i] = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd[i]);
		EXPECT_EQ(0, ask(fd[i], "in"));
	}
	EXPECT_TRUE(refused(NULL, "127.0.0.1"));
	EXPECT_EQ(1, knd_stat("tcp_refused_max"));
	EXPECT_EQ(3, knd_stat("tcp_accepted"));
	EXPECT_EQ(3, listed());

	/* The slot of a closed connection is used again */
	close(fd[0]);
	EXPECT_EQ(2, wait_listed(2, 5000));
	fd[0] = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd[0]);
	EXPECT_EQ(0, ask(fd[0], "again"));
}

static int add_address(const char *text)
{
	char command[128];

	snprintf(command, sizeof(command), "ip addr add %s dev lo nodad", text);
	return knd_run(command);
}

/* All addresses of a global /64 count as one source */
TEST_F(service, at_most_so_many_of_a_network)
{
	int a, b, c;

	ASSERT_EQ(0, add_address("2001:db8:1:1::1/64"));
	ASSERT_EQ(0, add_address("2001:db8:1:1:ffff::2/64"));
	ASSERT_EQ(0, add_address("2001:db8:1:2::1/64"));
	ASSERT_EQ(0, knd_set("tcp_max_conns_per_source", "1"));
	ASSERT_EQ(0, start("::", "echo"));
	a = dial_from("2001:db8:1:1::1", "2001:db8:1:2::1", PORT);
	ASSERT_LE(0, a);
	EXPECT_EQ(0, ask(a, "one"));
	EXPECT_TRUE(refused("2001:db8:1:1:ffff::2", "2001:db8:1:2::1"));
	EXPECT_EQ(1, knd_stat("tcp_refused_source"));
	b = dial_from("2001:db8:1:2::1", "2001:db8:1:2::1", PORT);
	ASSERT_LE(0, b);
	EXPECT_EQ(0, ask(b, "two"));
	c = dial_from("127.0.0.1", "127.0.0.1", PORT);
	ASSERT_LE(0, c);
	EXPECT_EQ(0, ask(c, "six"));
	close(a);
	close(b);
	close(c);
}

/*
 * A link-local address is shown with its scope everywhere. A listener on such
 * an address is made again when its device was removed and added.
 */
TEST_F(service, link_local)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	char text[65536], want[128];
	unsigned int scope;
	socklen_t len;
	int fd;

	ASSERT_EQ(0, knd_run("ip link add knd0 type dummy && "
			     "ip link set knd0 up && "
			     "ip addr add fe80::1234/64 dev knd0 nodad"));
	scope = if_nametoindex("knd0");
	ASSERT_NE(0, scope);
	/* Only a link-local address has a scope */
	EXPECT_EQ(-EINVAL, knd_set("tcp_addr", "127.0.0.1%knd0"));
	EXPECT_EQ(-EINVAL, knd_set("tcp_addr", "::1%knd0"));
	EXPECT_EQ(-EINVAL, knd_set("tcp_addr", "2001:db8::1%knd0"));
	EXPECT_EQ(-EINVAL, knd_set("tcp_addr", "fe80::1234%knd1"));
	ASSERT_EQ(0, knd_trace("knetdemo_accept", true));
	ASSERT_EQ(0, start("fe80::1234%knd0", "echo"));

	len = knd_addr(&ss, "fe80::1234", PORT);
	in6->sin6_scope_id = scope;
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&ss, len));
	EXPECT_EQ(0, ask(fd, "local"));
	ASSERT_EQ(0, knd_trace("knetdemo_accept", false));
	snprintf(want, sizeof(want), " [fe80::1234%%%u]:60000 [fe80::1234%%%u]:",
		 scope, scope);
	ASSERT_LT(0, knd_read(KND_PROC, "tcp", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, want)) TH_LOG("%s", text);
	snprintf(want, sizeof(want), " scope=%u\n", scope);
	ASSERT_LT(0, knd_read(KND_TRACING, "trace", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, want)) TH_LOG("%s", text);
	close(fd);
	EXPECT_EQ(1, knd_wait_stat("tcp_closed", 1, 20000));

	/* Another device with the same name and another index */
	ASSERT_EQ(0, knd_run("ip link del knd0"));
	EXPECT_LE(1, knd_wait_stat("tcp_accept_errors", 1, 20000));
	EXPECT_EQ(0, knd_stat("tcp_relistened"));
	ASSERT_EQ(0, knd_run("ip link add knd0 type dummy && "
			     "ip link set knd0 up && "
			     "ip addr add fe80::1234/64 dev knd0 nodad"));
	EXPECT_EQ(1, knd_wait_stat("tcp_relistened", 1, 20000));
	in6->sin6_scope_id = if_nametoindex("knd0");
	EXPECT_NE(scope, in6->sin6_scope_id);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&ss, len));
	EXPECT_EQ(0, ask(fd, "again"));
	close(fd);
}

/* Connect from one link-local address of @dev to another; fd or -errno */
static int dial_on_link(const char *source, const char *text, const char *dev)
{
	struct sockaddr_storage from, to;
	socklen_t len = knd_addr(&from, source, 0);
	int err, fd;

	knd_addr(&to, text, PORT);
	((struct sockaddr_in6 *)&from)->sin6_scope_id = if_nametoindex(dev);
	((struct sockaddr_in6 *)&to)->sin6_scope_id = if_nametoindex(dev);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&from, len) ||
	    connect(fd, (struct sockaddr *)&to, len)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* A link-local address is one host: its /64 is shared by the whole link */
TEST_F(service, at_most_so_many_of_a_host_on_the_link)
{
	int a, b, c;

	ASSERT_EQ(0, knd_run("ip link add knd0 type dummy && "
			     "ip link set knd0 up && "
			     "ip addr add fe80::1/64 dev knd0 nodad && "
			     "ip addr add fe80::2/64 dev knd0 nodad"));
	ASSERT_EQ(0, knd_set("tcp_max_conns_per_source", "1"));
	ASSERT_EQ(0, start("::", "echo"));
	a = dial_on_link("fe80::1", "fe80::1", "knd0");
	ASSERT_LE(0, a);
	EXPECT_EQ(0, ask(a, "one"));
	b = dial_on_link("fe80::2", "fe80::1", "knd0");
	ASSERT_LE(0, b);
	EXPECT_EQ(0, ask(b, "two"));
	c = dial_on_link("fe80::2", "fe80::1", "knd0");
	EXPECT_EQ(1, knd_wait_stat("tcp_refused_source", 1, 20000));
	EXPECT_EQ(2, knd_stat("tcp_accepted"));
	if (c >= 0)
		close(c);
	close(a);
	close(b);
}

TEST_F(service, at_most_so_many_of_a_source)
{
	int a, b, c;

	ASSERT_EQ(0, knd_set("tcp_max_conns_per_source", "1"));
	ASSERT_EQ(0, start("::", "echo"));
	a = dial_from("127.0.0.2", "127.0.0.1", PORT);
	b = dial_from("127.0.0.3", "127.0.0.1", PORT);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(0, ask(a, "one"));
	EXPECT_EQ(0, ask(b, "two"));
	EXPECT_TRUE(refused("127.0.0.2", "127.0.0.1"));
	EXPECT_EQ(1, knd_stat("tcp_refused_source"));

	c = dial("::1", PORT);
	ASSERT_LE(0, c);
	EXPECT_EQ(0, ask(c, "six"));
	close(a);
	EXPECT_EQ(2, wait_listed(2, 5000));
	a = dial_from("127.0.0.2", "127.0.0.1", PORT);
	ASSERT_LE(0, a);
	EXPECT_EQ(0, ask(a, "again"));
}

TEST_F(service, kill)
{
	int fd[3], id[3];
	char text[4096], *line, c;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < 3; i++) {
		fd[i] = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd[i]);
		EXPECT_EQ(0, ask(fd[i], "x"));
	}
	ASSERT_LT(0, knd_read(KND_PROC, "tcp", text, sizeof(text)));
	line = text;
	for (int i = 0; i < 3; i++) {
		line = strchr(line, '\n') + 1;
		id[i] = atoi(line);
	}
	EXPECT_LT(id[0], id[1]);
	EXPECT_LT(id[1], id[2]);

	EXPECT_EQ(-EINVAL, knd_write(KND_PROC, "tcp", "kill"));
	EXPECT_EQ(-EINVAL, knd_write(KND_PROC, "tcp", "kill x"));
	EXPECT_EQ(-EINVAL, knd_write(KND_PROC, "tcp", "kill 0"));
	EXPECT_EQ(-EINVAL, knd_write(KND_PROC, "tcp", "kill 1 2"));
	EXPECT_EQ(-EINVAL, knd_write(KND_PROC, "tcp", "slay all"));
	EXPECT_EQ(-EINVAL, knd_write(KND_PROC, "tcp", "kill -1"));
	snprintf(text, sizeof(text), "kill %d", id[2] + 1);
	EXPECT_EQ(-ENOENT, knd_write(KND_PROC, "tcp", text));
	snprintf(text, sizeof(text), "kill %d\n", id[1]);
	EXPECT_EQ(0, knd_write(KND_PROC, "tcp", text));
	EXPECT_EQ(-1, recv(fd[1], &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	EXPECT_EQ(1, knd_wait_stat("tcp_closed_killed", 1, 5000));
	EXPECT_EQ(0, ask(fd[0], "alive"));
	EXPECT_EQ(0, ask(fd[2], "alive"));

	EXPECT_EQ(0, knd_write(KND_PROC, "tcp", "kill all"));
	EXPECT_EQ(3, knd_wait_stat("tcp_closed_killed", 3, 5000));
	EXPECT_EQ(-1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(0, listed());
	EXPECT_EQ(0, knd_write(KND_PROC, "tcp", "kill all"));
}

TEST_F(service, kill_needs_a_capability)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (knd_drop_capability(CAP_NET_ADMIN))
			_exit(1);
		_exit(knd_write(KND_PROC, "tcp", "kill all") != -EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(service, silent_clients_are_evicted)
{
	int n = knd_slow(1000, 100), fd[1000], busy;
	long long began, took;
	char c;

	ASSERT_EQ(0, knd_set("tcp_max_conns", "2000"));
	ASSERT_EQ(0, knd_set("tcp_max_conns_per_source", "0"));
	ASSERT_EQ(0, knd_set("tcp_backlog", "2000"));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < n; i++) {
		fd[i] = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd[i]);
	}
	busy = dial("127.0.0.1", PORT);
	ASSERT_LE(0, busy);
	EXPECT_EQ(0, ask(busy, "new"));
	EXPECT_EQ(n + 1, knd_wait_stat("tcp_accepted", n + 1, 20000));

	/* The change takes effect on existing connections */
	ASSERT_EQ(0, knd_set("tcp_idle_ms", "3000"));
	EXPECT_EQ(0, ask(busy, "busy"));
	began = now_ms();
	while (knd_stat("tcp_closed_idle") < n && now_ms() < began + 15000) {
		EXPECT_EQ(0, ask(busy, "busy"));
		usleep(10000);
	}
	took = now_ms() - began;
	EXPECT_EQ(n, knd_stat("tcp_closed_idle"));
	/* The connections were idle already while the others were opened */
	EXPECT_GE(3000 + knd_slow(2000, 5000), took);
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(0, recv(fd[i], &c, 1, 0));
		close(fd[i]);
		EXPECT_EQ(0, ask(busy, "busy"));
	}
	EXPECT_EQ(1, listed());
	close(busy);
}

TEST_F(service, silent_client_has_its_time)
{
	long long dialed, began, sent;
	int fd, tries = 0;
	char c;

	ASSERT_EQ(0, knd_set("tcp_idle_ms", "500"));
	ASSERT_EQ(0, start("127.0.0.1", "accept"));
	/* Again if this task did not run in time to send before the limit */
	do {
		ASSERT_GT(100, tries++);
		dialed = now_ms();
		fd = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd);
		EXPECT_EQ(tries, knd_wait_stat("tcp_accepted", tries, 5000));
		usleep(300000);
		began = now_ms();
		EXPECT_EQ(0, send_all(fd, "x", 1));
		sent = now_ms();
		EXPECT_GE(0, recv(fd, &c, 1, 0));
		close(fd);
	} while (sent - dialed >= 490);
	EXPECT_LE(490, now_ms() - began);
	EXPECT_GE(490 + knd_slow(500, 10000), now_ms() - began);
	EXPECT_EQ(tries, knd_wait_stat("tcp_closed_idle", tries, 5000));
}

/*
 * The idle time begins when the peer has acknowledged the last byte, however
 * late that is
 */
TEST_F(service, idle_since_the_peer_took_it_all)
{
	int limit = knd_slow(2000, 6000), size = 4096, fd;
	struct sockaddr_storage ss;
	static char buf[40000];
	long long began;
	socklen_t len;
	char c;

	ASSERT_EQ(0, knd_set_int("tcp_idle_ms", limit));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	len = knd_addr(&ss, "127.0.0.1", PORT);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&ss, len));
	EXPECT_EQ(0, send_all(fd, buf, sizeof(buf)));
	/*
	 * All bytes are in the send queue of the service, as the window is
	 * closed
	 */
	ASSERT_EQ(sizeof(buf), knd_wait_stat("tcp_bytes_out", sizeof(buf),
					     5000));
	usleep(limit * 700);
	EXPECT_EQ(0, knd_stat("tcp_closed"));
	EXPECT_EQ(sizeof(buf), recv_all(fd, buf, sizeof(buf)));
	began = now_ms();
	EXPECT_EQ(0, recv_all(fd, &c, 1));
	/* The time of an acknowledgment is coarse */
	EXPECT_LE(limit - 50, now_ms() - began);
	EXPECT_GE(limit + knd_slow(1000, 3000), now_ms() - began);
	EXPECT_EQ(1, knd_wait_stat("tcp_closed_idle", 1, 5000));
	close(fd);
}

static long long free_pages(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (long long)info.freeram * info.mem_unit / getpagesize();
}

/*
 * A client reads nothing and sends byte by byte. The bytes that echo queues for
 * it share pages.
 */
TEST_F(service, bytes_that_nobody_reads_share_pages)
{
	static uint8_t sent[16384], back[sizeof(sent)];
	struct stream s = { .state = 4711 };
	long long before, after, want = 0;
	int bytes = knd_slow(2048, 256), conns = 32, fds[32], one = 1;
	struct sockaddr_storage ss;
	socklen_t len;

	stream_fill(&s, sent, sizeof(sent));
	len = knd_addr(&ss, "127.0.0.1", PORT);
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < conns; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		ASSERT_LE(0, fds[i]);
		/* The smallest buffer that the kernel allows */
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &one, sizeof(one));
		setsockopt(fds[i], SOL_TCP, TCP_NODELAY, &one, sizeof(one));
		ASSERT_EQ(0, connect(fds[i], (struct sockaddr *)&ss, len));
		/* More than the window of the client */
		ASSERT_EQ(0, send_all(fds[i], sent, sizeof(sent)));
		want += sizeof(sent) + bytes;
	}
	before = free_pages();
	for (int n = 0; n < bytes; n++) {
		for (int i = 0; i < conns; i++) {
			ASSERT_EQ(1, send(fds[i], &sent[n], 1, MSG_NOSIGNAL));
		}
	}
	EXPECT_EQ(want, knd_wait_stat("tcp_bytes_in", want, 20000));
	after = free_pages();
	/* KASAN keeps what was freed */
	EXPECT_GE(bytes * conns / knd_slow(8, 1), before - after);
	for (int i = 0; i < conns; i++) {
		EXPECT_EQ((ssize_t)sizeof(sent),
			  recv_all(fds[i], back, sizeof(sent)));
		EXPECT_EQ(0, memcmp(sent, back, sizeof(sent)));
		EXPECT_EQ(bytes, recv_all(fds[i], back, bytes));
		EXPECT_EQ(0, memcmp(sent, back, bytes));
		close(fds[i]);
	}
}

/* A client that half-closes and then reads nothing is given up after a time */
TEST_F(service, output_that_stands_still_is_given_up)
{
	long long began;
	int fd;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(fd, "hello"));
	ASSERT_EQ(0, cut_off());
	ASSERT_EQ(1, send(fd, "?", 1, 0));
	ASSERT_EQ(0, shutdown(fd, SHUT_WR));
	began = now_ms();
	EXPECT_EQ(1, knd_wait_stat("tcp_closed_timeout", 1, 40000));
	EXPECT_LE(14900, now_ms() - began);
	EXPECT_GE(15000 + knd_slow(1500, 5000), now_ms() - began);
	EXPECT_EQ(0, knd_stuck());
	close(fd);
}

/*
 * Clients reset their connections before the acceptor runs. The services get an
 * error when they send, and count no bytes as sent.
 */
TEST_F(service, reset_before_they_are_accepted)
{
	static const char * const services[] = { "chargen", "echo" };
	int n = 10, fd;

	ASSERT_EQ(0, start("127.0.0.1", "discard"));
	ASSERT_EQ(0, go_first());
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, knd_set("tcp_service", services[i]));
		for (int k = 0; k < n; k++) {
			fd = dial("127.0.0.1", PORT);
			ASSERT_LE(0, fd);
			ASSERT_EQ(5, send(fd, "hello", 5, MSG_NOSIGNAL));
			ASSERT_EQ(0, reset_by_peer(fd));
		}
		/*
		 * The acceptor runs while this task sleeps, or where a host
		 * that is busy has kept it from running for long
		 */
		EXPECT_GT((i + 1) * n, knd_stat("tcp_accepted"));
		EXPECT_EQ((i + 1) * n, knd_wait_stat("tcp_closed_reset",
						     (i + 1) * n, 20000));
		EXPECT_EQ((i + 1) * n, knd_stat("tcp_accepted"));
		EXPECT_EQ(0, knd_stat("tcp_bytes_out"));
		EXPECT_EQ(n * 5, knd_stat("tcp_bytes_in"));
	}
}

/*
 * A client that does not acknowledge the FIN is given up, however much data it
 * sends meanwhile
 */
TEST_F(service, sending_for_ever_is_given_up)
{
	long long began, end;
	int fd;

	ASSERT_EQ(0, start("127.0.0.1", "discard"));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_all(fd, "hello", 5));
	ASSERT_EQ(5, knd_wait_stat("tcp_bytes_in", 5, 20000));
	/*
	 * Drop only segments with FIN, so that the client can continue to send
	 */
	ASSERT_EQ(0, knd_run("nft 'add table inet t; add chain inet t c "
			     "{ type filter hook input priority 0; }; "
			     "add rule inet t c tcp sport 60000 "
			     "tcp flags & fin == fin drop'"));
	ASSERT_EQ(0, knd_set("tcp_idle_ms", "1"));
	began = now_ms();
	end = began + 60000;
	while (!knd_stat("tcp_closed") && now_ms() < end) {
		send(fd, "more", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
		usleep(10000);
	}
	EXPECT_LE(14900, now_ms() - began);
	EXPECT_EQ(1, knd_stat("tcp_closed_timeout"));
	EXPECT_LT(5 + 4 * 10, knd_stat("tcp_bytes_in"));
	close(fd);
}

/*
 * A closed kernel socket has no timers, so it must not be left in FIN_WAIT2,
 * whatever tcp_fin_timeout is
 */
TEST_F(service, no_socket_waits_for_ever)
{
	static const char * const seconds[] = { "60", "120" };
	char c;
	int fd;

	ASSERT_EQ(0, knd_set("tcp_idle_ms", "200"));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, knd_write("/proc/sys/net/ipv4/", "tcp_fin_timeout",
				       seconds[i]));
		fd = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, recv(fd, &c, 1, 0));
		EXPECT_EQ(i + 1, knd_wait_stat("tcp_closed_idle", i + 1, 5000));
		EXPECT_EQ(0, knd_stuck());
		close(fd);
	}
}

/* A listener that the administrator destroys is replaced */
TEST_F(service, a_destroyed_listener)
{
	int fd;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	ASSERT_EQ(0, knd_run("ss -tlK sport = 60000 > /dev/null"));
	ASSERT_EQ(1, knd_wait_stat("tcp_relistened", 1, 20000));
	/*
	 * The write must not revive the destroyed listener, which would reset
	 * each connection
	 */
	ASSERT_EQ(0, knd_set("tcp_backlog", "64"));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ask(fd, "back"));
	close(fd);
}

/* What ss shows as the backlog of the listener; 0 if it is @n */
static int backlog_is(int n)
{
	char command[80];

	snprintf(command, sizeof(command),
		 "ss -Htln sport = 60000 | grep -q 'LISTEN *0 *%d '", n);
	return knd_run(command);
}

TEST_F(service, somaxconn_caps_the_backlog)
{
	ASSERT_EQ(0, knd_write("/proc/sys/net/core/", "somaxconn", "16"));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	EXPECT_EQ(0, backlog_is(16));
	ASSERT_EQ(0, knd_set("tcp_backlog", "64"));
	EXPECT_EQ(0, backlog_is(16));
	ASSERT_EQ(0, knd_set("tcp_backlog", "8"));
	EXPECT_EQ(0, backlog_is(8));
}

/*
 * What accepted sockets inherit from the listener: a peer that vanished is
 * noticed by probes, and a small reply does not wait until the reply before it
 * has been acknowledged
 */
TEST_F(service, options_of_an_accepted_socket)
{
	int fd, one = 1;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ask(fd, "hello"));
	EXPECT_EQ(0, knd_run("ss -Htno state established sport = 60000 | "
			     "grep -q 'timer:(keepalive,'"));

	ASSERT_EQ(0, setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof(one)));
	ASSERT_EQ(0, cut_off());
	ASSERT_EQ(1, send(fd, "a", 1, 0));
	ASSERT_EQ(6, knd_wait_stat("tcp_bytes_out", 6, 20000));
	ASSERT_EQ(1, send(fd, "b", 1, 0));
	ASSERT_EQ(7, knd_wait_stat("tcp_bytes_out", 7, 20000));
	EXPECT_EQ(0, knd_run("ss -Htin sport = 60000 | grep -q unacked:"));
	EXPECT_EQ(1, knd_run("ss -Htin sport = 60000 | grep -q notsent:"));
	close(fd);
}

TEST_F(service, many_connections)
{
	int n = knd_slow(10000, 300), before, more;
	struct rlimit limit = { 10100, 10100 };
	char text[16];
	int *fd;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	fd = calloc(n, sizeof(*fd));
	snprintf(text, sizeof(text), "%d", n);
	ASSERT_EQ(0, knd_set("tcp_max_conns", text));
	ASSERT_EQ(0, knd_set("tcp_max_conns_per_source", "0"));
	ASSERT_EQ(0, knd_set("tcp_backlog", "4096"));
	ASSERT_EQ(0, knd_set("tcp_idle_ms", "0"));
	before = tasks();
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < n; i++) {
		fd[i] = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd[i]) TH_LOG("%d", i);
	}
	for (int i = 0; i < n; i++) {
		ASSERT_EQ(0, ask(fd[i], "there?")) TH_LOG("%d", i);
	}
	more = tasks() - before;
	EXPECT_GE(sysconf(_SC_NPROCESSORS_ONLN) + 2, more);
	EXPECT_EQ(n, listed());
	EXPECT_EQ(n, knd_stat("tcp_accepted"));
	for (int i = 0; i < n; i++)
		close(fd[i]);
	/* Clients beyond the limit of time-wait sockets end by a reset */
	EXPECT_EQ(n, knd_wait_stat("tcp_closed", n, 20000));
	EXPECT_EQ(n, knd_stat("tcp_closed_peer") +
		     knd_stat("tcp_closed_reset"));
	EXPECT_EQ(0, listed());
}

TEST_F(service, a_greedy_client_does_not_starve_others)
{
	static uint8_t buf[1 << 20];
	long long began, sent;
	int greedy, other, n;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	greedy = dial("127.0.0.1", PORT);
	other = dial("127.0.0.1", PORT);
	ASSERT_LE(0, greedy);
	ASSERT_LE(0, other);
	/*
	 * The client sends and does not read: the window closes, memory is
	 * bounded
	 */
	for (sent = 0, n = 1; n > 0; sent += n) {
		struct pollfd p = { .fd = greedy, .events = POLLOUT };

		n = poll(&p, 1, knd_slow(200, 1000)) == 1 ?
		    send(greedy, buf, sizeof(buf), MSG_DONTWAIT) : 0;
		ASSERT_LE(0, n);
	}
	EXPECT_LT(0, sent);
	EXPECT_GT(64 << 20, sent);
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, ask(other, "me too"));
	}

	/* No byte was lost: all of them arrive when the client reads */
	shutdown(greedy, SHUT_WR);
	for (; (n = recv(greedy, buf, sizeof(buf), 0)) > 0; sent -= n)
		;
	EXPECT_EQ(0, n);
	EXPECT_EQ(0, sent);

	/* Stopping does not wait for a client that does not read */
	close(greedy);
	greedy = dial("127.0.0.1", PORT);
	ASSERT_LE(0, greedy);
	while (send(greedy, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		usleep(10000);
	began = now_ms();
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_GE(knd_slow(2000, 6000), now_ms() - began);
	close(greedy);
	close(other);
}

TEST_F(service, echo_of_a_gibibyte)
{
	long long total = (long long)knd_slow(1024, 8) << 20;
	int fd;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(total, echo_stream(fd, total, 65536));
	close(fd);
}

/*
 * A child that uses echo on @conns connections until the other end of the pipe
 * is closed. It exits with 0 if every reply was complete.
 */
static pid_t load(int port, int conns, const int until[2])
{
	struct pollfd p = { .fd = until[0], .events = POLLIN };
	int fd[64];
	pid_t pid;

	pid = fork();
	if (pid)
		return pid;
	close(until[1]);
	for (int i = 0; i < conns; i++) {
		fd[i] = dial("127.0.0.1", port);
		if (fd[i] < 0 || ask(fd[i], "hello"))
			_exit(1);
	}
	while (!poll(&p, 1, 0))
		for (int i = 0; i < conns; i++)
			if (ask(fd[i], "a word and its echo"))
				_exit(2);
	_exit(0);
}

TEST_F(service, moves_under_load)
{
	static const char * const addr[] = {
		"127.0.0.1", "0.0.0.0", "::", "127.0.0.2", "::1",
	};
	static const char * const service[] = {
		"echo", "discard", "chargen", "accept",
	};
	int until[2], status, rounds = knd_slow(100, 40), fd;
	char port[16];
	pid_t pid;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	ASSERT_EQ(0, pipe(until));
	pid = load(PORT, 32, until);
	ASSERT_EQ(32, knd_wait_stat("tcp_accepted", 32, 10000));
	for (int i = 0; i < rounds; i++) {
		ASSERT_EQ(0, knd_set("tcp_addr", addr[i % 5]));
		snprintf(port, sizeof(port), "%d", MOVED_PORT + i % 3);
		ASSERT_EQ(0, knd_set("tcp_port", port));
		ASSERT_EQ(0, knd_set("tcp_service", service[i % 4]));
		ASSERT_EQ(0, knd_set_int("tcp_backlog", 100 + i));
		fd = dial(i % 5 == 3 ? "127.0.0.2" : i % 5 == 4 ? "::1" :
			  "127.0.0.1", MOVED_PORT + i % 3);
		ASSERT_LE(0, fd) TH_LOG("round %d: %d", i, fd);
		if (i % 4 == 0) {
			EXPECT_EQ(0, ask(fd, "moved"));
		}
		close(fd);
	}
	close(until[1]);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Connections in the queue of the old listener are served */
TEST_F(service, no_one_in_the_queue_is_lost)
{
	int fd[50], rounds = knd_slow(10, 3);

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	ASSERT_EQ(0, knd_set_int("tcp_port", MOVED_PORT));
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 50; i++) {
			fd[i] = dial("127.0.0.1", MOVED_PORT + round);
			ASSERT_LE(0, fd[i]);
		}
		ASSERT_EQ(0, knd_set_int("tcp_port", MOVED_PORT + round + 1));
		for (int i = 0; i < 50; i++) {
			EXPECT_EQ(0, ask(fd[i], "served"));
			close(fd[i]);
		}
	}
}

TEST_F(service, namespaces_do_not_see_each_other)
{
	int fd;

	ASSERT_EQ(0, start("0.0.0.0", "echo"));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ask(fd, "in here"));
	ASSERT_EQ(0, knd_unshare_net());
	EXPECT_EQ(-ECONNREFUSED, dial("127.0.0.1", PORT));
	EXPECT_EQ(0, listed());
	EXPECT_EQ(0, knd_stat("tcp_accepted"));
	/*
	 * The namespace lives as long as its socket here: the first service
	 * goes on
	 */
	EXPECT_EQ(0, ask(fd, "out there"));
	close(fd);
}

/* The initial network namespace logs each connection, where tcp_log is 1 */
TEST(kernel_log)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), fd, tries = 150;
	char line[1024], want[128];
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	ASSERT_LE(0, log);
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	/* Earlier lines may have used up what the limit of the rate allows */
	do {
		ASSERT_LT(0, tries--);
		usleep(100000);
		fd = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd);
		/* The line is written before the service begins */
		EXPECT_EQ(0, ask(fd, "logged?"));
		getsockname(fd, (struct sockaddr *)&ss, &len);
		snprintf(want, sizeof(want),
			 "knetdemo: connection established to %s",
			 knd_addr_name(&ss));
		close(fd);
	} while (!knd_kernel_lines(log, want, line, sizeof(line)));

	EXPECT_EQ(0, knd_set("tcp_log", "0"));
	fd = dial("127.0.0.1", PORT);
	EXPECT_EQ(0, ask(fd, "not logged"));
	close(fd);
	EXPECT_EQ(0, knd_kernel_lines(log, "connection established", line,
				      sizeof(line)));
	EXPECT_EQ(0, knd_set("tcp_log", "1"));
	EXPECT_EQ(0, knd_set("tcp", "0"));

	/* Another namespace never does */
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	fd = dial("127.0.0.1", PORT);
	EXPECT_EQ(0, ask(fd, "not logged"));
	close(fd);
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(0, knd_kernel_lines(log, "connection established", line,
				      sizeof(line)));
	close(log);
}

TEST_HARNESS_MAIN
