// SPDX-License-Identifier: GPL-2.0-only
/*
 * The UDP emitter of net/knetdemo under stress: runs are started, changed,
 * stopped and read by several processes on all processors at the same time,
 * while devices and namespaces are removed. A number of rounds ends each test,
 * and then every datagram has to be accounted for.
 */

#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include "../../kselftest_harness.h"
#include "udp_test.h"

#define PORT		60001
#define WAIT_MS		60000
/* A device that takes every packet, and a filter that counts them */
#define SINK								\
	"ip link add sink type dummy && "				\
	"ip addr add 192.0.2.1/24 dev sink && "				\
	"ip addr add 192.0.2.9/24 dev sink && "				\
	"ip addr add 2001:db8::1/64 dev sink nodad && "			\
	"ip addr add 2001:db8::9/64 dev sink nodad && "			\
	"ip link set sink arp off up && nft add table inet t && "	\
	"nft 'add chain inet t o { type filter hook output "		\
	"priority 0; }' && "						\
	"nft 'add rule inet t o udp dport 60001-60002 counter'"
#define COUNTED								\
	"nft list chain inet t o | "					\
	"sed -n 's/.*counter packets \\([0-9]*\\) bytes \\([0-9]*\\).*/\\1 \\2/p'"

/* What a process of this test does in one round, with a number of its own */
typedef void (*stress_fn)(unsigned int round);

struct stress_job {
	stress_fn fn;
	long rounds;		/* 0 is until it is killed */
};

static unsigned int seed;

/* A number below @n; the same sequence in each run of the test */
static unsigned int any(unsigned int n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* A process that repeats a job on one processor */
static pid_t stress_start(const struct stress_job *job, unsigned int number)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;
	pid_t pid;

	pid = fork();
	if (pid)
		return pid;
	CPU_ZERO(&set);
	CPU_SET(number % cpus, &set);
	sched_setaffinity(0, sizeof(set), &set);
	seed = number + 1;
	for (long i = 0; !job->rounds || i < job->rounds; i++)
		job->fn(i);
	_exit(0);
}

