// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection monitor of net/knetdemo: what it shows of real connections
 */

#define _GNU_SOURCE
#include <linux/knetdemo.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "../../kselftest_harness.h"
#include "monitor_test.h"

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN	0x20000000
#endif

FIXTURE(monitor) {
};

/* Addresses: of the loopback, of a black hole, and one for a translation */
FIXTURE_VARIANT(monitor) {
	const char *local;
	const char *other;
	const char *hole;
	const char *rule;
	const char *nft;
};

FIXTURE_VARIANT_ADD(monitor, ipv4) {
	.local = "127.0.0.1",
	.other = "127.0.0.2",
	.hole = "192.0.2.1",
	.rule = "127.0.0.1/32",
	.nft = "nft add table ip t && "
	       "nft 'add chain ip t c { type nat hook output priority -100; }' && "
	       "nft 'add rule ip t c ip daddr 192.0.2.1 tcp dport 80 dnat to 127.0.0.1:%d'",
};

FIXTURE_VARIANT_ADD(monitor, ipv6) {
	.local = "::1",
	.other = "2001:db8::2",
	.hole = "2001:db8:1::1",
	.rule = "::1/128",
	.nft = "nft add table ip6 t && "
	       "nft 'add chain ip6 t c { type nat hook output priority -100; }' && "
	       "nft 'add rule ip6 t c ip6 daddr 2001:db8:1::1 tcp dport 80 dnat to [::1]:%d'",
};

FIXTURE_SETUP(monitor)
{
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_run("ip -6 addr add 2001:db8::2/128 dev lo nodad"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
}

FIXTURE_TEARDOWN(monitor)
{
}

/* Make an address that never answers */
static int black_hole(void)
{
	return knd_run("ip link add hole type dummy && "
		       "ip link set hole up && "
		       "ip addr add 192.0.2.2/24 dev hole && "
		       "ip addr add 2001:db8:1::2/64 dev hole nodad && "
		       "ip neigh add 192.0.2.1 lladdr 2:0:0:0:0:1 dev hole && "
		       "ip neigh add 2001:db8:1::1 lladdr 2:0:0:0:0:1 dev hole");
}

TEST_F(monitor, a_connection_is_one_record)
{
	int port = 0, fd, lfd;
	struct record r;
	char pid[16];

	lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, lfd);
	fd = monitor_connect(variant->local, port, 10000);
	ASSERT_LE(0, fd);
	ASSERT_EQ(5, write(fd, "hello", 5));
	close(accept(lfd, NULL, NULL));

	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	r = monitor_last();
	EXPECT_EQ(1, r.seq);
	EXPECT_STREQ(monitor_local(fd), r.src);
	EXPECT_STREQ(monitor_local(lfd), r.dst);
	EXPECT_STREQ("user", r.from);
	EXPECT_EQ(0, r.uid);
	snprintf(pid, sizeof(pid), "%d", getpid());
	EXPECT_STREQ(pid, r.pid);
	EXPECT_STREQ("monitor", r.comm);
	EXPECT_STREQ("lo", r.dev);
	EXPECT_EQ(0, r.mark);
	EXPECT_STREQ("S", r.flags);
	EXPECT_EQ(0, r.data);
	EXPECT_STREQ("-", r.rule);
	close(fd);
	close(lfd);
}

TEST_F(monitor, the_time_is_that_of_the_clock)
{
	struct timespec before, after;
	struct record r;
	struct tm tm = {};
	double t;
	char *end;

	clock_gettime(CLOCK_REALTIME, &before);
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 1));
	clock_gettime(CLOCK_REALTIME, &after);
	r = monitor_last();
	end = strptime(r.time, "%Y-%m-%dT%H:%M:%S", &tm);
	ASSERT_NE(NULL, end);
	EXPECT_EQ('.', *end);
	t = timegm(&tm) + strtod(end, &end);
	EXPECT_STREQ("Z", end);
	EXPECT_LE(before.tv_sec + before.tv_nsec / 1e9 - 0.000002, t);
	EXPECT_GE(after.tv_sec + after.tv_nsec / 1e9 + 0.000002, t);
}

