// SPDX-License-Identifier: GPL-2.0-only
/*
 * The UDP emitter of net/knetdemo in time: rates on a wire, and what a
 * receiver learns from stamps about what netem did.
 */

#define _GNU_SOURCE
#include <linux/net_tstamp.h>
#include "../../kselftest_harness.h"
#include "udp_test.h"

#define PORT		60001
#define WINDOW_NS	10000000LL
#define TC_FIGURES	"Sent %*s bytes %ld pkt (dropped %ld, overlimits %*s requeues %ld"

/* The kernel's time of arrival of the next datagram, in ns; 0 if none comes */
static int64_t receive(int fd, void *buf, size_t size, int timeout_ms, int *len)
{
	char control[CMSG_SPACE(sizeof(struct timespec)) + 64];
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct cmsghdr *cmsg;
	struct timespec ts;

	*len = recvmsg(fd, &msg, MSG_DONTWAIT);
	if (*len < 0) {
		if (poll(&pfd, 1, timeout_ms) != 1)
			return 0;
		*len = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (*len < 0)
			return 0;
	}
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(cmsg), sizeof(ts));
			return ts.tv_sec * 1000000000LL + ts.tv_nsec;
		}
	return 0;
}

/* The datagram at hand */
static char buf[65536];

FIXTURE(pace) {
	struct udp_wire wire;
	int fd;
};

FIXTURE_VARIANT(pace) {
	const char *far;
};

FIXTURE_VARIANT_ADD(pace, ipv4) {
	.far = "10.9.0.2",
};

FIXTURE_VARIANT_ADD(pace, ipv6) {
	.far = "fd09::2",
};

/*
 * Receive on one processor: veth has a queue for each one that sends, and the
 * emitter and netem's timer are not always on the same. What is reordered there
 * is in no figure of netem's.
 */
#define ONE_PROCESSOR							\
	"unshare -m sh -c 'mount -t sysfs sys /sys && "			\
	"echo 1 > /sys/class/net/rx0/queues/rx-0/rps_cpus'"

FIXTURE_SETUP(pace)
{
	int on = 1;

	ASSERT_EQ(0, udp_wire_open(&self->wire));
	ASSERT_EQ(0, setns(self->wire.rx, CLONE_NEWNET));
	ASSERT_EQ(0, knd_run(ONE_PROCESSOR));
	ASSERT_EQ(0, setns(self->wire.tx, CLONE_NEWNET));
	ASSERT_EQ(0, knd_set("udp_daddr", variant->far));
	ASSERT_EQ(0, knd_set("udp_linger_ms", "0"));
	self->fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on,
				sizeof(on)));
}

FIXTURE_TEARDOWN(pace)
{
	EXPECT_EQ(0, knd_set("udp", "0"));
	close(self->fd);
	udp_wire_close(&self->wire);
}

/*
 * @rate datagrams a second for five seconds: the mean within 1 %, and in no
 * 10 ms more than twice what belongs there. False where that was missed and the
 * emitter itself says that something kept it from sending for more than 10 ms,
 * as the host of a virtual machine may do.
 */
