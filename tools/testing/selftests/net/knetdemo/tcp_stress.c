// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stress of the TCP service of net/knetdemo: kill, ss -K, stops, moves, changes
 * of service and limits, and dismantled namespaces, while clients echo, read
 * chargen, half-close, reset and close. Each received byte is checked. In the
 * end the counters agree, no connection, socket, page or thread is left, and
 * the kernel has logged no warning.
 *
 * The work is counted in rounds, so it is the same on any machine.
 * KSFT_MACHINE_SLOW=yes in the environment makes fewer of them.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "../../kselftest_harness.h"
#include "tcp_test.h"

/* Memory that the clients share with the test */
struct shared {
	int port;		/* where the service is, or will be */
	bool stop;
	long long sent;		/* bytes that clients sent ... */
	long long received;	/* ... and got */
	long long dialed;	/* connections that clients tried ... */
	long long connected;	/* ... and got */
	long long wrong;	/* bytes that are not those of the service */
};

static struct shared *shared;

static long long load(const long long *value)
{
	return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static void add(long long *value, long long n)
{
	__atomic_add_fetch(value, n, __ATOMIC_SEQ_CST);
}

static bool stopping(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST);
}

static uint8_t pattern(long long at)
{
	size_t line = at % PERIOD / LINE, column = at % LINE;

	return column == 72 ? '\r' : column == 73 ? '\n' :
	       ' ' + (line + column) % 95;
}

/* Bytes that a client sends; chargen never sends any of these */
static uint8_t word(long long at)
{
	return 0x80 | (at * 7 + at / 127);
}

/* Compare @n received bytes with those of echo or chargen */
static void check(const uint8_t *buf, ssize_t n, long long at)
{
	bool echo = buf[0] & 0x80;

	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != (echo ? word(at + i) : pattern(at + i))) {
			add(&shared->wrong, 1);
			break;
		}
}

/* A connection that sends and reads at its own pace; @seed says how it ends */
static void converse(unsigned int seed)
{
	struct linger reset = { .l_onoff = 1 };
	static uint8_t out[32768], in[65536];
	long long sent = 0, received = 0;
	ssize_t n;
	int fd;

	add(&shared->dialed, 1);
	fd = dial("127.0.0.1", __atomic_load_n(&shared->port,
					       __ATOMIC_SEQ_CST));
	if (fd < 0) {
		usleep(1000);
		return;
	}
	add(&shared->connected, 1);
	/* Every sixth client leaves at once, half of these by a reset */
	for (int step = seed % 6 ? 40 : 0; step && !stopping(); step--) {
		size_t len = step % 8 ? 1 + (seed * step) % 200 : sizeof(out);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		for (size_t i = 0; i < len; i++)
			out[i] = word(sent + i);
		n = send(fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			sent += n;
		else if (errno != EAGAIN)
			break;
		if (poll(&p, 1, 5) < 1)
			continue;
		n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
		if (!n || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0) {
			check(in, n, received);
			received += n;
		}
	}
	if (seed % 3 == 0) {
		/* Half-close: all outstanding data comes before the end */
		shutdown(fd, SHUT_WR);
		while ((n = recv(fd, in, sizeof(in), 0)) > 0) {
			check(in, n, received);
			received += n;
		}
	}
	if (seed % 12 == 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	add(&shared->sent, sent);
	add(&shared->received, received);
}

static pid_t client(unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	while (!stopping())
		converse(seed++);
	_exit(0);
}

/* A namespace that is dismantled while its connections are in use */
static void short_lived_namespace(void)
{
	char c[4096] = {};
	int fd[8];

	if (knd_unshare_net() || start("::", "echo"))
		_exit(1);
	for (int i = 0; i < 8; i++) {
		fd[i] = dial(i % 2 ? "127.0.0.1" : "::1", PORT);
		if (fd[i] < 0)
			_exit(2);
		if (i == 4 && knd_set("tcp_service", "chargen"))
			_exit(3);
		if (send(fd[i], c, sizeof(c), MSG_NOSIGNAL) < 0)
			_exit(4);
	}
	_exit(0);
}

/*
 * Memory in use that no counter of /proc/meminfo includes: pages of drivers and
 * of sk_buffs, and leaked pages
 */
static long long unaccounted_kib(void)
{
	static const char * const known[] = {
		"MemFree", "Buffers", "Cached", "SwapCached", "AnonPages",
		"Slab", "KernelStack", "PageTables", "SecPageTables", "Percpu",
		"VmallocUsed",
	};
	long long kib = 0, value;
	char line[128], name[64];
	FILE *f;

	/* This frees the pages on per-CPU lists, which count as used */
	knd_write("/proc/sys/vm/", "compact_memory", "1");
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^:]: %lld kB", name, &value) != 2)
			continue;
		if (!strcmp(name, "MemTotal"))
			kib += value;
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (!strcmp(name, known[i]))
				kib -= value;
	}
	if (f)
		fclose(f);
	return kib;
}