/*
 * A process of user 1234 that has this name connects to a port where nobody
 * listens. Returns its PID, or 0 where it failed.
 */
static pid_t connect_as(const char *name, const char *to)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setresuid(1234, 1234, 1234) || prctl(PR_SET_NAME, name))
			_exit(1);
		_exit(monitor_connects(to, 1, 1) != 0);
	}
	return waitpid(pid, &status, 0) == pid && !status ? pid : 0;
}

/* The UID is that of the socket, PID and COMM are those of the caller */
TEST_F(monitor, user_and_process_and_thread)
{
	struct record r;
	pid_t pid;

	pid = connect_as("a b\\c\n\t\x80", variant->local);
	ASSERT_LT(0, pid);
	r = monitor_last();
	EXPECT_EQ(1234, r.uid);
	EXPECT_EQ(pid, atoi(r.pid));
	EXPECT_STREQ("a\\x20b\\x5cc\\x0a\\x09\\x80", r.comm);
}

/* An empty name is shown as "-", so that each line has all columns */
TEST_F(monitor, thread_without_a_name)
{
	struct record r;
	pid_t pid;

	pid = connect_as("", variant->local);
	ASSERT_LT(0, pid);
	r = monitor_last();
	EXPECT_EQ(pid, atoi(r.pid));
	EXPECT_STREQ("-", r.comm);
}

/* The UID is that of the process that made the socket, not of the caller */
TEST_F(monitor, socket_of_another_user)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, variant->local, 1);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0), status;
	struct record r;
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (setresuid(1234, 1234, 1234))
			_exit(1);
		_exit(connect(fd, (void *)&ss, len) == 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	r = monitor_last();
	EXPECT_EQ(0, r.uid);
	EXPECT_EQ(pid, atoi(r.pid));
	close(fd);
}

/* The socket of the FTP client, to a port where nobody listens */
TEST_F(monitor, kernel_socket)
{
	struct sockaddr_storage server;
	struct knetdemo_ftp_get get = {
		.size = sizeof(get),
		.server = (uintptr_t)&server,
		.user = (uintptr_t)"anonymous",
		.password = (uintptr_t)"",
		.path = (uintptr_t)"file",
	};
	int dev = open("/dev/knetdemo", O_RDWR);
	FILE *file = tmpfile();
	struct record r;

	ASSERT_LE(0, dev);
	ASSERT_NE(NULL, file);
	get.server_len = knd_addr(&server, variant->local, 21);
	get.fd = fileno(file);
	ASSERT_EQ(-1, ioctl(dev, KNETDEMO_IOC_FTP_GET, &get));
	EXPECT_EQ(ECONNREFUSED, errno);
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	r = monitor_last();
	EXPECT_STREQ("kernel", r.from);
	EXPECT_EQ(0, r.uid);
	EXPECT_EQ(getpid(), atoi(r.pid));
	EXPECT_STREQ("monitor", r.comm);
	EXPECT_STREQ(knd_addr_name(&server), r.dst);
	fclose(file);
	close(dev);
}

TEST_F(monitor, mark_and_ecn)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, variant->local, 1);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);
	unsigned int mark = 0xdeadbeef;
	struct record r;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, monitor_write_path("/proc/sys/net/ipv4/tcp_ecn", "1"));
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	ASSERT_EQ(-1, connect(fd, (void *)&ss, len));
	EXPECT_EQ(ECONNREFUSED, errno);
	r = monitor_last();
	EXPECT_EQ(0xdeadbeef, r.mark);
	EXPECT_STREQ("SEW", r.flags);
	close(fd);
}