static bool rate_case(struct __test_metadata *_metadata,
		      int fd, long interval_us, int gso, bool last)
{
	double rate = 1e6 / interval_us;
	long count = rate * udp_scale(5, 2) + 1;
	long n = 0, first = 0, most = 0, allowed;
	int64_t *at = calloc(count, sizeof(*at));
	double seconds, mean, achieved;
	int len;

	ASSERT_NE(NULL, at);
	ASSERT_EQ(0, knd_set_int("udp_count", count));
	ASSERT_EQ(0, knd_set_int("udp_interval_us", interval_us));
	ASSERT_EQ(0, knd_set_int("udp_gso", gso));
	ASSERT_EQ(0, knd_set("udp_size", "64"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	while (n < count) {
		at[n] = receive(fd, buf, sizeof(buf), 20000,
				&len);
		if (!at[n])
			break;
		ASSERT_EQ(64, len);
		n++;
	}
	ASSERT_EQ(0, udp_wait_over(20000));
	ASSERT_EQ(count, n);
	EXPECT_EQ(0, udp_drain(fd));
	EXPECT_EQ(count, udp_number("sent"));
	EXPECT_EQ(0, udp_number("errors"));
	EXPECT_EQ((long)rate, udp_number("target"));

	seconds = (at[count - 1] - at[0]) / 1e9;
	mean = (count - 1) / seconds;
	achieved = atof(udp_text("achieved"));
	for (long i = 0; i < count; i++) {
		while (at[i] - at[first] >= WINDOW_NS)
			first++;
		if (i - first + 1 > most)
			most = i - first + 1;
	}
	/*
	 * A window that is open at both ends holds one more send, and what was
	 * due before it, where the emitter was kept from running so long
	 */
	allowed = 2 * rate * (WINDOW_NS + 1000 * udp_number("late_max_us")) /
		  1000000000 + gso;
	TH_LOG("%.2f/s: mean %.2f, achieved %.2f, most in 10 ms %ld of %ld",
	       rate, mean, achieved, most, allowed);
	TH_LOG("    late %lld (at most %lld us), skipped %lld",
	       udp_number("late"), udp_number("late_max_us"),
	       udp_number("skipped"));
	free(at);
	if (!last && udp_number("late_max_us") > 10000 &&
	    (mean < 0.99 * rate || mean > 1.01 * rate || most > allowed))
		return false;
	EXPECT_GE(allowed, most);
	EXPECT_LE(0.99 * rate, mean);
	EXPECT_GE(1.01 * rate, mean);
	EXPECT_LE(0.99 * rate, achieved);
	EXPECT_GE(1.01 * rate, achieved);
	return true;
}

/*
 * The interval of @rate, or of as much as a quarter of what this machine can
 * send at all, so that the schedule is what is looked at
 */
static long interval_of(struct __test_metadata *_metadata, int fd, long rate)
{
	long interval_us = 1000000 / rate;
	double most;
	int len;

	knd_set("udp_count", "1000");
	knd_set("udp_interval_us", "0");
	knd_set("udp_gso", "1");
	knd_set("udp_size", "64");
	knd_set("udp", "1");
	udp_wait_over(60000);
	most = 1000 * 1e6 / (udp_number("elapsed_us") + 1);
	/* Read until no datagram has arrived for a while */
	while (receive(fd, buf, sizeof(buf), 200, &len))
		;
	while (1e6 / interval_us > most / 4)
		interval_us *= 2;
	if (interval_us > 1000000 / rate)
		TH_LOG("%ld/s is too much for a machine that sends %.0f/s",
		       rate, most);
	return interval_us;
}

static void rate(struct __test_metadata *_metadata, int fd,
		 long rate, int gso)
{
	for (int try = 1; !rate_case(_metadata, fd,
				     interval_of(_metadata, fd, rate), gso,
				     try == 5); try++)
		TH_LOG("the emitter was kept from running; again");
}

/* 1k, 10k and 100k per second, scaled down for emulated machines */
static long scaled(long rate)
{
	const char *divisor = getenv("KND_RATE_DIVISOR");
	long d = divisor ? atol(divisor) : knd_machine_slow() ? 20 : 5;

	return rate / d;
}

TEST_F(pace, rate_1k)
{
	rate(_metadata, self->fd, scaled(1000), 1);
}

TEST_F(pace, rate_10k)
{
	rate(_metadata, self->fd, scaled(10000), 1);
}

TEST_F(pace, rate_100k)
{
	rate(_metadata, self->fd, scaled(100000), 1);
}

TEST_F(pace, rate_10k_in_segments)
{
	rate(_metadata, self->fd, scaled(10000), 4);
}

/*
 * A rate that is not 0 takes precedence over the interval, whichever was
 * written last. It is kept exactly also if its interval is no whole number of
 * microseconds.
 */
TEST_F(pace, rate_in_datagrams_a_second)
{
	static const char * const rates[] = { "750000", "1500000", "3" };

	ASSERT_EQ(0, knd_set("udp_count", "10"));
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		ASSERT_EQ(0, knd_set("udp_rate_pps", rates[i]));
		ASSERT_EQ(0, knd_set("udp_interval_us", "2000000"));
		ASSERT_EQ(0, knd_set("udp", "1"));
		EXPECT_EQ(atoll(rates[i]), udp_number("target"));
		EXPECT_EQ(atoll(rates[i]), udp_number("rate_pps"));
		ASSERT_EQ(0, udp_wait_over(60000));
		EXPECT_EQ(10, udp_number("sent"));
		/* The first and the last are nine intervals apart, or more */
		EXPECT_LE(9000000 / atoll(rates[i]), udp_number("elapsed_us"));
	}

	/* Without a rate the interval holds, in a run that goes on as well */
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, knd_set("udp_rate_pps", "0"));
	EXPECT_STREQ("0.500", udp_text("target"));
	EXPECT_EQ(0, udp_number("rate_pps"));
	EXPECT_EQ(2000000, udp_number("interval_us"));
	ASSERT_EQ(0, knd_set("udp_rate_pps", "600000"));
	EXPECT_STREQ("600000.000", udp_text("target"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "7"));
	EXPECT_STREQ("600000.000", udp_text("target"));
	ASSERT_EQ(0, knd_set("udp", "0"));
}