/* Run all jobs at once, until those that count their rounds are through */
static void stress(struct __test_metadata *_metadata,
		   const struct stress_job *jobs, size_t n)
{
	pid_t pids[16];
	int status;

	ASSERT_LE(n, ARRAY_SIZE(pids));
	for (size_t i = 0; i < n; i++) {
		pids[i] = stress_start(&jobs[i], i);
		ASSERT_LT(0, pids[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (!jobs[i].rounds)
			continue;
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	for (size_t i = 0; i < n; i++) {
		if (jobs[i].rounds)
			continue;
		kill(pids[i], SIGKILL);
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
	}
}

FIXTURE(stress) {
	char buf[65536];
};

FIXTURE_VARIANT(stress) {
	const char *sink;
	const char *source;
	const char *far;
	int headers;
};

FIXTURE_VARIANT_ADD(stress, ipv4) {
	.sink = "192.0.2.2",
	.source = "192.0.2.9",
	.far = "10.9.0.2",
	.headers = 20 + 8,
};

FIXTURE_VARIANT_ADD(stress, ipv6) {
	.sink = "2001:db8::2",
	.source = "2001:db8::9",
	.far = "fd09::2",
	.headers = 40 + 8,
};

FIXTURE_SETUP(stress)
{
	ASSERT_LE(2, sysconf(_SC_NPROCESSORS_ONLN));
}

FIXTURE_TEARDOWN(stress)
{
}

/* The jobs. Writes may fail; tests of single writes assert how. */

static void stress_switch(unsigned int round)
{
	static const char * const counts[] = { "0", "1", "7", "100000" };

	knd_set("udp_count", counts[any(4)]);
	knd_set("udp", "1");
	if (any(2))
		udp_wait_number("sent", 1, 20);
	if (any(3))
		knd_set("udp", "0");
}

static void stress_reader(unsigned int round)
{
	char text[8192];

	knd_read(KND_PROC, "udp", text, sizeof(text));
	knd_read(KND_PROC, "stats", text, sizeof(text));
	knd_get("udp");
}

static void stress_payload(unsigned int round)
{
	static const char * const sizes[] = {
		"0", "24", "64", "1023", "1024", "1400", "4000", "65507"
	};
	static const char * const gsos[] = { "1", "1", "2", "46", "128" };

	knd_set("udp_size", sizes[any(8)]);
	knd_set("udp_gso", gsos[any(5)]);
	knd_set("udp_stamp", any(2) ? "1" : "0");
	knd_set("udp_message", any(2) ? "kernelsocket" : "another message");
}

/* Unpaced, paced by an interval, by a rate, and asleep for half an hour */
static void stress_pace(unsigned int round)
{
	static const char * const intervals[] = {
		"0", "0", "100", "1000", "2000000000"
	};

	knd_set("udp_interval_us", intervals[any(5)]);
	knd_set("udp_rate_pps", any(3) ? "0" : "750000");
	knd_set("udp_linger_ms", any(2) ? "0" : "5");
}

static const char *stress_source;

static void stress_socket(unsigned int round)
{
	knd_set_int("udp_dport", PORT + any(2));
	knd_set_int("udp_sport", any(3) ? 0 : 5000 + any(2));
	knd_set("udp_saddr", any(2) ? stress_source : " ");
	knd_set("udp_dev", any(3) ? " " : "sink");
	knd_set_int("udp_ttl", any(2) * 9);
	knd_set_int("udp_tos", any(2) * 8);
	knd_set_int("udp_mark", any(2));
	knd_set_int("udp_df", any(2) * 2);
}

/* Packets and bytes that the filter of SINK has counted */
static int stress_counted(long long *packets, long long *bytes)
{
	char text[64];
	int err;

	err = knd_run(COUNTED " > /tmp/udp_stress");
	if (!err && knd_read("/tmp/", "udp_stress", text, sizeof(text)) < 0)
		err = -1;
	unlink("/tmp/udp_stress");
	return err ?: sscanf(text, "%lld %lld", packets, bytes) != 2;
}

static long long stress_errors(void)
{
	static const char * const causes[] = {
		"nobufs", "again", "refused", "unreach", "netdown", "msgsize",
		"other",
	};
	long long sum = 0;
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		snprintf(name, sizeof(name), "udp_err_%s", causes[i]);
		sum += knd_stat(name);
	}
	return sum;
}

/*
 * Whatever changes while it runs, each payload byte that the emitter counts is
 * in a packet, and each packet is counted.
 */
TEST_F_TIMEOUT(stress, every_change_at_once, 1200)
{
	long rounds = udp_scale(100, 10);
	const struct stress_job jobs[] = {
		{ stress_switch, rounds },
		{ stress_payload, rounds },
		{ stress_pace, rounds },
		{ stress_socket, rounds },
		{ stress_switch, rounds },
		{ stress_reader, 0 },
	};
	long long packets, bytes, runs;

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_run(SINK));
	ASSERT_EQ(0, knd_set("udp_daddr", variant->sink));
	stress_source = variant->source;
	stress(_metadata, jobs, ARRAY_SIZE(jobs));
	ASSERT_EQ(0, knd_set("udp", "0"));
	ASSERT_EQ(0, udp_wait_reports(WAIT_MS));

	ASSERT_EQ(0, stress_counted(&packets, &bytes));
	EXPECT_LT(0, packets);
	EXPECT_EQ(bytes - packets * variant->headers, knd_stat("udp_bytes"));
	EXPECT_LE(packets, knd_stat("udp_sent"));
	EXPECT_EQ(knd_stat("udp_errors"), stress_errors());
	EXPECT_EQ(0, knd_stat("udp_failed"));
	runs = knd_stat("udp_runs");
	EXPECT_LT(0, runs);
	EXPECT_EQ(runs, udp_number("run"));
	EXPECT_STRNE("running", udp_text("state"));

	/* The next run follows the values that are set now */
	ASSERT_EQ(0, knd_set("udp_count", "1000"));
	ASSERT_EQ(0, knd_set("udp_size", "64"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp_rate_pps", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(runs + 1, udp_number("run"));
	EXPECT_EQ(1000, udp_number("sent"));
	EXPECT_EQ(64000, udp_number("bytes"));
}

static void stress_link(unsigned int round)
{
	static const char * const commands[] = {
		"ip link set tx0 down; ip link set tx0 up",
		"ip addr flush dev tx0; ip addr add 10.9.0.1/24 dev tx0; "
		"ip addr add fd09::1/64 dev tx0 nodad",
		"ip route flush dev tx0",
		"ip link set tx0 mtu 1280; ip link set tx0 mtu 1500",
		"ip link set tx0 gso_max_size 2048",
		"ss -Kun dport = 60001",
		"ip link del tx0",
		"ip link add tx0 type veth peer name rx0 && "
		"ip addr add 10.9.0.1/24 dev tx0 && "
		"ip addr add fd09::1/64 dev tx0 nodad && "
		"ip link set tx0 up && ip link set rx0 up",
	};
	char quiet[512];

	snprintf(quiet, sizeof(quiet), "{ %s; } > /dev/null 2>&1",
		 commands[round % ARRAY_SIZE(commands)]);
	knd_run(quiet);
}

/* Routes, addresses and devices are removed; a run outlives them all */
TEST_F_TIMEOUT(stress, devices_come_and_go, 1200)
{
	static const char * const intervals[] = { "0", "100" };
	long rounds = udp_scale(24, 3);
	const struct stress_job jobs[] = {
		{ stress_link, rounds },
		{ stress_payload, 0 },
		{ stress_reader, 0 },
	};
	struct udp_wire wire;
	long long sent = 0;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		ASSERT_EQ(0, udp_wire_open(&wire));
		ASSERT_EQ(0, knd_set("udp_daddr", variant->far));
		ASSERT_EQ(0, knd_set("udp_count", "0"));
		ASSERT_EQ(0, knd_set("udp_interval_us", intervals[i]));
		ASSERT_EQ(0, knd_set("udp", "1"));
		ASSERT_LE(1, udp_wait_number("sent", 1, WAIT_MS));
		stress(_metadata, jobs, ARRAY_SIZE(jobs));
		EXPECT_STREQ("running", udp_text("state"));
		EXPECT_EQ(1, udp_number("run"));
		EXPECT_LE(1, udp_number("failed"));
		ASSERT_EQ(0, knd_set("udp", "0"));
		sent = udp_number("sent");
		EXPECT_EQ(sent, knd_stat("udp_sent"));
		EXPECT_EQ(udp_number("bytes"), knd_stat("udp_bytes"));
		EXPECT_EQ(udp_number("failed"), knd_stat("udp_failed"));
		EXPECT_EQ(udp_number("errors"), knd_stat("udp_errors"));
		EXPECT_EQ(knd_stat("udp_errors"), stress_errors());
		udp_wire_close(&wire);

		/* A wire that stays takes a whole run */
		ASSERT_EQ(0, udp_wire_open(&wire));
		fd = udp_socket_far(&wire, variant->far, PORT);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, knd_set("udp_daddr", variant->far));
		ASSERT_EQ(0, knd_set("udp_count", "100"));
		ASSERT_EQ(0, knd_set("udp_interval_us", intervals[i]));
		ASSERT_EQ(0, knd_set("udp", "1"));
		for (int n = 0; n < 100; n++)
			ASSERT_EQ(13, udp_recv(fd, self->buf,
					       sizeof(self->buf), WAIT_MS));
		ASSERT_EQ(0, udp_wait_over(WAIT_MS));
		EXPECT_EQ(0, udp_number("errors"));
		close(fd);
		udp_wire_close(&wire);
	}
}

/* A namespace whose last process is killed while it changes a run */
static void stress_namespace(unsigned int round)
{
	const struct stress_job jobs[] = {
		{ stress_switch, 0 },
		{ stress_payload, 0 },
		{ stress_pace, 0 },
	};
	pid_t pids[ARRAY_SIZE(jobs)];

	if (knd_unshare_net() || knd_run(SINK) ||
	    knd_set("udp_daddr", round % 2 ? "192.0.2.2" : "2001:db8::2") ||
	    knd_set("udp_interval_us", "0"))
		_exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		pids[i] = stress_start(&jobs[i], round + i);
	if (udp_wait_number("sent", 1, WAIT_MS) < 1)
		_exit(2);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	/* Half of the namespaces end with a run that is on for certain */
	if (round % 4 < 2)
		knd_set("udp", "1");
}

/* Namespaces are dismantled in the middle of runs, on all processors */
TEST_F_TIMEOUT(stress, namespaces_end_in_a_run, 1200)
{
	long rounds = udp_scale(12, 4);
	const struct stress_job jobs[] = {
		{ stress_namespace, rounds },
		{ stress_namespace, rounds },
		{ stress_namespace, rounds },
	};
	int64_t end;

	stress(_metadata, jobs, ARRAY_SIZE(jobs));
	end = udp_now_ns(CLOCK_MONOTONIC) + WAIT_MS * 1000000LL;
	while (udp_emitters() && udp_now_ns(CLOCK_MONOTONIC) < end)
		udp_sleep_ms(5);
	EXPECT_EQ(0, udp_emitters());
}

TEST_HARNESS_MAIN