/* Data in the SYN, without a cookie */
TEST_F(monitor, fast_open)
{
	struct sockaddr_storage ss;
	int port = 0, one = 1, lfd, fd;
	struct record r;
	socklen_t len;

	ASSERT_EQ(0, monitor_write_path("/proc/sys/net/ipv4/tcp_fastopen",
					"0x207"));
	lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, lfd);
	ASSERT_EQ(0, setsockopt(lfd, IPPROTO_TCP, TCP_FASTOPEN, &one,
				sizeof(one)));
	len = knd_addr(&ss, variant->local, port);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	ASSERT_EQ(11, sendto(fd, "hello world", 11, MSG_FASTOPEN, (void *)&ss,
			     len));
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	r = monitor_last();
	EXPECT_STREQ("S", r.flags);
	EXPECT_EQ(11, r.data);
	EXPECT_STREQ("user", r.from);
	EXPECT_STREQ(monitor_local(lfd), r.dst);
	close(fd);
	close(lfd);
}

/* A socket that connects to itself opens from both sides at once */
TEST_F(monitor, simultaneous_open)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, variant->local, 12345);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);
	struct record r;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, bind(fd, (void *)&ss, len));
	ASSERT_EQ(0, connect(fd, (void *)&ss, len));
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	EXPECT_EQ(0, knd_stat("monitor_syn_retrans"));
	r = monitor_last();
	EXPECT_STREQ(knd_addr_name(&ss), r.src);
	EXPECT_STREQ(knd_addr_name(&ss), r.dst);
	close(fd);
}

/* One socket, one connection after the other */
TEST_F(monitor, attempts_of_one_socket)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, variant->local, 1);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0), i;

	ASSERT_LE(0, fd);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(-1, connect(fd, (void *)&ss, len));
		ASSERT_EQ(ECONNREFUSED, errno);
	}
	EXPECT_EQ(5, knd_stat("monitor_attempts"));
	EXPECT_EQ(0, knd_stat("monitor_syn_retrans"));
	close(fd);
}

TEST_F(monitor, black_hole)
{
	struct record r;
	int fd;

	ASSERT_EQ(0, black_hole());
	fd = monitor_connect(variant->hole, 80, 7500);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	EXPECT_LE(2, knd_stat("monitor_syn_retrans"));
	r = monitor_last();
	EXPECT_STREQ(monitor_local(fd), r.src);
	EXPECT_STREQ("hole", r.dev);
	close(fd);
}

TEST_F(monitor, destination_before_translation)
{
	struct sockaddr_storage ss;
	int port = 0, lfd, fd, cfd;
	char command[512], rule[64];
	struct record r;

	ASSERT_EQ(0, black_hole());
	/* Lets the answer from a loopback address in */
	ASSERT_EQ(0, monitor_write_path("/proc/sys/net/ipv4/conf/all/route_localnet",
					"1"));
	lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, lfd);
	snprintf(command, sizeof(command), variant->nft, port);
	ASSERT_EQ(0, knd_run(command));
	snprintf(rule, sizeof(rule), "add %s 80", variant->hole);
	ASSERT_EQ(0, monitor_filter(rule));

	fd = monitor_connect(variant->hole, 80, 10000);
	ASSERT_LE(0, fd);
	cfd = accept(lfd, NULL, NULL);
	EXPECT_LE(0, cfd);
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	r = monitor_last();
	knd_addr(&ss, variant->hole, 80);
	EXPECT_STREQ(knd_addr_name(&ss), r.dst);
	EXPECT_STREQ("1", r.rule);
	close(cfd);
	close(fd);
	close(lfd);
}

/*
 * Send the packets of a socket to @via first, by a source route or by a routing
 * header of segments
 */
static int route_by(int fd, const char *via, const char *to)
{
	uint8_t lsrr[8] = { 131, 7, 4 };
	uint8_t srh[40] = { 0, 4, 4, 1, 1 };

	if (inet_pton(AF_INET, via, lsrr + 3) == 1)
		return setsockopt(fd, IPPROTO_IP, IP_OPTIONS, lsrr,
				  sizeof(lsrr));
	if (inet_pton(AF_INET6, to, srh + 8) != 1 ||
	    inet_pton(AF_INET6, via, srh + 24) != 1)
		return -1;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, srh, sizeof(srh));
}