/* A value of the TCP line of /proc/net/sockstat, for all namespaces */
static long sockstat(const char *name)
{
	char text[1024], *at;

	if (knd_read("/proc/net/", "sockstat", text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, "TCP:");
	at = at ? strstr(at, name) : NULL;
	return at ? atol(at + strlen(name)) : -1;
}

/* Warnings of the kernel since the message @from */
static int complaints(int kmsg)
{
	static const char * const bad[] = {
		"WARNING:", "BUG:", "Call Trace", "refcount_t", "rcu_sched",
		"rcu_preempt", "hung task", "blocked for more than",
		"unregister_netdevice",
	};
	char line[8192];
	int found = 0;
	ssize_t n;

	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		line[n > 0 ? n : 0] = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			if (strstr(line, bad[i])) {
				printf("# %.300s\n", line);
				found++;
			}
	}
	return found;
}

/* Number of acceptors in all namespaces */
static int acceptors(void)
{
	DIR *dir = opendir("/proc");
	char path[32], comm[32];
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/", atoi(e->d_name));
		if (atoi(e->d_name) &&
		    knd_read(path, "comm", comm, sizeof(comm)) > 0 &&
		    !strncmp(comm, "knd-tcp/", 8))
			n++;
	}
	closedir(dir);
	return n;
}

static long long sum_of_reasons(void)
{
	static const char * const reasons[] = {
		"tcp_closed_peer", "tcp_closed_reset", "tcp_closed_timeout",
		"tcp_closed_idle", "tcp_closed_killed", "tcp_closed_stopped",
		"tcp_closed_error",
	};
	long long sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		sum += knd_stat(reasons[i]);
	return sum;
}

FIXTURE(stress) {
	int tcp_mem;
	int kmsg;
	int acceptors;
	long sockets;
};

FIXTURE_SETUP(stress)
{
	/*
	 * Only the initial network namespace has this file. The descriptor
	 * refers to it from every namespace.
	 */
	self->tcp_mem = open("/proc/sys/net/ipv4/tcp_mem", O_RDWR);
	ASSERT_LE(0, self->tcp_mem);
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, self->kmsg);
	lseek(self->kmsg, 0, SEEK_END);
	self->acceptors = acceptors();
	self->sockets = sockstat("alloc");
	ASSERT_LE(0, self->sockets);
	ASSERT_EQ(0, knd_unshare_net());
}

FIXTURE_TEARDOWN(stress)
{
	long long end = now_ms() + 60000;

	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(0, listed());
	EXPECT_EQ(knd_stat("tcp_accepted"), knd_stat("tcp_closed"));
	EXPECT_EQ(knd_stat("tcp_closed"), sum_of_reasons());
	EXPECT_EQ(0, knd_stuck());
	/*
	 * Dismantling namespaces and freeing sockets takes a while: wait for it
	 */
	while ((sockstat("alloc") > self->sockets ||
		acceptors() > self->acceptors) && now_ms() < end)
		usleep(10000);
	EXPECT_GE(self->sockets, sockstat("alloc"));
	EXPECT_EQ(self->acceptors, acceptors());
	EXPECT_EQ(0, complaints(self->kmsg));
}

