// SPDX-License-Identifier: GPL-2.0-only
/*
 * What net/knetdemo does when memory is short: each allocation that it makes
 * fails once, by the kernel's fault injection, and some fail all the time.
 *
 * Only what is allocated from the code of the module fails, so this needs it
 * as a module, CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC and
 * CONFIG_FAULT_INJECTION_STACKTRACE_FILTER.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <linux/knetdemo.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../kselftest_harness.h"
#include "ftp_server.h"
#include "monitor_test.h"

static const char * const faults[] = {
	"/sys/kernel/debug/failslab/", "/sys/kernel/debug/fail_page_alloc/",
};

/* No operation of these tests makes as many allocations */
#define MANY		1000

static int faults_set(const char *name, const char *value)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(faults) && !err; i++)
		err = knd_write(faults[i], name, value);
	return err;
}

/* 0 or -errno */
static int faults_of_the_module(void)
{
	unsigned long start, size;
	char line[256], text[32];
	int err = -ENOENT;
	FILE *f;

	f = fopen("/proc/modules", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "knetdemo %lu %*s %*s %*s %lx", &size,
			   &start) == 2)
			err = 0;
	if (f)
		fclose(f);
	if (err)
		return err;
	snprintf(text, sizeof(text), "0x%lx", start);
	err = faults_set("require-start", text);
	if (err)
		return err;
	snprintf(text, sizeof(text), "0x%lx", start + size);
	err = faults_set("require-end", text);
	if (err)
		return err;
	err = knd_write(faults[1], "min-order", "0");
	if (err)
		return err;
	/* Nothing in the log: it is meant to happen */
	return faults_set("verbose", "0");
}

/* Let the @n-th allocation of a thread fail; 0 lets none fail */
static int fail_nth(pid_t tid, int n)
{
	char dir[32], text[16];

	snprintf(dir, sizeof(dir), "/proc/%d/", tid);
	snprintf(text, sizeof(text), "%d", n);
	return knd_write(dir, "fail-nth", text);
}

/* How many allocations are left until then; 0 means that it has failed */
static int fail_left(pid_t tid)
{
	char dir[32], text[16] = "-1";

	snprintf(dir, sizeof(dir), "/proc/%d/", tid);
	knd_read(dir, "fail-nth", text, sizeof(text));
	return atoi(text);
}

/*
 * As it should be for want of memory; sockets have names of their own for it,
 * the last one where there is none to note that a port is taken
 */
static bool no_memory(int err)
{
	return err == -ENOMEM || err == -ENOBUFS || err == -ENFILE ||
	       err == -EADDRINUSE;
}

static bool writable(const char *knob, const char *value)
{
	return !knd_set(knob, value) && !strcmp(knd_get(knob), value);
}

/* The only kernel thread whose name begins with this */
static pid_t kernel_thread(const char *name)
{
	pid_t found = -1, pid;
	char path[32], comm[32];
	struct dirent *e;
	DIR *dir;

	dir = opendir("/proc");
	while ((e = readdir(dir))) {
		pid = atoi(e->d_name);
		snprintf(path, sizeof(path), "/proc/%d/", pid);
		if (pid && knd_read(path, "comm", comm, sizeof(comm)) > 0 &&
		    !strncmp(comm, name, strlen(name)))
			found = pid;
	}
	closedir(dir);
	return found;
}

/* A connected socket whose reads wait for @limit seconds, or -errno */
static int connect_to(const char *addr, int port, int limit)
{
	struct timeval tv = { .tv_sec = limit };
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, addr, port);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0), err;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (!connect(fd, (void *)&ss, len))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Does the service answer at @addr? 0 or -errno */
static int ask(const char *addr, int port)
{
	int fd = connect_to(addr, port, 20), err = 0;
	char c = 'x';

	if (fd < 0)
		return fd;
	if (send(fd, &c, 1, MSG_NOSIGNAL) < 0)
		err = -errno;
	else if (recv(fd, &c, 1, 0) != 1)
		err = -ECONNRESET;
	close(fd);
	return err;
}

FIXTURE(faults) {
	pid_t self;
};

FIXTURE_SETUP(faults)
{
	/* Where it is built in, or faults cannot be told by their origin */
	if (faults_of_the_module())
		SKIP(return, "no knetdemo.ko or no fault injection by origin");
	/* Those as well that could wait for memory */
	ASSERT_EQ(0, faults_set("ignore-gfp-wait", "N"));
	ASSERT_EQ(0, knd_unshare_net());
	self->self = gettid();
}

/* The next test has memory, whether this one passed or failed */
FIXTURE_TEARDOWN_PARENT(faults)
{
	faults_set("probability", "0");
	faults_set("ignore-gfp-wait", "Y");
}