TEST_F(monitor, destination_at_the_end_of_a_route)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, variant->local, 80);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char command[512], rule[64];
	struct record r;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, route_by(fd, variant->other, variant->local));
	snprintf(command, sizeof(command),
		 "nft add table inet t && "
		 "nft 'add chain inet t c { type filter hook output priority 0; }' && "
		 "nft 'add rule inet t c %s daddr %s tcp dport 80 counter'",
		 ss.ss_family == AF_INET ? "ip" : "ip6", variant->other);
	ASSERT_EQ(0, knd_run(command));
	snprintf(rule, sizeof(rule), "add %s 80", variant->local);
	ASSERT_EQ(0, monitor_filter(rule));

	ASSERT_EQ(-1, connect(fd, (void *)&ss, len));
	ASSERT_EQ(EINPROGRESS, errno);
	EXPECT_EQ(0, knd_run("nft list chain inet t c | "
			     "grep -q 'packets [1-9]'"));
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	EXPECT_EQ(0, knd_stat("monitor_filtered"));
	r = monitor_last();
	EXPECT_STREQ(knd_addr_name(&ss), r.dst);
	EXPECT_STREQ("user", r.from);
	close(fd);
}

TEST_F(monitor, dropped_by_a_firewall)
{
	ASSERT_EQ(0, knd_run("nft add table inet t && "
			     "nft 'add chain inet t c "
			     "{ type filter hook output priority -400; "
			     "policy drop; }'"));
	close(monitor_connect(variant->local, 80, 0));
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
}

#define HOOKED	"nft list hooks | grep -q knd_monitor_hook"

TEST_F(monitor, off_and_on)
{
	struct listing l;

	ASSERT_EQ(0, monitor_connects(variant->local, 1, 3));
	EXPECT_EQ(0, knd_run(HOOKED));
	ASSERT_EQ(0, knd_set("monitor", "0"));
	/* While the monitor is off there is no hook, so it costs nothing */
	EXPECT_EQ(1, knd_run(HOOKED));
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 3));
	EXPECT_EQ(3, knd_stat("monitor_attempts"));
	/* Earlier records can still be read */
	EXPECT_EQ(3, monitor_list(&l));
	free(l.rec);
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 3));
	EXPECT_EQ(6, monitor_list(&l));
	free(l.rec);
}

TEST_F(monitor, shows_what_a_rule_names)
{
	char text[64];

	snprintf(text, sizeof(text), "add %s\n", variant->local);
	ASSERT_EQ(0, monitor_filter(text));
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 2));
	ASSERT_EQ(0, monitor_connects(variant->other, 1, 3));
	EXPECT_EQ(2, knd_stat("monitor_attempts"));
	EXPECT_EQ(3, knd_stat("monitor_filtered"));
	EXPECT_EQ(2, monitor_hits(variant->rule));

	ASSERT_EQ(0,
		  monitor_filter("flush\nadd 127.0.0.0/8 5-6\nadd ::/0 5-6\n"));
	EXPECT_EQ(-1, monitor_hits(variant->rule));
	ASSERT_EQ(0, monitor_connects(variant->local, 5, 1));
	ASSERT_EQ(0, monitor_connects(variant->local, 6, 1));
	ASSERT_EQ(0, monitor_connects(variant->local, 4, 1));
	ASSERT_EQ(0, monitor_connects(variant->local, 7, 1));
	ASSERT_EQ(0, monitor_connects(variant->other, 6, 1));
	EXPECT_EQ(5, knd_stat("monitor_attempts"));
	EXPECT_EQ(5, knd_stat("monitor_filtered"));

	ASSERT_EQ(0, monitor_filter("flush"));
	ASSERT_EQ(0, monitor_connects(variant->other, 1, 1));
	EXPECT_EQ(6, knd_stat("monitor_attempts"));
}

/* Connections that another process makes until it is told to stop */
struct traffic {
	int stop;
	int made;
	int err;
	pid_t pid;
};