/* achieved is 0 until two datagrams were sent with a new interval */
TEST_F(pace, achieved_after_a_change)
{
	long long sent;

	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "100"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_LE(1000, udp_wait_number("sent", 1000, 60000));
	EXPECT_LT(0, atof(udp_text("achieved")));

	ASSERT_EQ(0, knd_set("udp_interval_us", "2000000000"));
	EXPECT_STREQ("0.000", udp_text("achieved"));

	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	sent = udp_number("sent");
	ASSERT_LE(sent + 100, udp_wait_number("sent", sent + 100, 60000));
	EXPECT_LT(0, atof(udp_text("achieved")));
	EXPECT_GT(2000, atof(udp_text("achieved")));
}

/* The figures of "tc -s qdisc": packets, dropped, requeued (reordered) */
static int netem_figures(long *sent, long *dropped, long *reordered)
{
	char text[2048];
	ssize_t n;
	FILE *f;
	char *p;

	if (knd_run("tc -s qdisc show dev tx0 > /tmp/udp_pace.tc"))
		return -1;
	f = fopen("/tmp/udp_pace.tc", "r");
	if (!f)
		return -1;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	unlink("/tmp/udp_pace.tc");
	text[n < 0 ? 0 : n] = '\0';
	p = strstr(text, "Sent ");
	return p && sscanf(p, TC_FIGURES, sent, dropped, reordered) == 3 ?
	       0 : -1;
}

struct seen {
	long got;
	long lost;
	long duplicate;
	long overtakers;
	int64_t delay_min;
};

/* Evaluate the stamps of @count datagrams of a run */
static void read_stamps(struct __test_metadata *_metadata, int fd, long count,
			struct seen *seen)
{
	long *order = calloc(4 * count, sizeof(*order)), lowest, n = 0;
	unsigned char *times = calloc(count, 1);
	struct knetdemo_udp_stamp stamp;
	int64_t at, delay;
	uint32_t run = udp_number("run");
	int len;