static const struct change {
	const char *knob;
	const char *from;
	const char *to;
	const char *shown;	/* after that, where it is not @to */
	bool tcp;		/* on a running service */
	bool udp;		/* in a run */
	bool fails;		/* it cannot do without memory */
} changes[] = {
	{ "monitor", "0", "1", .fails = true },
	{ "tcp", "0", "1", .shown = "2", .fails = true },
	{ "tcp_port", "60000", "20000", .tcp = true, .fails = true },
	{ "tcp_addr", "127.0.0.1", "::1", .tcp = true, .fails = true },
	{ "tcp_addr", "127.0.0.1", "0.0.0.0", .tcp = true, .fails = true },
	{ "tcp_backlog", "128", "256", .tcp = true },
	{ "tcp_service", "echo", "chargen", .tcp = true },
	{ "udp", "0", "1", .shown = "2", .fails = true },
	{ "udp_daddr", "127.0.0.1", "::1", .udp = true, .fails = true },
	{ "udp_size", "0", "20000", .udp = true },
	{ "udp_gso", "1", "8", .udp = true },
};

/* The services run as the sysctls say */
static int as_told(void)
{
	const char *addr = knd_get("tcp_addr");
	char state[2048], where[32];
	int port, on;

	strcpy(where, !strcmp(addr, "0.0.0.0") ? "127.0.0.1" : addr);
	port = atoi(knd_get("tcp_port"));
	on = !!atoi(knd_get("tcp"));
	if (ask(where, port) != (on ? 0 : -ECONNREFUSED))
		return -1;
	on = !!atoi(knd_get("udp"));
	if (knd_read(KND_PROC, "udp", state, sizeof(state)) < 0)
		return -2;
	return !!strstr(state, "state running") == on ? 0 : -3;
}

/* A write has its whole effect or none, whichever allocation fails */
TEST_F(faults, knobs)
{
	int err, left, n;
	size_t i;

	ASSERT_EQ(0, knd_set("monitor_ring", "16"));
	ASSERT_EQ(0, knd_set("tcp_service", "echo"));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];

		if (c->tcp)
			ASSERT_EQ(0, knd_set("tcp", "1"));
		if (c->udp)
			ASSERT_EQ(0, knd_set("udp", "1"));
		for (n = 1; n < MANY; n++) {
			fail_nth(self->self, n);
			err = knd_set(c->knob, c->to);
			left = fail_left(self->self);
			fail_nth(self->self, 0);

			if (err) {
				ASSERT_TRUE(no_memory(err))
					TH_LOG("%s: %d", c->knob, err);
			}
			ASSERT_STREQ(err ? c->from : c->shown ?: c->to,
				     knd_get(c->knob));
			ASSERT_EQ(0, as_told())
				TH_LOG("%s after %d at %d", c->knob, err, n);
			ASSERT_TRUE(writable(c->knob, c->from));
			if (left)
				break;
		}
		TH_LOG("%s to %s: %d allocations", c->knob, c->to, n - 1);
		/* In the last round no allocation failed */
		EXPECT_EQ(0, err);
		EXPECT_GT(MANY, n);
		if (c->fails)
			EXPECT_LT(1, n);
		ASSERT_EQ(0, knd_set("tcp", "0"));
		ASSERT_EQ(0, knd_set("udp", "0"));
	}
}

TEST_F(faults, filter)
{
	int failed = 0, err, left, n;

	ASSERT_EQ(0, knd_set("monitor", "1"));
	for (n = 1; n < MANY; n++) {
		ASSERT_EQ(0, monitor_filter("flush\nadd 127.0.0.1\n"));
		fail_nth(self->self, n);
		err = monitor_filter("flush\nadd ::1\nadd 10.0.0.0/8 80-90\n");
		left = fail_left(self->self);
		fail_nth(self->self, 0);
		if (err) {
			EXPECT_EQ(-ENOMEM, err);
			failed++;
		}
		EXPECT_EQ(err ? 0 : -1, monitor_hits("127.0.0.1/32"));
		EXPECT_EQ(err ? -1 : 0, monitor_hits("::1/128"));
		if (left)
			break;
	}
	EXPECT_EQ(0, err);
	EXPECT_LT(0, failed);
}