static struct traffic *traffic_start(const char *addr)
{
	struct traffic *t;

	t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		return NULL;
	t->pid = fork();
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED) &&
		       !t->err) {
			t->err = monitor_connects(addr, 1, 1);
			__atomic_add_fetch(&t->made, 1, __ATOMIC_RELEASE);
		}
		_exit(0);
	}
	return t->pid < 0 ? NULL : t;
}

/* Wait for one more connection, so that there is traffic at any speed */
static void traffic_goes_on(struct traffic *t)
{
	int made = __atomic_load_n(&t->made, __ATOMIC_ACQUIRE);
	const struct timespec tick = { .tv_nsec = 1000000 };

	while (__atomic_load_n(&t->made, __ATOMIC_ACQUIRE) == made &&
	       !kill(t->pid, 0) && !t->err)
		nanosleep(&tick, NULL);
}

/* Returns how many connections were made, or -errno */
static int traffic_stop(struct traffic *t)
{
	int made;

	__atomic_store_n(&t->stop, 1, __ATOMIC_RELAXED);
	waitpid(t->pid, NULL, 0);
	made = t->err ?: t->made;
	munmap(t, sizeof(*t));
	return made;
}

/*
 * Rules come and go under traffic. One that stays must count each attempt,
 * and nothing that some rule matches at all times may be missed.
 */
TEST_F(monitor, filter_replaced_under_traffic)
{
	char stays[64], other[64], replace[128];
	int times = knd_slow(100, 10), made, more, i;
	struct traffic *t;

	snprintf(stays, sizeof(stays), "add %s 1\n", variant->local);
	snprintf(replace, sizeof(replace), "flush\nadd %s 2\nadd %s 1\n",
		 variant->local, variant->local);
	snprintf(other, sizeof(other), "add %s\n", variant->local);

	ASSERT_EQ(0, monitor_filter(stays));
	t = traffic_start(variant->local);
	ASSERT_NE(NULL, t);
	for (i = 0; i < times; i++) {
		memcpy(other, i % 2 ? "del" : "add", 3);
		ASSERT_EQ(0, monitor_filter(other));
		traffic_goes_on(t);
	}
	made = traffic_stop(t);
	EXPECT_LE(times, made);
	snprintf(stays, sizeof(stays), "%s 1", variant->rule);
	EXPECT_EQ(made, monitor_hits(stays));
	EXPECT_EQ(made, knd_stat("monitor_attempts"));

	t = traffic_start(variant->local);
	ASSERT_NE(NULL, t);
	for (i = 0; i < times; i++) {
		ASSERT_EQ(0, monitor_filter(replace));
		traffic_goes_on(t);
	}
	more = traffic_stop(t);
	EXPECT_LE(times, more);
	EXPECT_EQ(made + more, knd_stat("monitor_attempts"));
	EXPECT_EQ(0, knd_stat("monitor_filtered"));
}

TEST_F(monitor, resized_under_traffic)
{
	static const int sizes[] = { 16, 4096, 17, 100, 65536, 1000, 16 };
	int times = knd_slow(2000, 200), status, i = 0;
	struct listing l;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(monitor_connects(variant->local, 1, times));
	do {
		ASSERT_EQ(0, knd_set_int("monitor_ring",
					 sizes[i++ % ARRAY_SIZE(sizes)]));
		ASSERT_LE(0, monitor_list(&l));
		free(l.rec);
	} while (!waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, status);
	EXPECT_EQ(times, knd_stat("monitor_attempts"));

	/* Without traffic, all records that fit stay */
	ASSERT_EQ(0, knd_set("monitor_ring", "300"));
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 300));
	EXPECT_EQ(300, monitor_list(&l));
	free(l.rec);
	ASSERT_EQ(0, knd_set("monitor_ring", "1000"));
	EXPECT_EQ(300, monitor_list(&l));
	free(l.rec);
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 1));
	EXPECT_EQ(301, monitor_list(&l));
	free(l.rec);
	ASSERT_EQ(0, knd_set("monitor_ring", "16"));
	EXPECT_EQ(16, monitor_list(&l));
	EXPECT_EQ(times + 301, l.attempts);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(times + 301 - 15 + i, l.rec[i].seq);
	free(l.rec);
}