/* One operation of an administrator, while the clients continue */
static int administer(int round)
{
	static const char * const services[] = {
		"echo", "chargen", "echo", "discard", "accept",
	};
	static const char * const addrs[] = { "127.0.0.1", "::", "0.0.0.0" };
	int err = 0, port;

	switch (round % 10) {
	case 0:
		return knd_write(KND_PROC, "tcp", "kill all");
	case 1:
		return knd_run("ss -tK state established "
			       "'( sport >= 20000 and sport <= 20010 )' "
			       "> /dev/null");
	case 2:
		err = knd_set("tcp", "0");
		return err ?: knd_set("tcp", "1");
	case 3:
		port = MOVED_PORT + round / 10 % 3;
		err = knd_set_int("tcp_port", port);
		__atomic_store_n(&shared->port, port, __ATOMIC_SEQ_CST);
		return err;
	case 4:
		return knd_set("tcp_addr", addrs[round / 10 % 3]);
	case 5:
		return knd_set_int("tcp_idle_ms", round / 10 % 2 ? 60000 : 20);
	case 6:
	case 9:
		return knd_set("tcp_service", services[round / 5 % 5]);
	case 7:
		err = knd_set_int("tcp_max_conns", round / 10 % 2 ? 1024 : 8);
		return err ?: knd_set_int("tcp_max_conns_per_source",
					  round / 10 % 3 ? 0 : 6);
	case 8:
		/* Destroy the listener, which is then replaced */
		return knd_run("ss -tlK "
			       "'( sport >= 20000 and sport <= 20010 )' "
			       "> /dev/null") ?:
		       knd_set_int("tcp_backlog", 16 + round % 64);
	}
	return err;
}

TEST_F(stress, all_at_once)
{
	int rounds = knd_slow(100, 30), clients = 12, status;
	long long before, end;
	pid_t pid[16], ns;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	shared->port = MOVED_PORT;
	ASSERT_EQ(0, knd_set_int("tcp_port", MOVED_PORT));
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	for (int i = 0; i < clients; i++) {
		pid[i] = client(1000 * i + i);
		ASSERT_LT(0, pid[i]);
	}
	for (int round = 0; round < rounds; round++) {
		ns = fork();
		if (!ns)
			short_lived_namespace();
		before = load(&shared->connected);
		EXPECT_EQ(0, administer(round)) TH_LOG("round %d", round);
		/* Wait for further connections: each round meets some in use */
		end = now_ms() + 60000;
		while (load(&shared->connected) < before + 5 &&
		       now_ms() < end)
			usleep(1000);
		EXPECT_LE(before + 5, load(&shared->connected))
			TH_LOG("nobody connects in round %d", round);
		ASSERT_EQ(ns, waitpid(ns, &status, 0));
		EXPECT_EQ(0, status) TH_LOG("round %d", round);
	}
	__atomic_store_n(&shared->stop, true, __ATOMIC_SEQ_CST);
	/*
	 * A client that waits for data receives the data or the end of the
	 * stream
	 */
	EXPECT_EQ(0, knd_set("tcp", "0"));
	for (int i = 0; i < clients; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	TH_LOG("%lld connections, %lld accepted, %lld B sent, %lld received",
	       shared->connected, knd_stat("tcp_accepted"), shared->sent,
	       shared->received);
	EXPECT_EQ(0, shared->wrong);
	/*
	 * The bytes that clients received are those that the service counted,
	 * and likewise in the other direction
	 */
	EXPECT_LE(shared->received, knd_stat("tcp_bytes_out"));
	EXPECT_GE(shared->sent, knd_stat("tcp_bytes_in"));
	EXPECT_LT(0, shared->received);
	EXPECT_LT(0, knd_stat("tcp_closed_killed"));
	EXPECT_LT(0, knd_stat("tcp_closed_peer"));
	EXPECT_LT(0, knd_stat("tcp_relistened"));
	EXPECT_LE(knd_stat("tcp_accepted") + knd_stat("tcp_refused_max") +
		  knd_stat("tcp_refused_source"), shared->dialed);
	EXPECT_EQ(0, knd_stat("tcp_refused_nomem"));
	munmap(shared, sizeof(*shared));
}

/*
 * Each short message is copied to a page, which is freed when the client has
 * acknowledged the data. kmemleak does not track pages, so only this test
 * notices a leak.
 */
TEST_F(stress, copies_leak_no_page)
{
	int round_trips = knd_slow(16384, 4096), fd;
	long long before, after, leak_kib;

	leak_kib = (long long)round_trips * getpagesize() / 1024;
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	for (int i = 0; i < 256; i++) {
		ASSERT_EQ(0, ask(fd, "a word"));
	}
	before = unaccounted_kib();
	for (int i = 0; i < round_trips; i++) {
		ASSERT_EQ(0, ask(fd, "a word and its echo"));
	}
	after = unaccounted_kib();
	TH_LOG("%lld KiB more, a leak has %lld", after - before, leak_kib);
	EXPECT_GT(leak_kib / 4, after - before);
	close(fd);
}

/* The same for pages that are spliced, and for a mix of both */
TEST_F(stress, pages_of_a_stream_are_freed)
{
	int mib = knd_slow(256, 16), fd, status;
	static uint8_t buf[65536];
	long long before, after;
	pid_t pid;

	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	before = unaccounted_kib();
	for (int i = 0; i < 4; i++) {
		fd = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd);
		pid = fork();
		if (!pid) {
			for (size_t done = 0; done < (size_t)mib << 18;
			     done += sizeof(buf) - 100) {
				if (send_all(fd, buf, sizeof(buf) - 100 * i))
					_exit(1);
			}
			_exit(shutdown(fd, SHUT_WR));
		}
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		close(fd);
	}
	after = unaccounted_kib();
	TH_LOG("%lld KiB more after %d MiB", after - before, mib);
	EXPECT_GT(mib * 1024 / 4, after - before);
}