/* A namespace is made with all of the component in it, or not at all */
TEST_F(faults, namespaces)
{
	int err, left, n;

	for (n = 1; n < MANY; n++) {
		fail_nth(self->self, n);
		err = unshare(CLONE_NEWNET) ? -errno : 0;
		left = fail_left(self->self);
		fail_nth(self->self, 0);
		if (err)
			EXPECT_EQ(-ENOMEM, err);
		EXPECT_STREQ("60000", knd_get("tcp_port"));
		EXPECT_EQ(0, knd_stat("tcp_accepted"));
		if (left)
			break;
	}
	TH_LOG("%d allocations", n - 1);
	EXPECT_EQ(0, err);
	EXPECT_LT(10, n);
}

/*
 * The thread that accepts: a connection is served, late at worst, or refused
 * and counted; none is lost from the count of those that there may be.
 */
TEST_F(faults, acceptor)
{
	int served = 0, refused = 0, left = 0, n;
	pid_t tid;

	ASSERT_EQ(0, knd_set("tcp_service", "echo"));
	ASSERT_EQ(0, knd_set("tcp", "1"));
	tid = kernel_thread("knd-tcp/");
	ASSERT_LT(0, tid);
	for (n = 1; n < MANY && !left; n++) {
		ASSERT_EQ(0, fail_nth(tid, n));
		switch (ask("127.0.0.1", 60000)) {
		case 0:
			served++;
			break;
		case -ECONNRESET:
		case -EPIPE:
			refused++;
			break;
		default:
			ASSERT_TRUE(false);
		}
		left = fail_left(tid);
		fail_nth(tid, 0);
	}
	TH_LOG("%d allocations, %d refused, %lld errors of accept", n - 2,
	       refused, knd_stat("tcp_accept_errors"));
	EXPECT_LT(0, refused);
	EXPECT_LT(0, knd_stat("tcp_accept_errors"));
	EXPECT_EQ(served, knd_stat("tcp_accepted"));
	EXPECT_EQ(refused, knd_stat("tcp_refused_nomem"));
	EXPECT_EQ(served, knd_wait_stat("tcp_closed", served, 20000));

	/* All places are free again */
	ASSERT_EQ(0, knd_set("tcp_max_conns", "1"));
	EXPECT_EQ(0, ask("127.0.0.1", 60000));
}

/* What it cannot send is counted, and the run goes on */
TEST_F(faults, emitter)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), n, left;
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, "127.0.0.1", 60001);
	long long errors = 0, sent;
	char buf[64];
	pid_t tid;

	ASSERT_EQ(0, bind(fd, (void *)&ss, len));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "10000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	tid = kernel_thread("knd-udp/");
	ASSERT_LT(0, tid);
	for (n = 1; n <= 10; n++) {
		ASSERT_EQ(0, fail_nth(tid, n));
		/* Sending a datagram allocates memory */
		do {
			ASSERT_EQ(13, recv(fd, buf, sizeof(buf), 0));
			left = fail_left(tid);
		} while (left);
	}
	ASSERT_EQ(13, recv(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("2", knd_get("udp"));
	ASSERT_EQ(0, knd_set("udp", "0"));
	errors = knd_stat("udp_err_nobufs");
	sent = knd_stat("udp_sent");
	TH_LOG("%lld sent, %lld errors", sent, errors);
	EXPECT_LT(0, errors);
	EXPECT_GE(10, errors);
	EXPECT_EQ(errors, knd_stat("udp_errors"));
	EXPECT_EQ(errors, knd_stat("udp_failed"));
	close(fd);
}

/* A transfer that fails has written each byte that its result counts */
TEST_F(faults, ftp)
{
	static char data[100000];
	struct ftp_server s = { .data = data, .size = sizeof(data) };
	int dev = open("/dev/knetdemo", O_RDWR), err, left, n;
	struct knetdemo_ftp_get r;
	char *got;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 251;
	ASSERT_LE(0, dev);
	ASSERT_EQ(0, ftp_server_start(&s, AF_INET));
	for (n = 1; n < MANY; n++) {
		int fd = memfd_create("ftp", 0);

		r = (struct knetdemo_ftp_get) {
			.size = sizeof(r),
			.server = (uintptr_t)&s.addr,
			.server_len = s.len,
			.user = (uintptr_t)"somebody",
			.password = (uintptr_t)"secret",
			.path = (uintptr_t)"file",
			.fd = fd,
			.timeout_ms = 20000,
		};
		fail_nth(self->self, n);
		err = ioctl(dev, KNETDEMO_IOC_FTP_GET, &r) ? -errno : 0;
		left = fail_left(self->self);
		fail_nth(self->self, 0);

		if (err) {
			ASSERT_TRUE(no_memory(err)) TH_LOG("%d: %d", n, err);
			/* No connection is at fault */
			if (err == -ENOMEM &&
			    r.stage != KNETDEMO_FTP_STAGE_WRITE)
				EXPECT_EQ(KNETDEMO_FTP_FAILED_NONE, r.failed)
					TH_LOG("%d: stage %u", n, r.stage);
		} else {
			ASSERT_EQ(sizeof(data), r.bytes);
		}
		if (r.bytes) {
			got = mmap(NULL, r.bytes, PROT_READ, MAP_SHARED, fd, 0);
			ASSERT_NE(MAP_FAILED, got);
			ASSERT_EQ(0, memcmp(got, data, r.bytes));
			munmap(got, r.bytes);
		}
		close(fd);
		if (left)
			break;
	}
	TH_LOG("%d allocations", n - 1);
	EXPECT_EQ(0, err);
	EXPECT_LT(5, n);
	EXPECT_EQ(knd_stat("ftp_started"),
		  knd_stat("ftp_done") + knd_stat("ftp_failed"));
	ftp_server_stop(&s);
	close(dev);
}

/* Of those allocations that cannot wait for memory, @percent of a hundred */
static int fail_often(int percent)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", percent);
	return faults_set("ignore-gfp-wait", "Y") ?:
	       faults_set("times", "-1") ?:
	       faults_set("probability", text);
}