/*
 * A listing is complete while the ring is replaced: a new ring has no records
 * until those of the old one were copied
 */
TEST_F(monitor, read_while_resized)
{
	int times = knd_slow(200, 20), status[2], i;
	struct listing l;
	pid_t pid[2];

	ASSERT_EQ(0, monitor_connects(variant->local, 1, 100));
	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		do {
			if (monitor_list(&l) < 16 || l.attempts != 100 ||
			    l.rec[l.n - 1].seq != 100)
				_exit(1);
			free(l.rec);
		} while (strcmp(knd_get("monitor_log"), "0"));
		_exit(0);
	}
	for (i = 0; i < times; i++)
		ASSERT_EQ(0, knd_set("monitor_ring", i % 2 ? "65536" : "16"));
	ASSERT_EQ(0, knd_set("monitor_log", "0"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status[i], 0));
		EXPECT_EQ(0, status[i]);
	}
}

/* A listing that is read in small pieces is one listing */
TEST_F(monitor, read_in_small_pieces)
{
	static char text[65536];
	unsigned long long n, r, lost;
	size_t len = 0, lines = 0;
	char *line;
	ssize_t got;
	int fd;

	ASSERT_EQ(0, knd_set("monitor_ring", "32"));
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 40));
	fd = open(KND_PROC "connections", O_RDONLY);
	ASSERT_LE(0, fd);
	while ((got = read(fd, text + len, 100)) > 0) {
		len += got;
		if (len < 4000)
			ASSERT_EQ(0, monitor_connects(variant->local, 1, 1));
	}
	ASSERT_EQ(0, got);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "# attempts %llu read %llu lost %llu", &n, &r,
			   &lost) == 3)
			break;
		lines++;
	}
	ASSERT_NE(NULL, line);
	EXPECT_EQ(40, n);
	EXPECT_EQ(lines - 1, r);
	EXPECT_EQ(n, r + lost);

	/* From the beginning again */
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	ASSERT_LT(0, read(fd, text, sizeof(text)));
	close(fd);
}

TEST_F(monitor, namespaces_do_not_see_each_other)
{
	int parent = open("/proc/self/ns/net", O_RDONLY), child;

	ASSERT_LE(0, parent);
	ASSERT_EQ(0, knd_unshare_net());
	child = open("/proc/self/ns/net", O_RDONLY);
	ASSERT_LE(0, child);
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	EXPECT_EQ(0, knd_stat("monitor_attempts"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 2));
	EXPECT_EQ(2, knd_stat("monitor_attempts"));

	ASSERT_EQ(0, setns(parent, CLONE_NEWNET));
	EXPECT_EQ(0, knd_stat("monitor_attempts"));
	ASSERT_EQ(0, monitor_connects(variant->local, 1, 1));
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	ASSERT_EQ(0, setns(child, CLONE_NEWNET));
	EXPECT_EQ(2, knd_stat("monitor_attempts"));
	close(parent);
	close(child);
}

FIXTURE(ring) {
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, knd_unshare_net());
}

FIXTURE_TEARDOWN(ring)
{
}