	memset(seen, 0, sizeof(*seen));
	seen->delay_min = INT64_MAX;
	while (n < 4 * count) {
		at = receive(fd, buf, sizeof(buf), 1500,
			     &len);
		if (!at)
			break;
		ASSERT_LE((int)sizeof(stamp), len);
		memcpy(&stamp, buf, sizeof(stamp));
		ASSERT_EQ(KNETDEMO_UDP_MAGIC, ntohl(stamp.magic));
		ASSERT_EQ(run, ntohl(stamp.run));
		ASSERT_GT(count, (long)be64toh(stamp.seq));
		delay = at - (int64_t)be64toh(stamp.tx_ns);
		if (delay < seen->delay_min)
			seen->delay_min = delay;
		order[n] = be64toh(stamp.seq);
		if (times[order[n]]++)
			seen->duplicate++;
		n++;
	}
	seen->got = n;
	for (long i = 0; i < count; i++)
		seen->lost += !times[i];
	/* An overtaker arrives before a datagram that was sent earlier */
	lowest = count;
	while (n--) {
		if (order[n] > lowest)
			seen->overtakers++;
		else
			lowest = order[n];
	}
	free(times);
	free(order);
}

static void netem_case(struct __test_metadata *_metadata,
		       int fd, const char *netem,
		       struct seen *seen, long *dropped, long *reordered)
{
	long count = udp_scale(2000, 4), sent, others;
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		 "tc qdisc del dev tx0 root 2> /dev/null; "
		 "tc qdisc add dev tx0 root netem limit 100000 %s", netem);
	ASSERT_EQ(0, knd_run(cmd));
	ASSERT_EQ(0, knd_set("udp_stamp", "1"));
	ASSERT_EQ(0, knd_set("udp_size", "200"));
	ASSERT_EQ(0, knd_set_int("udp_count", count));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(20000));
	EXPECT_EQ(count, udp_number("sent"));
	read_stamps(_metadata, fd, count, seen);
	ASSERT_EQ(0, netem_figures(&sent, dropped, reordered));
	/* IPv6 has a few packets of its own to send */
	others = sent + *dropped - count - seen->duplicate;
	TH_LOG("%s: got %ld, lost %ld (dropped %ld), reordered %ld (%ld)",
	       netem, seen->got, seen->lost, *dropped, seen->overtakers,
	       *reordered);
	TH_LOG("    twice %ld, delay at least %lld us", seen->duplicate,
	       (long long)seen->delay_min / 1000);
	EXPECT_EQ(count, seen->got - seen->duplicate + seen->lost);
	EXPECT_LE(0, others);
	EXPECT_GE(5, others);
	EXPECT_LE(seen->lost, *dropped);
	EXPECT_GE(seen->lost + others, *dropped);
}

TEST_F(pace, stamps_on_a_good_wire)
{
	long dropped, reordered;
	struct seen seen;

	netem_case(_metadata, self->fd, "",
		   &seen, &dropped, &reordered);
	EXPECT_EQ(0, seen.lost + seen.overtakers + seen.duplicate);
	EXPECT_LE(0, seen.delay_min);
}

TEST_F(pace, stamps_show_loss)
{
	long dropped, reordered;
	struct seen seen;

	netem_case(_metadata, self->fd, "loss 10%",
		   &seen, &dropped, &reordered);
	EXPECT_LT(0, seen.lost);
	EXPECT_EQ(0, seen.overtakers + seen.duplicate);
}

TEST_F(pace, stamps_show_reordering_and_delay)
{
	long dropped, reordered;
	struct seen seen;

	netem_case(_metadata, self->fd, "delay 300ms reorder 10%",
		   &seen, &dropped, &reordered);
	EXPECT_LT(0, reordered);
	EXPECT_LE(seen.overtakers, reordered);
	EXPECT_GE(seen.overtakers + 5, reordered);
	EXPECT_EQ(0, dropped + seen.lost + seen.duplicate);

	netem_case(_metadata, self->fd, "delay 50ms",
		   &seen, &dropped, &reordered);
	EXPECT_LE(50000000, seen.delay_min);
	EXPECT_EQ(0, seen.lost + seen.overtakers + seen.duplicate);
}

TEST_F(pace, stamps_show_duplicates)
{
	long dropped, reordered;
	struct seen seen;

	netem_case(_metadata, self->fd, "duplicate 10%",
		   &seen, &dropped, &reordered);
	EXPECT_LT(0, seen.duplicate);
	EXPECT_EQ(0, seen.lost);
}

TEST_HARNESS_MAIN