static int serve(const char *service)
{
	return knd_set("tcp_service", service) ?: knd_set("tcp", "1");
}

/* A connection that is accepted */
static int dial(void)
{
	int fd = connect_to("127.0.0.1", 60000, 60);

	return knd_wait_stat("tcp_accepted", 1, 20000) == 1 ? fd : -1;
}

/*
 * Every fifth allocation of the callbacks fails: late perhaps, but exact. Not
 * at the end: for a FIN that it has no memory for, TCP does not try again.
 */
TEST_F(faults, echo)
{
	static unsigned char out[262144], in[sizeof(out)];
	int fd, status;
	ssize_t n;
	pid_t pid;

	ASSERT_EQ(0, serve("echo"));
	fd = dial();
	ASSERT_LE(0, fd);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 13 + i / 253;
	ASSERT_EQ(0, fail_often(20));
	pid = fork();
	if (!pid) {
		/* Small messages are copied, large ones are spliced */
		for (size_t at = 0; at < sizeof(out); at += n) {
			n = at < 2000 ? 100 : sizeof(out) - at;
			n = send(fd, out + at, n, MSG_NOSIGNAL);
			if (n < 0)
				_exit(1);
		}
		_exit(0);
	}
	n = recv(fd, in, sizeof(in), MSG_WAITALL);
	ASSERT_EQ(0, fail_often(0));
	EXPECT_EQ(sizeof(in), n);
	EXPECT_EQ(0, memcmp(in, out, sizeof(out)));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	EXPECT_EQ(0, shutdown(fd, SHUT_WR));
	EXPECT_EQ(0, recv(fd, in, sizeof(in), 0));
	EXPECT_EQ(1, knd_wait_stat("tcp_closed_peer", 1, 20000));
	close(fd);
}

/*
 * No allocation succeeds for a while; then the stream continues without a loss
 */
TEST_F(faults, echo_without_any)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	char out[1000], in[sizeof(out)];
	int fd;

	ASSERT_EQ(0, serve("echo"));
	fd = dial();
	ASSERT_LE(0, fd);
	memset(out, 'e', sizeof(out));
	for (size_t len = 1; len <= sizeof(out); len += 999) {
		ASSERT_EQ(0, fail_often(100));
		ASSERT_EQ(len, send(fd, out, len, 0));
		nanosleep(&pause, NULL);
		EXPECT_EQ(-1, recv(fd, in, sizeof(in), MSG_DONTWAIT));
		EXPECT_EQ(EAGAIN, errno);
		ASSERT_EQ(0, fail_often(0));
		ASSERT_EQ(len, recv(fd, in, len, MSG_WAITALL));
		EXPECT_EQ(0, memcmp(in, out, len));
	}
	close(fd);
}

TEST_F(faults, chargen_without_any)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	static char in[100000];
	int fd;

	ASSERT_EQ(0, serve("chargen"));
	/* From its first byte on */
	ASSERT_EQ(0, fail_often(100));
	fd = dial();
	ASSERT_LE(0, fd);
	nanosleep(&pause, NULL);
	EXPECT_EQ(-1, recv(fd, in, sizeof(in), MSG_DONTWAIT));
	ASSERT_EQ(0, fail_often(0));
	ASSERT_EQ(sizeof(in), recv(fd, in, sizeof(in), MSG_WAITALL));
	EXPECT_EQ(0, memcmp(in, " !\"#$%&'()*+,-./0123", 20));
	close(fd);
}

TEST_HARNESS_MAIN