/* Both families at once, and a reader meanwhile */
TEST_F(ring, wraps_and_loses_nothing_uncounted)
{
	static const char * const addr[] = { "127.0.0.1", "::1" };
	const struct timespec pause = { .tv_nsec = 100000000 };
	int times = knd_slow(100000, 10000), status[2], i;
	struct listing l;
	pid_t pid[2];

	ASSERT_EQ(0, knd_set("monitor_ring", "1024"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(monitor_connects(addr[i], 1, times / 2) != 0);
	}
	/* monitor_list() checks each listing */
	do {
		ASSERT_LE(0, monitor_list(&l));
		free(l.rec);
		nanosleep(&pause, NULL);
	} while (!waitpid(pid[0], &status[0], WNOHANG));
	ASSERT_EQ(pid[1], waitpid(pid[1], &status[1], 0));
	EXPECT_EQ(0, status[0]);
	EXPECT_EQ(0, status[1]);
	EXPECT_EQ(1024, monitor_list(&l));
	EXPECT_EQ(times, l.attempts);
	EXPECT_EQ(times - 1024, l.lost);
	EXPECT_EQ(times, knd_stat("monitor_attempts"));
	for (i = 0; i < 1024; i++)
		EXPECT_EQ(times - 1023 + i, l.rec[i].seq);
	free(l.rec);
}

TEST(filter_errors)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "add 127.0.0.1", -EEXIST }, { "del 127.0.0.2", -ENOENT },
		{ "add 10.0.0.1/8", -EINVAL }, { "add fe80::1/64", -EINVAL },
		{ "add localhost", -EINVAL }, { "add 10.0.0.1 70000", -EINVAL },
		{ "add 10.0.0.1 http", -EINVAL }, { "shout", -EINVAL },
		{ "add 10.0.0.1\nadd 10.0.0.2\nadd 10.0.0.1", -EEXIST },
		{ "add 10.0.0.1\nflush\nadd 10.0.0.1/33", -EINVAL },
	};
	char *before, *after, text[4096] = "";
	int fd;

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, monitor_filter("add 127.0.0.1\nadd ::1 80-90\n"));
	before = monitor_file("filter");
	ASSERT_NE(NULL, before);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].err, monitor_filter(cases[i].text))
			TH_LOG("%s", cases[i].text);
		after = monitor_file("filter");
		EXPECT_STREQ(before, after);
		free(after);
	}
	free(before);

	fd = open(KND_PROC "filter", O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, write(fd, "flush\0flush\n", 12));
	EXPECT_EQ(EINVAL, errno);
	close(fd);

	/* As many rules as one write may have, and one more */
	for (int i = 0; i < 62; i++)
		sprintf(text + strlen(text), "add 2001:db8:ffff:ffff:ffff:ffff:ffff:%x/128 1-65535\n",
			0x1000 + i);
	EXPECT_EQ(0, monitor_filter(text));
	EXPECT_EQ(-ENOSPC, monitor_filter("add ::2"));
	EXPECT_EQ(0, monitor_filter("del ::1 80-90\nadd ::2"));
	EXPECT_EQ(0, monitor_hits("::2/128"));
	EXPECT_EQ(-1, monitor_hits("::1/128 80-90"));
	EXPECT_EQ(0, monitor_filter("flush"));
	EXPECT_EQ(-1, monitor_hits("::2/128"));
}

TEST(files_are_root_only)
{
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	EXPECT_EQ(-1, open(KND_PROC "filter", O_RDONLY));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, open(KND_PROC "connections", O_RDONLY));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, knd_stat("monitor_attempts"));
}

/* Root of a user namespace may look at its own, and change nothing */
TEST(user_namespace_reads_only)
{
	struct listing l;

	ASSERT_EQ(0, unshare(CLONE_NEWUSER | CLONE_NEWNET));
	ASSERT_EQ(0, monitor_write_path("/proc/self/uid_map", "0 0 1"));
	EXPECT_EQ(-EPERM, monitor_filter("add 127.0.0.1"));
	EXPECT_EQ(-EACCES, knd_set("monitor", "1"));
	EXPECT_EQ(0, monitor_list(&l));
	free(l.rec);
}

/* How many lines the kernel's log says were left out since @fd was opened */
static int kernel_unlogged(int fd)
{
	char line[1024], *before;
	int count = 0;

	while (knd_kernel_line(fd, "not logged", line, sizeof(line))) {
		before = strchr(line, '(');
		count += atoi(before ? before + 1 :
			      strstr(line, "knetdemo: ") + 10);
	}
	return count;
}