/*
 * Clients that read nothing. The memory of their queues stays below the limit
 * from which TCP reduces the buffers of every socket, and a client that reads
 * is still served.
 */
static void hoard(struct __test_metadata *_metadata, int tcp_mem,
		  const char *service)
{
	bool echo = !strcmp(service, "echo");
	/* Without a limit they would queue 80 MiB and more */
	int conns = echo ? 32 : 128, fds[128], one = 1, fd, n;
	static const char limits[] = "16384 65536 131072";
	/*
	 * Memory of the clients' own sockets and of packets in flight does not
	 * count
	 */
	long limit = 16384 + 16 * conns;
	static uint8_t buf[1 << 16];
	struct sockaddr_storage ss;
	char saved[64] = {};
	socklen_t len;
	long most = 0;

	ASSERT_LT(0, pread(tcp_mem, saved, sizeof(saved) - 1, 0));
	ASSERT_LT(0, pwrite(tcp_mem, limits, strlen(limits), 0));
	ASSERT_EQ(0, start("127.0.0.1", service));
	len = knd_addr(&ss, "127.0.0.1", PORT);
	for (int i = 0; i < conns; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		ASSERT_LE(0, fds[i]);
		/* The clients' own queues are as small as TCP permits */
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &one, sizeof(one));
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &one, sizeof(one));
		ASSERT_EQ(0, connect(fds[i], (struct sockaddr *)&ss, len));
	}
	/* Wait until the memory in use does not grow any more */
	for (int still = 0; still < 30; still++) {
		for (int i = 0; echo && i < conns; i++) {
			while (send(fds[i], buf, sizeof(buf),
				    MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
				still = 0;
		}
		if (sockstat("mem") > most) {
			most = sockstat("mem");
			still = 0;
		}
		usleep(20000);
	}
	TH_LOG("%s: at most %ld pages", service, most);
	/* The queues took much memory, but less than the limit */
	EXPECT_LT(16384 / 2, most);
	EXPECT_GT(limit, most);

	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	for (int i = 0; echo && i < 64; i++) {
		ASSERT_EQ(0, ask(fd, "a word and its echo"));
	}
	for (size_t got = 0; !echo && got < 4 << 20; got += n) {
		n = recv(fd, buf, sizeof(buf), 0);
		ASSERT_LT(0, n);
	}
	EXPECT_GT(limit, sockstat("mem"));
	close(fd);
	for (int i = 0; i < conns; i++)
		close(fds[i]);
	ASSERT_LT(0, pwrite(tcp_mem, saved, strlen(saved), 0));
}

TEST_F(stress, hoarders_of_chargen)
{
	hoard(_metadata, self->tcp_mem, "chargen");
}

TEST_F(stress, hoarders_of_echo)
{
	hoard(_metadata, self->tcp_mem, "echo");
}

TEST_HARNESS_MAIN