/* Only the initial network namespace writes to the kernel log */
TEST(kernel_log)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), unlogged, one, all;
	const struct timespec pause = { .tv_nsec = 100000000 };
	char line[1024], want[256];
	int tries = 150;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, lseek(fd, 0, SEEK_END));
	ASSERT_EQ(0, knd_set("monitor", "1"));
	/* An earlier test may have used up what the limit allows */
	do {
		ASSERT_LT(0, tries--);
		nanosleep(&pause, NULL);
		ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	} while (!knd_kernel_lines(fd, "TCP connection initiated", line,
				   sizeof(line)));
	one = monitor_connect("127.0.0.1", 1, 1000);
	snprintf(want, sizeof(want), "knetdemo: TCP connection initiated from %s",
		 monitor_last().src);
	EXPECT_EQ(1, knd_kernel_lines(fd, want, line, sizeof(line)));
	close(one);
	one = monitor_connect("::1", 1, 1000);
	snprintf(want, sizeof(want), "knetdemo: TCP connection initiated from %s",
		 monitor_last().src);
	EXPECT_EQ(1, knd_kernel_lines(fd, want, line, sizeof(line)));
	close(one);

	/*
	 * Each is logged, or counted. The next line says how many were not, or
	 * the last one; a slow machine has several intervals of the limit here.
	 */
	ASSERT_EQ(0, knd_set("monitor", "0"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
	unlogged = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, unlogged);
	ASSERT_LE(0, lseek(unlogged, 0, SEEK_END));
	all = knd_stat("monitor_unlogged");
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 300));
	all = knd_stat("monitor_unlogged") - all;
	EXPECT_LT(0, all);
	EXPECT_EQ(300 - all,
		  knd_kernel_lines(fd, "TCP connection initiated", line,
				   sizeof(line)));
	ASSERT_EQ(0, knd_set("monitor", "0"));
	EXPECT_EQ(all, kernel_unlogged(unlogged));
	close(unlogged);
	EXPECT_EQ(0, knd_kernel_lines(fd, "TCP connection initiated", line,
				      sizeof(line)));

	/* Recorded, but without a line in the log */
	ASSERT_EQ(0, knd_set("monitor_log", "0"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	ASSERT_EQ(0, knd_set("monitor", "0"));
	ASSERT_EQ(0, knd_set("monitor_log", "1"));
	EXPECT_EQ(0, knd_kernel_lines(fd, "TCP connection", line,
				      sizeof(line)));

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 100));
	EXPECT_EQ(100, knd_stat("monitor_attempts"));
	EXPECT_EQ(0, knd_stat("monitor_unlogged"));
	EXPECT_EQ(0, knd_kernel_lines(fd, "TCP connection", line,
				      sizeof(line)));
	close(fd);
}

TEST(tracepoint)
{
	char text[65536], want[256], *line;
	struct record r;

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_filter("add ::1 7\nadd ::1\n"));
	ASSERT_EQ(0, knd_trace("knetdemo_connect", true));
	ASSERT_EQ(0, monitor_connects("::1", 1, 1));
	ASSERT_EQ(0, knd_trace("knetdemo_connect", false));
	ASSERT_EQ(0, monitor_connects("::1", 1, 1));

	ASSERT_LT(0, knd_read(KND_TRACING, "trace", text, sizeof(text)));
	ASSERT_EQ(0, knd_set("monitor_ring", "16"));
	r = monitor_last();
	ASSERT_EQ(2, r.seq);
	line = strstr(text, " knetdemo_connect: netns=");
	ASSERT_NE(NULL, line);
	EXPECT_EQ(NULL, strstr(line + 1, " knetdemo_connect: netns="));
	EXPECT_NE(NULL, strstr(line, " seq=1 "));
	EXPECT_NE(NULL, strstr(line, " dst=[::1]:1 origin=user uid=0 "));
	snprintf(want, sizeof(want), " pid=%d comm=monitor dev=lo mark=0x0 flags=0x2 data=0 rule=2\n",
		 getpid());
	EXPECT_NE(NULL, strstr(line, want)) TH_LOG("%s", line);
}

TEST_HARNESS_MAIN
