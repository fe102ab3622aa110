// SPDX-License-Identifier: GPL-2.0-only
/*
 * The UDP emitter of net/knetdemo: what arrives, what a write says, what a run
 * reports, and that it ends. udp_pace.c has rates and what netem does to them.
 */

#define _GNU_SOURCE
#include "../../kselftest_harness.h"
#include "udp_test.h"

#define PORT		60001
#define WAIT_MS		20000
/* A device that holds packets, then releases them; one that drops them */
#define HOLD	"tc qdisc add dev tx0 root netem limit 100000 slot 100s"
#define RELEASE	"tc qdisc change dev tx0 root netem limit 100000 slot 1us"
#define DROP	"tc qdisc add dev tx0 root netem limit 5 delay 3s"
/* IPv6 addresses outlive a device that is down, as those of IPv4 do */
#define KEEP	"echo 1 > /proc/sys/net/ipv6/conf/tx0/keep_addr_on_down"
#define WIDE	"nsenter --net=/proc/%d/fd/%d ip link set rx0 mtu 9000 && ip link set tx0 mtu 9000"

/* Answer every datagram without a socket by an ICMP error */
#define ANSWER_ALL	"sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratemask=0"
/* A filter that sees what is sent to PORT */
#define CHAIN	"nft add table inet t && nft 'add chain inet t o { type filter hook output priority 0; }' && "
#define FLUSH	"nft flush chain inet t o && "
#define RULE	"nft add rule inet t o udp dport 60001 "
#define VRF	"ip link add red type vrf table 77 && ip link set red up && ip link set tx0 master red"
/* A device that takes every packet and frees it at once */
#define HOLE	"ip link add hole type dummy && ip addr add 192.0.2.1/24 dev hole && ip addr add 2001:db8::1/64 dev hole nodad && ip link set hole arp off up"

/* Try to share a port with the emitter; returns whether that was refused */
static bool port_is_exclusive(int family, int port)
{
	struct sockaddr_in6 sin6 = { .sin6_port = htons(port) };
	int fd, err, on = 1;

	sin6.sin6_family = family;
	fd = socket(family, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	err = bind(fd, (void *)&sin6, sizeof(sin6)) ? errno : 0;
	close(fd);
	return err == EADDRINUSE;
}

FIXTURE(udp) {
	struct udp_wire wire;
	char buf[65536];
};

FIXTURE_VARIANT(udp) {
	const char *loopback;
	const char *near;
	const char *far;
	const char *nowhere;
	const char *group;
	int family;
};

FIXTURE_VARIANT_ADD(udp, ipv4) {
	.loopback = "127.0.0.1",
	.near = "10.9.0.1",
	.far = "10.9.0.2",
	.nowhere = "192.0.2.1",
	.group = "239.9.9.9",
	.family = AF_INET,
};

FIXTURE_VARIANT_ADD(udp, ipv6) {
	.loopback = "::1",
	.near = "fd09::1",
	.far = "fd09::2",
	.nowhere = "2001:db8::1",
	.group = "ff02::999%tx0",
	.family = AF_INET6,
};

FIXTURE_SETUP(udp)
{
	ASSERT_EQ(0, udp_wire_open(&self->wire));
	ASSERT_EQ(0, knd_set("udp_daddr", variant->far));
	ASSERT_EQ(0, knd_set("udp_linger_ms", "0"));
}

FIXTURE_TEARDOWN(udp)
{
	EXPECT_EQ(0, knd_set("udp", "0"));
	udp_wire_close(&self->wire);
}

/* The message of the lab, with all defaults */
TEST_F(udp, message_on_loopback)
{
	int fd;

	fd = udp_socket(variant->loopback, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_daddr", variant->loopback));
	ASSERT_EQ(0, knd_set("udp_linger_ms", "200"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	EXPECT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));
	EXPECT_EQ(0, memcmp("kernelsocket\n", self->buf, 13));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(0, udp_drain(fd));

	EXPECT_STREQ("finished", udp_text("state"));
	EXPECT_EQ(1, udp_number("run"));
	EXPECT_EQ(1, udp_number("sent"));
	EXPECT_EQ(13, udp_number("bytes"));
	EXPECT_EQ(0, udp_number("errors"));
	EXPECT_EQ(1, knd_stat("udp_runs"));
	EXPECT_EQ(1, knd_stat("udp_sent"));
	EXPECT_EQ(13, knd_stat("udp_bytes"));

	/* A second run */
	ASSERT_EQ(0, knd_set("udp_message", "second"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	EXPECT_EQ(7, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));
	EXPECT_EQ(0, memcmp("second\n", self->buf, 7));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(2, udp_number("run"));
	close(fd);
}

TEST_F(udp, nothing_runs_until_it_is_switched_on)
{
	EXPECT_EQ(0, udp_emitters());
	EXPECT_STREQ("never", udp_text("state"));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	EXPECT_EQ(1, udp_emitters());
	EXPECT_STREQ("running", udp_text("state"));
	ASSERT_EQ(0, knd_set("udp", "0"));
	EXPECT_EQ(0, udp_emitters());
	EXPECT_STREQ("stopped", udp_text("state"));
}

TEST_F(udp, sizes)
{
	static const int sizes[] = {
		1, 5, 12, 13, 14, 64, 1023, 1024, 1472, 4095, 4096, 4097,
		20000, 65506, 65507
	};
	char *want = calloc(1, 65507);
	int fd;

	memcpy(want, "kernelsocket\n", 13);
	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_count", "3"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, knd_set_int("udp_size", sizes[i]));
		ASSERT_EQ(0, knd_set("udp", "1"));
		for (int n = 0; n < 3; n++) {
			memset(self->buf, 0xff, sizeof(self->buf));
			ASSERT_EQ(sizes[i], udp_recv(fd, self->buf,
						     sizeof(self->buf),
						     WAIT_MS));
			EXPECT_EQ(0, memcmp(want, self->buf, sizes[i]))
				TH_LOG("size %d", sizes[i]);
		}
		ASSERT_EQ(0, udp_wait_over(WAIT_MS));
		EXPECT_EQ(0, udp_drain(fd));
		EXPECT_EQ(3 * sizes[i], udp_number("bytes"));
	}
	free(want);
	close(fd);
}

/* Number, sizes and content of datagrams sent as segments */
static void gso_case(struct __test_metadata *_metadata, struct udp_wire *wire,
		     const char *far, int size, int gso, int count, int used,
		     bool gro)
{
	char *buf = malloc(65536), *want = calloc(1, size + 13);
	int fd, on = 1, got = 0;

	memcpy(want, "kernelsocket\n", size < 13 ? size : 13);
	fd = udp_socket_far(wire, far, PORT);
	ASSERT_LE(0, fd);
	if (gro)
		ASSERT_EQ(0, setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)));
	ASSERT_EQ(0, knd_set_int("udp_size", size));
	ASSERT_EQ(0, knd_set_int("udp_gso", gso));
	ASSERT_EQ(0, knd_set_int("udp_count", count));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));

	while (got < count) {
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = { .iov_base = buf, .iov_len = 65536 };
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		struct cmsghdr *cmsg;
		int n, segment;

		ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS))
			TH_LOG("size %d gso %d: %d of %d", size, gso, got,
			       count);
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
		ASSERT_LT(0, n);
		segment = n;
		cmsg = CMSG_FIRSTHDR(&msg);
		if (cmsg && cmsg->cmsg_level == SOL_UDP &&
		    cmsg->cmsg_type == UDP_GRO)
			memcpy(&segment, CMSG_DATA(cmsg), sizeof(segment));
		EXPECT_EQ(size, segment);
		EXPECT_EQ(0, n % size);
		for (int at = 0; at < n; at += size, got++)
			ASSERT_EQ(0, memcmp(buf + at, want, size))
				TH_LOG("size %d gso %d: datagram %d", size,
				       gso, got);
	}
	EXPECT_EQ(count, got);
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(0, udp_drain(fd));
	EXPECT_EQ(count, udp_number("sent"));
	EXPECT_EQ((long long)count * size, udp_number("bytes"));
	EXPECT_EQ(0, udp_number("errors"));
	EXPECT_EQ(used, udp_number("gso_used"))
		TH_LOG("size %d gso %d", size, gso);
	close(fd);
	free(want);
	free(buf);
}

static const struct {
	int size;
	int gso;
	int count;
	int used;
} gso_cases[] = {
	{ 500, 1, 5, 1 },
	{ 500, 2, 5, 2 },
	{ 1, 128, 300, 128 },
	{ 500, 127, 127, 127 },
	{ 500, 128, 128, 128 },
	{ 511, 128, 257, 128 },		/* 65408 bytes in a call */
	{ 512, 128, 257, 127 },		/* 65536 are too many */
	{ 1400, 46, 100, 46 },
	{ 1400, 128, 100, 46 },
	{ 1452, 45, 91, 45 },		/* the MTU with IPv6 */
	{ 65507, 128, 2, 1 },
};

TEST_F(udp, gso)
{
	for (size_t i = 0; i < ARRAY_SIZE(gso_cases); i++)
		gso_case(_metadata, &self->wire, variant->far,
			 gso_cases[i].size, gso_cases[i].gso,
			 gso_cases[i].count, gso_cases[i].used, false);
	EXPECT_EQ(0, knd_stat("udp_gso_refused"));
}

TEST_F(udp, gso_to_a_receiver_with_gro)
{
	for (size_t i = 0; i < ARRAY_SIZE(gso_cases); i++)
		gso_case(_metadata, &self->wire, variant->far,
			 gso_cases[i].size, gso_cases[i].gso,
			 gso_cases[i].count, gso_cases[i].used, true);
}

/* The kernel cuts the segments if the device cannot */
TEST_F(udp, gso_in_software)
{
	ASSERT_EQ(0, knd_run("ip link set tx0 gso_max_size 2048"));
	gso_case(_metadata, &self->wire, variant->far, 500, 128, 256, 128,
		 false);
}

TEST_F(udp, segments_larger_than_the_mtu_are_sent_one_by_one)
{
	gso_case(_metadata, &self->wire, variant->far, 2000, 8, 20, 1, false);
	EXPECT_EQ(EMSGSIZE, udp_number("gso_errno"));
	EXPECT_EQ(8, udp_number("gso"));
	EXPECT_EQ(1, knd_stat("udp_gso_refused"));
	EXPECT_EQ(0, udp_number("failed"));

	/* Segments are tried again in the next run */
	ASSERT_EQ(0, knd_run("ip link set tx0 mtu 9000"));
	gso_case(_metadata, &self->wire, variant->far, 2000, 8, 20, 8, false);
	EXPECT_EQ(0, udp_number("gso_errno"));
}

/* ... and once a second during a run */
TEST_F(udp, segments_again_when_the_route_takes_them)
{
	char wide[128];
	int fd;

	snprintf(wide, sizeof(wide), WIDE, getpid(), self->wire.rx);
	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_size", "2000"));
	ASSERT_EQ(0, knd_set("udp_gso", "8"));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "10000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_LE(8, udp_wait_number("sent", 8, WAIT_MS));
	EXPECT_EQ(1, udp_number("gso_used"));
	ASSERT_EQ(0, knd_run(wide));
	EXPECT_EQ(8, udp_wait_number("gso_used", 8, WAIT_MS));
	EXPECT_EQ(0, udp_number("failed"));
	close(fd);
}

TEST_F(udp, stamps)
{
	static const struct { int size, gso; } cases[] = {
		{ 0, 1 }, { 24, 1 }, { 64, 1 }, { 1400, 1 }, { 1400, 20 },
		{ 25, 128 },
	};
	int64_t after, last, tx;
	struct knetdemo_udp_stamp stamp;
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_stamp", "1"));
	ASSERT_EQ(0, knd_set("udp_count", "100"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int size = cases[i].size ?: 24 + 13;

		ASSERT_EQ(0, knd_set_int("udp_size", cases[i].size));
		ASSERT_EQ(0, knd_set_int("udp_gso", cases[i].gso));
		last = udp_now_ns(CLOCK_REALTIME);
		ASSERT_EQ(0, knd_set("udp", "1"));
		ASSERT_EQ(0, udp_wait_over(WAIT_MS));
		after = udp_now_ns(CLOCK_REALTIME);
		for (int n = 0; n < 100; n++) {
			ASSERT_EQ(size, udp_recv(fd, self->buf,
						 sizeof(self->buf), WAIT_MS));
			memcpy(&stamp, self->buf, sizeof(stamp));
			EXPECT_EQ(KNETDEMO_UDP_MAGIC, ntohl(stamp.magic));
			EXPECT_EQ(i + 1, ntohl(stamp.run));
			EXPECT_EQ(n, be64toh(stamp.seq));
			tx = be64toh(stamp.tx_ns);
			EXPECT_LE(last, tx);
			EXPECT_LE(tx, after);
			last = tx;
			EXPECT_EQ(0, memcmp(self->buf + 24, "kernelsocket\n",
					    size - 24 < 13 ? size - 24 : 13));
		}
		EXPECT_EQ(0, udp_drain(fd));
	}
	close(fd);
}

TEST_F(udp, source_address_and_port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char addr[64];
	int fd, mine;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_run("ip addr add 10.9.0.77/24 dev tx0"));
	ASSERT_EQ(0, knd_run("ip addr add fd09::77/64 dev tx0 nodad"));
	ASSERT_EQ(0, knd_set("udp_saddr", variant->family == AF_INET ?
			     "10.9.0.77" : "fd09::77"));
	ASSERT_EQ(0, knd_set("udp_sport", "4242"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	ASSERT_EQ(13, recvfrom(fd, self->buf, sizeof(self->buf), 0,
			       (void *)&ss, &len));
	EXPECT_EQ(htons(4242), ((struct sockaddr_in *)&ss)->sin_port);
	inet_ntop(variant->family, variant->family == AF_INET ?
		  (void *)&((struct sockaddr_in *)&ss)->sin_addr :
		  (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr,
		  addr, sizeof(addr));
	EXPECT_STREQ(knd_get("udp_saddr"), addr);

	/* The port is free again; the write fails while it is in use */
	mine = udp_socket(knd_get("udp_saddr"), 4242);
	ASSERT_LE(0, mine);
	EXPECT_EQ(-EADDRINUSE, knd_set("udp", "1"));
	EXPECT_STREQ("0", knd_get("udp"));
	close(mine);
	close(fd);
}

TEST_F(udp, a_bad_start_is_the_writes_error)
{
	ASSERT_EQ(0, knd_set("udp_daddr", variant->nowhere));
	EXPECT_EQ(-ENETUNREACH, knd_set("udp", "1"));
	EXPECT_STREQ("0", knd_get("udp"));

	ASSERT_EQ(0, knd_set("udp_daddr", variant->far));
	ASSERT_EQ(0, knd_set("udp_saddr", variant->nowhere));
	EXPECT_EQ(-EADDRNOTAVAIL, knd_set("udp", "1"));
	EXPECT_STREQ("0", knd_get("udp"));

	/* The other family */
	ASSERT_EQ(0, knd_set("udp_saddr", variant->family == AF_INET ?
			     "fd09::1" : "10.9.0.1"));
	EXPECT_EQ(-EINVAL, knd_set("udp", "1"));
	ASSERT_EQ(0, knd_set("udp_saddr", "\n"));

	/* No room for the stamp */
	ASSERT_EQ(0, knd_set("udp_stamp", "1"));
	ASSERT_EQ(0, knd_set("udp_size", "23"));
	EXPECT_EQ(-EINVAL, knd_set("udp", "1"));
	EXPECT_STREQ("0", knd_get("udp"));
	EXPECT_STREQ("never", udp_text("state"));
	EXPECT_EQ(0, knd_stat("udp_runs"));
	EXPECT_EQ(0, udp_emitters());
}

TEST_F(udp, settings_change_in_a_run)
{
	int a, b;

	a = udp_socket_far(&self->wire, variant->far, PORT);
	b = udp_socket_far(&self->wire, variant->far, PORT + 1);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp_sport", "4242"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(13, udp_recv(a, self->buf, sizeof(self->buf), WAIT_MS));

	/* The destination; the new socket takes over the source port */
	ASSERT_EQ(0, knd_set_int("udp_dport", PORT + 1));
	udp_drain(a);
	ASSERT_EQ(13, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));
	ASSERT_EQ(13, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));
	EXPECT_EQ(0, udp_drain(a));
	/* The two sockets shared the port only while both were open */
	EXPECT_TRUE(port_is_exclusive(variant->family, 4242));

	/* The payload: after the write nothing old is sent */
	ASSERT_EQ(0, knd_set("udp_message", "changed"));
	udp_drain(b);
	ASSERT_EQ(8, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));
	EXPECT_EQ(0, memcmp("changed\n", self->buf, 8));
	ASSERT_EQ(0, knd_set("udp_size", "100"));
	udp_drain(b);
	ASSERT_EQ(100, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));
	ASSERT_EQ(0, knd_set("udp_stamp", "1"));
	udp_drain(b);
	ASSERT_EQ(100, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));
	EXPECT_EQ(0, memcmp("kndu", self->buf, 4));

	/* The source port, by a new socket */
	ASSERT_EQ(0, knd_set("udp_sport", "4343"));
	EXPECT_EQ(4343, udp_port("source"));

	/* With and without segments on the same socket */
	ASSERT_EQ(0, knd_set("udp_gso", "4"));
	udp_drain(b);
	ASSERT_EQ(100, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));
	ASSERT_EQ(0, knd_set("udp_gso", "1"));
	ASSERT_EQ(0, knd_set("udp_size", "1000"));
	udp_drain(b);
	ASSERT_EQ(1000, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));
	ASSERT_EQ(0, knd_set("udp_size", "100"));

	/* A value that cannot be used is refused; the run continues */
	EXPECT_EQ(-ENETUNREACH, knd_set("udp_daddr", variant->nowhere));
	EXPECT_STREQ(variant->far, knd_get("udp_daddr"));
	EXPECT_EQ(-EINVAL, knd_set("udp_size", "20"));
	EXPECT_STREQ("100", knd_get("udp_size"));
	EXPECT_EQ(-EADDRNOTAVAIL, knd_set("udp_saddr", variant->nowhere));
	EXPECT_STREQ("", knd_get("udp_saddr"));
	udp_drain(b);
	ASSERT_EQ(100, udp_recv(b, self->buf, sizeof(self->buf), WAIT_MS));

	/* A thread that sleeps for half an hour wakes up for a new interval */
	ASSERT_EQ(0, knd_set("udp_interval_us", "2000000000"));
	udp_drain(b);
	EXPECT_EQ(-ETIMEDOUT, udp_recv(b, self->buf, sizeof(self->buf), 50));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(100, udp_recv(b, self->buf, sizeof(self->buf), 2000));

	/* A count that was already reached ends the run */
	EXPECT_EQ(1, udp_number("run"));
	EXPECT_STREQ("running", udp_text("state"));
	ASSERT_EQ(0, knd_set("udp_count", "2"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_STREQ("finished", udp_text("state"));
	close(a);
	close(b);
}

TEST_F(udp, multicast)
{
	struct ipv6_mreq mreq6 = {};
	struct ip_mreqn mreq = {};
	int fd;

	ASSERT_EQ(0, setns(self->wire.rx, CLONE_NEWNET));
	fd = udp_socket(variant->family == AF_INET ? "0.0.0.0" : "::", PORT);
	ASSERT_LE(0, fd);
	if (variant->family == AF_INET) {
		mreq.imr_ifindex = if_nametoindex("rx0");
		inet_pton(AF_INET, "239.9.9.9", &mreq.imr_multiaddr);
		ASSERT_EQ(0, setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &mreq,
					sizeof(mreq)));
	} else {
		mreq6.ipv6mr_interface = if_nametoindex("rx0");
		inet_pton(AF_INET6, "ff02::999", &mreq6.ipv6mr_multiaddr);
		ASSERT_EQ(0, setsockopt(fd, SOL_IPV6, IPV6_ADD_MEMBERSHIP,
					&mreq6, sizeof(mreq6)));
	}
	ASSERT_EQ(0, setns(self->wire.tx, CLONE_NEWNET));

	/* The source address selects the device */
	ASSERT_EQ(0, knd_set("udp_daddr", variant->group));
	if (variant->family == AF_INET)
		ASSERT_EQ(0, knd_set("udp_saddr", variant->near));
	ASSERT_EQ(0, knd_set("udp_count", "3"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf),
				       WAIT_MS));
	EXPECT_EQ(0, udp_drain(fd));

	/* A router would forward it with this TTL */
	ASSERT_EQ(0, knd_run(variant->family == AF_INET ?
			     CHAIN RULE "ip ttl != 9 drop" :
			     CHAIN RULE "ip6 hoplimit != 9 drop"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(3, udp_number("failed"));
	ASSERT_EQ(0, knd_set("udp_ttl", "9"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(3, udp_number("sent"));
	close(fd);
}

TEST_F(udp, broadcast)
{
	int fd;

	if (variant->family == AF_INET6)
		return;		/* IPv6 has no broadcast */
	fd = udp_socket_far(&self->wire, "0.0.0.0", PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_daddr", "10.9.0.255"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));
	close(fd);
}

TEST_F(udp, nobody_at_the_port)
{
	ASSERT_EQ(0, knd_set("udp_daddr", variant->loopback));
	ASSERT_EQ(0, knd_set("udp_count", "10"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	/* Each was sent, and each was answered by an ICMP error */
	EXPECT_EQ(10, udp_number("sent"));
	EXPECT_EQ(0, udp_number("failed"));
	EXPECT_EQ(10, udp_number("errors"));
	EXPECT_EQ(10, udp_number("err_refused"));
	EXPECT_EQ(10, knd_stat("udp_err_refused"));
	EXPECT_EQ(10, knd_stat("udp_errors"));
}

/*
 * The same without a pause: each datagram is sent, although ICMP errors about
 * earlier ones arrive in the meantime, and each ICMP error is counted.
 */
TEST_F(udp, nobody_at_the_port_unpaced)
{
	static const int gso[] = { 1, 16 };
	long count = udp_scale(5000, 5), reports, all = 0;

	/* The other host answers every datagram as well */
	ASSERT_EQ(0, setns(self->wire.rx, CLONE_NEWNET));
	ASSERT_EQ(0, knd_run(ANSWER_ALL));
	ASSERT_EQ(0, setns(self->wire.tx, CLONE_NEWNET));

	ASSERT_EQ(0, knd_set_int("udp_count", count));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp_linger_ms", "60000"));
	for (size_t i = 0; i < 2 * ARRAY_SIZE(gso); i++) {
		ASSERT_EQ(0, knd_set("udp_daddr", i < ARRAY_SIZE(gso) ?
				     variant->loopback : variant->far));
		ASSERT_EQ(0, knd_set_int("udp_gso", gso[i % ARRAY_SIZE(gso)]));
		ASSERT_EQ(0, knd_set("udp", "1"));
		ASSERT_EQ(0, udp_wait_over(60000));
		/* Segments that nobody has cut cause one ICMP error */
		reports = (count + gso[i % ARRAY_SIZE(gso)] - 1) /
			  gso[i % ARRAY_SIZE(gso)];
		EXPECT_EQ(reports, udp_wait_number("err_refused", reports,
						   WAIT_MS));
		EXPECT_EQ(count, udp_number("sent"));
		EXPECT_EQ(0, udp_number("failed"));
		EXPECT_EQ(reports, udp_number("errors"));
		all += reports;
	}
	EXPECT_EQ(4 * count, knd_stat("udp_sent"));
	EXPECT_EQ(all, knd_stat("udp_err_refused"));
	EXPECT_EQ(all, knd_stat("udp_errors"));
	EXPECT_EQ(0, knd_stat("udp_failed"));
	EXPECT_EQ(0, knd_stat("udp_gso_refused"));
}

/* Data of a peer does not take the room of ICMP errors */
TEST_F(udp, reports_behind_a_peers_data)
{
	struct sockaddr_storage ss = {};
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_count", "100"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp_linger_ms", "60000"));
	ASSERT_EQ(0, setns(self->wire.rx, CLONE_NEWNET));
	ASSERT_EQ(0, knd_run(ANSWER_ALL));
	ASSERT_EQ(0, setns(self->wire.tx, CLONE_NEWNET));
	ASSERT_EQ(0, knd_set("udp", "1"));
	for (int i = 0; i < 100; i++) {
		socklen_t len = sizeof(ss);

		ASSERT_EQ(1, poll(&(struct pollfd) { fd, POLLIN, 0 }, 1,
				  WAIT_MS));
		ASSERT_EQ(13, recvfrom(fd, self->buf, sizeof(self->buf), 0,
				       (void *)&ss, &len));
	}
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(1400, sendto(fd, self->buf, 1400, 0, (void *)&ss,
				       sizeof(struct sockaddr_in6)));
	close(fd);
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(0, udp_number("errors"));

	/* A run that sleeps after one datagram, with a peer that answers */
	ASSERT_EQ(0, knd_set("udp_count", "2"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "100000000"));
	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(1, poll(&(struct pollfd) { fd, POLLIN, 0 }, 1, WAIT_MS));
	recvfrom(fd, self->buf, sizeof(self->buf), 0, (void *)&ss,
		 &(socklen_t) { sizeof(ss) });
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(1400, sendto(fd, self->buf, 1400, 0, (void *)&ss,
				       sizeof(struct sockaddr_in6)));
	close(fd);
	ASSERT_EQ(0, knd_set("udp_interval_us", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(1, udp_wait_number("err_refused", 1, WAIT_MS));
	EXPECT_EQ(2, udp_number("sent"));
}

/* A finished run counts late ICMP errors, and a new run does not wait */
TEST_F(udp, reports_that_come_late)
{
	ASSERT_EQ(0, setns(self->wire.rx, CLONE_NEWNET));
	ASSERT_EQ(0, knd_run("tc qdisc add dev rx0 root netem delay 300ms"));
	ASSERT_EQ(0, setns(self->wire.tx, CLONE_NEWNET));
	ASSERT_EQ(0, knd_set("udp_linger_ms", "60000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_STREQ("finished", udp_text("state"));
	EXPECT_EQ(1, udp_number("waiting"));
	EXPECT_EQ(1, udp_wait_number("err_refused", 1, WAIT_MS));

	/* Other sysctls do not end the wait, the next run does */
	ASSERT_EQ(0, knd_set("udp_size", "20"));
	EXPECT_EQ(1, udp_number("waiting"));
	EXPECT_EQ(1, udp_emitters());
	ASSERT_EQ(0, knd_set("udp_linger_ms", "1"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(2, udp_number("run"));
	ASSERT_EQ(0, udp_wait_reports(WAIT_MS));
	EXPECT_STREQ("finished", udp_text("state"));
	EXPECT_EQ(1, udp_number("sent"));
}

/* The internet checksum of @len bytes */
static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* The MTU of the path is smaller than that of the device; segments still fit */
TEST_F(udp, a_report_of_size_is_no_refusal_of_segments)
{
	uint8_t icmp[8 + 20 + 8] = { 3, 4, 0, 0, 0, 0, 1400 >> 8, 1400 & 255 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	long long sent;
	int fd, raw;

	if (variant->family == AF_INET6)
		return;		/* the code that tells them apart is the same */
	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_size", "500"));
	ASSERT_EQ(0, knd_set("udp_gso", "16"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "10000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_LE(16, udp_wait_number("sent", 16, WAIT_MS));

	ASSERT_EQ(0, setns(self->wire.rx, CLONE_NEWNET));
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	ASSERT_LE(0, raw);
	ASSERT_EQ(0, setns(self->wire.tx, CLONE_NEWNET));
	icmp[8] = 0x45;
	icmp[8 + 8] = 64;
	icmp[8 + 9] = IPPROTO_UDP;
	inet_pton(AF_INET, variant->near, &icmp[8 + 12]);
	inet_pton(AF_INET, variant->far, &icmp[8 + 16]);
	*(uint16_t *)&icmp[28] = htons(udp_port("source"));
	*(uint16_t *)&icmp[30] = htons(PORT);
	*(uint16_t *)&icmp[2] = checksum(icmp, sizeof(icmp));
	inet_pton(AF_INET, variant->near, &to.sin_addr);
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(sizeof(icmp), sendto(raw, icmp, sizeof(icmp), 0,
					       (void *)&to, sizeof(to)));
	EXPECT_EQ(100, udp_wait_number("err_msgsize", 100, WAIT_MS));
	sent = udp_number("sent");
	ASSERT_LE(sent + 48, udp_wait_number("sent", sent + 48, WAIT_MS));
	EXPECT_EQ(16, udp_number("gso_used"));
	EXPECT_EQ(0, udp_number("gso_errno"));
	EXPECT_EQ(0, udp_number("failed"));
	EXPECT_EQ(100, udp_number("errors"));
	EXPECT_EQ(0, knd_stat("udp_gso_refused"));
	close(raw);
	close(fd);
}

/* Routes that refuse all packets are tried again after a pause only */
TEST_F(udp, routes_that_refuse)
{
	static const char * const kinds[] = {
		"prohibit", "unreachable", "blackhole", "throw",
	};
	char cmd[256];
	long long failed, ms;
	int64_t t;
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
		ASSERT_EQ(0, knd_set("udp", "1"));
		snprintf(cmd, sizeof(cmd), "ip route add %s %s/128",
			 kinds[i], variant->far);
		if (variant->family == AF_INET)
			memcpy(strstr(cmd, "/128"), "/32", 4);
		ASSERT_EQ(0, knd_run(cmd));
		ASSERT_LE(1, udp_wait_number("failed", 1, WAIT_MS));
		failed = udp_number("failed");
		t = udp_now_ns(CLOCK_MONOTONIC);
		ASSERT_LE(failed + 5,
			  udp_wait_number("failed", failed + 5, WAIT_MS));
		/* One in 10 ms, however long this test was delayed */
		failed = udp_number("failed") - failed;
		ms = (udp_now_ns(CLOCK_MONOTONIC) - t) / 1000000;
		EXPECT_GE(ms / 10 + 2, failed)
			TH_LOG("%s: %lld in %lld ms", kinds[i], failed, ms);
		if (strcmp(kinds[i], "blackhole"))
			EXPECT_LE(5, udp_number("err_unreach"))
				TH_LOG("%s", kinds[i]);
		memcpy(strstr(cmd, "add"), "del", 3);
		ASSERT_EQ(0, knd_run(cmd));
		failed = udp_number("sent");
		EXPECT_LT(failed, udp_wait_number("sent", failed + 1, WAIT_MS));
		ASSERT_EQ(0, knd_set("udp", "0"));
		udp_drain(fd);
	}
	close(fd);
}

/* The socket is not connected again if the source address is configured */
TEST_F(udp, a_configured_source_keeps_its_port)
{
	long long number;
	char cmd[128];
	int port;

	ASSERT_EQ(0, knd_set("udp_saddr", variant->near));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_LE(1, udp_wait_number("sent", 1, WAIT_MS));
	port = udp_port("source");
	EXPECT_LT(0, port);
	snprintf(cmd, sizeof(cmd), "ip route add unreachable %s",
		 variant->far);
	ASSERT_EQ(0, knd_run(cmd));
	EXPECT_LE(5, udp_wait_number("failed", 5, WAIT_MS));
	snprintf(cmd, sizeof(cmd), "ip route del unreachable %s",
		 variant->far);
	ASSERT_EQ(0, knd_run(cmd));
	number = udp_number("sent");
	EXPECT_LE(number + 5, udp_wait_number("sent", number + 5, WAIT_MS));
	EXPECT_EQ(port, udp_port("source"));
}

/* A datagram that fails has a number, which no other datagram has */
TEST_F(udp, stamps_number_what_failed_as_well)
{
	struct knetdemo_udp_stamp stamp;
	char text[65536];
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_trace("knetdemo_udp_send", true));
	/* Odd numbers are dropped, by the last bit of the number */
	ASSERT_EQ(0, knd_run(CHAIN RULE "@th,191,1 1 drop"));
	ASSERT_EQ(0, knd_set("udp_stamp", "1"));
	ASSERT_EQ(0, knd_set("udp_count", "20"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	ASSERT_EQ(0, knd_trace("knetdemo_udp_send", false));
	ASSERT_LT(0, knd_read(KND_TRACING, "trace", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "seq=18 "));
	EXPECT_NE(NULL, strstr(text, "seq=19 "));
	for (int i = 0; i < 20; i += 2) {
		ASSERT_EQ(37, udp_recv(fd, self->buf, sizeof(self->buf),
				       WAIT_MS));
		memcpy(&stamp, self->buf, sizeof(stamp));
		EXPECT_EQ(i, be64toh(stamp.seq));
	}
	EXPECT_EQ(0, udp_drain(fd));
	EXPECT_EQ(10, udp_number("sent"));
	EXPECT_EQ(10, udp_number("failed"));
	EXPECT_EQ(10, udp_number("err_other"));
	EXPECT_EQ(10 * 37, udp_number("bytes"));
	close(fd);
}

/* TTL, TOS, mark and DF as the receiver and a filter see them */
TEST_F(udp, options_of_the_socket)
{
	bool v4 = variant->family == AF_INET;
	char control[256];
	struct iovec iov = { .iov_base = self->buf, .iov_len = 65536 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd, on = 1, ttl, tos;
	struct cmsghdr *cmsg;
	long long sent;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	if (v4) {
		setsockopt(fd, SOL_IP, IP_RECVTTL, &on, sizeof(on));
		setsockopt(fd, SOL_IP, IP_RECVTOS, &on, sizeof(on));
	} else {
		setsockopt(fd, SOL_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
		setsockopt(fd, SOL_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
	}
	/* Packets without this mark are dropped */
	ASSERT_EQ(0, knd_run(CHAIN RULE "mark != 0xfedcba98 drop"));
	ASSERT_EQ(0, knd_set("udp_ttl", "77"));
	ASSERT_EQ(0, knd_set("udp_tos", "0xb8"));
	ASSERT_EQ(0, knd_set("udp_mark", "0xfedcba98"));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(1, poll(&(struct pollfd) { fd, POLLIN, 0 }, 1,
				  WAIT_MS));
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		ASSERT_EQ(13, recvmsg(fd, &msg, 0));
		ttl = 0;
		tos = 0;
		for (cmsg = CMSG_FIRSTHDR(&msg); cmsg;
		     cmsg = CMSG_NXTHDR(&msg, cmsg)) {
			if (cmsg->cmsg_type == (v4 ? IP_TTL : IPV6_HOPLIMIT))
				memcpy(&ttl, CMSG_DATA(cmsg), sizeof(ttl));
			if (cmsg->cmsg_type == (v4 ? IP_TOS : IPV6_TCLASS))
				memcpy(&tos, CMSG_DATA(cmsg), v4 ? 1 : 4);
		}
		EXPECT_EQ(i ? 5 : 77, ttl);
		EXPECT_EQ(i ? 0x04 : 0xb8, tos);
		/* ... and in a run */
		ASSERT_EQ(0, knd_set("udp_ttl", "5"));
		ASSERT_EQ(0, knd_set("udp_tos", "4"));
		udp_drain(fd);
	}
	ASSERT_EQ(0, knd_set("udp_mark", "1"));
	sent = udp_number("sent");
	udp_wait_number("failed", 5, WAIT_MS);
	EXPECT_EQ(sent, udp_number("sent"));
	ASSERT_EQ(0, knd_set("udp_mark", "0xfedcba98"));

	/* A datagram that IP fragments, or must not fragment */
	ASSERT_EQ(0, knd_set("udp_size", "3000"));
	udp_drain(fd);
	ASSERT_EQ(3000, udp_recv(fd, self->buf, 65536, WAIT_MS));
	ASSERT_EQ(0, knd_set("udp_df", "1"));
	sent = udp_number("sent");
	EXPECT_LE(5, udp_wait_number("err_msgsize", 5, WAIT_MS));
	EXPECT_EQ(sent, udp_number("sent"));
	ASSERT_EQ(0, knd_set("udp_df", "2"));
	udp_drain(fd);
	ASSERT_EQ(3000, udp_recv(fd, self->buf, 65536, WAIT_MS));
	ASSERT_EQ(0, knd_set("udp", "0"));

	/* A failed datagram counts once, although it is also in the queue */
	ASSERT_EQ(0, knd_set("udp_df", "1"));
	ASSERT_EQ(0, knd_set("udp_count", "10"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(10, udp_number("failed"));
	EXPECT_EQ(10, udp_number("errors"));
	EXPECT_EQ(10, udp_number("err_msgsize"));
	if (v4) {
		/* The DF bit itself, at a small size as well */
		ASSERT_EQ(0, knd_run(FLUSH RULE "@nh,49,1 0 drop"));
		ASSERT_EQ(0, knd_set("udp_size", "20"));
		ASSERT_EQ(0, knd_set("udp", "1"));
		ASSERT_EQ(0, udp_wait_over(WAIT_MS));
		EXPECT_EQ(10, udp_number("sent"));
		ASSERT_EQ(0, knd_set("udp_df", "2"));
		ASSERT_EQ(0, knd_set("udp", "1"));
		ASSERT_EQ(0, udp_wait_over(WAIT_MS));
		EXPECT_EQ(10, udp_number("failed"));
	}
	close(fd);
}

/* A route that only the table of a VRF has */
TEST_F(udp, a_device_and_a_vrf)
{
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_dev", "none"));
	EXPECT_EQ(-ENODEV, knd_set("udp", "1"));
	ASSERT_EQ(0, knd_set("udp_dev", "tx0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(13, udp_recv(fd, self->buf, 65536, WAIT_MS));

	ASSERT_EQ(0, knd_run(KEEP " && " VRF));
	ASSERT_EQ(0, knd_set("udp_dev", "\n"));
	EXPECT_EQ(-ENETUNREACH, knd_set("udp", "1"));
	ASSERT_EQ(0, knd_set("udp_dev", "red"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	EXPECT_EQ(13, udp_recv(fd, self->buf, 65536, WAIT_MS));
	EXPECT_EQ(0, udp_number("errors"));

	/* ICMP errors find the socket that is bound to the VRF */
	close(fd);
	ASSERT_EQ(0, knd_set("udp_linger_ms", "60000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	EXPECT_EQ(1, udp_wait_number("err_refused", 1, WAIT_MS));
}

/* The address and port that are shown are those that the peer sees */
TEST_F(udp, the_source_is_shown)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char addr[64], want[80];
	int fd, port;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	ASSERT_EQ(13, recvfrom(fd, self->buf, sizeof(self->buf), 0,
			       (void *)&ss, &len));
	port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	inet_ntop(variant->family, variant->family == AF_INET ?
		  (void *)&((struct sockaddr_in *)&ss)->sin_addr :
		  (void *)&((struct sockaddr_in6 *)&ss)->sin6_addr,
		  addr, sizeof(addr));
	snprintf(want, sizeof(want), variant->family == AF_INET ? "%s:%d" :
		 "[%s]:%d", addr, port);
	EXPECT_STREQ(want, udp_text("source"));
	EXPECT_EQ(port, udp_port("source"));
	close(fd);
}

/* ss -K disconnects the socket; the run goes on, and packets arrive */
static void kill_and_go_on(struct __test_metadata *_metadata,
			   int fd, char *buf, size_t size)
{
	long long sent;
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "ss -Kun dport = %d | grep -q %d", PORT,
		 PORT);
	ASSERT_EQ(0, knd_run(cmd));
	EXPECT_LE(1, udp_wait_number("failed", 1, WAIT_MS));
	sent = udp_number("sent");
	EXPECT_LE(sent + 10, udp_wait_number("sent", sent + 10, WAIT_MS));
	udp_drain(fd);
	EXPECT_EQ(13, udp_recv(fd, buf, size, WAIT_MS));
}

/* Datagrams fail, and none is sent meanwhile */
static void fail_only(struct __test_metadata *_metadata)
{
	long long sent, failed;

	failed = udp_number("failed");
	EXPECT_LE(failed + 5, udp_wait_number("failed", failed + 5, WAIT_MS));
	sent = udp_number("sent");
	failed = udp_number("failed");
	EXPECT_LE(failed + 20, udp_wait_number("failed", failed + 20, WAIT_MS));
	EXPECT_EQ(sent, udp_number("sent"));
}

TEST_F(udp, a_socket_that_is_killed)
{
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));
	kill_and_go_on(_metadata, fd, self->buf, sizeof(self->buf));
	close(fd);
}

/*
 * UDP forgets the device of a socket that is disconnected. There is a better
 * route by another device, which nothing may take.
 */
TEST_F(udp, the_device_stays)
{
	long long sent;
	char cmd[128];
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_run(KEEP " && " HOLE));
	snprintf(cmd, sizeof(cmd), "ip route add %s dev hole", variant->far);
	ASSERT_EQ(0, knd_run(cmd));
	ASSERT_EQ(0, knd_set("udp_dev", "tx0"));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));

	kill_and_go_on(_metadata, fd, self->buf, sizeof(self->buf));

	ASSERT_EQ(0, knd_run("ip link set tx0 down"));
	fail_only(_metadata);
	sent = udp_number("sent");
	ASSERT_EQ(0, knd_run("ip link set tx0 up"));
	EXPECT_LE(sent + 10, udp_wait_number("sent", sent + 10, WAIT_MS));
	udp_drain(fd);
	EXPECT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));

	ASSERT_EQ(0, knd_run("ip link del tx0"));
	fail_only(_metadata);
	EXPECT_STREQ("running", udp_text("state"));
	close(fd);
}

TEST_F(udp, a_queue_that_drops)
{
	long sent;
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_run(DROP));
	ASSERT_EQ(0, knd_set("udp_count", "100"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	/* The queue has room for 5; IPv6 may send some packets of its own */
	sent = udp_number("sent");
	EXPECT_LE(1, sent);
	EXPECT_GE(5, sent);
	EXPECT_EQ(100 - sent, udp_number("failed"));
	EXPECT_EQ(100 - sent, udp_number("err_nobufs"));
	EXPECT_EQ(100 - sent, udp_number("errors"));
	EXPECT_EQ(100 - sent, knd_stat("udp_failed"));
	for (int i = 0; i < sent; i++)
		EXPECT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf),
				       WAIT_MS));
	EXPECT_EQ(0, udp_drain(fd));
	close(fd);
}

/* A device that does not send: wait for room, count that, lose nothing */
TEST_F(udp, a_full_socket_buffer)
{
	int fd, mine;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_run(HOLD));
	ASSERT_EQ(0, knd_set("udp_size", "1400"));
	ASSERT_EQ(0, knd_set("udp_count", "1000"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	EXPECT_LE(1, udp_wait_number("err_again", 1, WAIT_MS));
	EXPECT_EQ(0, udp_number("failed"));
	EXPECT_STREQ("running", udp_text("state"));

	/* Stopping does not wait for room: the call that waits is the last */
	ASSERT_EQ(0, udp_stop_trace_on());
	ASSERT_EQ(0, knd_set("udp", "0"));
	EXPECT_LE(0, udp_calls_after_stop());
	EXPECT_GE(2, udp_calls_after_stop());
	udp_stop_trace_off();
	/* ... and its end is no error */
	EXPECT_EQ(0, udp_number("err_other"));
	EXPECT_EQ(0, udp_number("failed"));

	/* A run that gets room again is complete in the end */
	ASSERT_EQ(0, knd_run("tc qdisc del dev tx0 root"));
	udp_drain(fd);
	ASSERT_EQ(0, knd_run(HOLD));
	ASSERT_EQ(0, knd_set("udp", "1"));
	EXPECT_LE(1, udp_wait_number("err_again", 1, WAIT_MS));
	ASSERT_EQ(0, knd_run(RELEASE));
	/* netem applies its new times when it gets a packet */
	mine = udp_socket_near_to(variant->near, fd);
	ASSERT_LE(0, mine);
	for (int i = 0; i < WAIT_MS && udp_wait_over(1); i++)
		send(mine, "go", 2, MSG_DONTWAIT);
	close(mine);
	EXPECT_STREQ("0", knd_get("udp"));
	EXPECT_EQ(1000, udp_number("sent"));
	EXPECT_EQ(0, udp_number("failed"));
	close(fd);
}

/* A paced run without room: what it skips and what is late are counted */
TEST_F(udp, a_run_that_falls_behind)
{
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_run(HOLD));
	ASSERT_EQ(0, knd_set("udp_size", "1400"));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "100"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	/* The second and more that is behind is skipped */
	EXPECT_LE(1, udp_wait_number("skipped", 1, WAIT_MS));
	ASSERT_EQ(0, knd_run("tc qdisc del dev tx0 root"));
	EXPECT_LE(1000, udp_wait_number("late", 1000, WAIT_MS));
	ASSERT_EQ(0, knd_set("udp", "0"));
	EXPECT_EQ(udp_number("skipped"), knd_stat("udp_skipped"));
	EXPECT_EQ(udp_number("late"), knd_stat("udp_late"));
	EXPECT_LE(1000000, udp_number("late_max_us"));
	EXPECT_EQ(0, udp_number("failed"));
	close(fd);
}

TEST_F(udp, a_device_that_goes_down_and_comes_back)
{
	long long sent;
	int fd, port;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_run(KEEP));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "1000"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));

	ASSERT_EQ(0, knd_run("ip link set tx0 down"));
	EXPECT_LE(5, udp_wait_number("failed", 5, WAIT_MS));
	EXPECT_LE(5, udp_number("err_unreach") + udp_number("err_netdown"));
	EXPECT_STREQ("running", udp_text("state"));

	ASSERT_EQ(0, knd_run("ip link set tx0 up"));
	udp_drain(fd);
	ASSERT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));

	/* The source address is removed and another one added */
	ASSERT_EQ(0, knd_run("ip addr flush dev tx0"));
	ASSERT_EQ(0, knd_run("ip addr add 10.9.0.99/24 dev tx0"));
	ASSERT_EQ(0, knd_run("ip addr add fd09::99/64 dev tx0 nodad"));
	sent = udp_number("sent");
	EXPECT_LE(sent + 10, udp_wait_number("sent", sent + 10, WAIT_MS));
	udp_drain(fd);
	ASSERT_EQ(13, udp_recv(fd, self->buf, sizeof(self->buf), WAIT_MS));
	/* The socket was connected again once, not for each datagram */
	port = udp_port("source");
	sent = udp_number("sent");
	ASSERT_LE(sent + 10, udp_wait_number("sent", sent + 10, WAIT_MS));
	EXPECT_EQ(port, udp_port("source"));

	/* The device is removed: the run counts failures and continues */
	ASSERT_EQ(0, knd_run("ip link del tx0"));
	sent = udp_number("failed");
	EXPECT_LE(sent + 5, udp_wait_number("failed", sent + 5, WAIT_MS));
	EXPECT_STREQ("running", udp_text("state"));
	ASSERT_EQ(0, knd_set("udp", "0"));
	EXPECT_STREQ("stopped", udp_text("state"));
	close(fd);
}

/* A run can be stopped although its address cannot be parsed any more */
TEST_F(udp, stops_when_the_device_of_its_address_is_removed)
{
	/* An address of its own: the automatic one is not ready at once */
	ASSERT_EQ(0, knd_run("ip link add gone type dummy && "
			     "ip link set gone up && "
			     "ip addr add fe80::2/64 dev gone nodad"));
	ASSERT_EQ(0, knd_set("udp_daddr", "fe80::1%gone"));
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, knd_run("ip link del gone"));
	EXPECT_EQ(-EINVAL, knd_set("udp_dport", "60002"));
	EXPECT_STREQ("60001", knd_get("udp_dport"));
	EXPECT_STREQ("running", udp_text("state"));
	EXPECT_EQ(0, knd_set("udp", "0"));
	EXPECT_STREQ("stopped", udp_text("state"));

	/* While it is off the address is text */
	EXPECT_EQ(0, knd_set("udp_dport", "60002"));
	EXPECT_EQ(-EINVAL, knd_set("udp", "1"));
	EXPECT_STREQ("0", knd_get("udp"));
}

/* The next run can start as soon as a run is shown as finished */
TEST_F(udp, one_run_after_the_other)
{
	long i, times = udp_scale(500, 10);

	ASSERT_EQ(0, knd_run(KEEP));
	for (i = 1; i <= times; i++) {
		ASSERT_EQ(0, knd_set("udp", "1"));
		while (strcmp(udp_text("state"), "finished"))
			;
		ASSERT_EQ(i, udp_number("run"));
	}
	EXPECT_EQ(times, knd_stat("udp_sent"));
}

/* Several times: by chance the thread is at the end of a burst */
TEST_F(udp, unpaced_run_stops_at_once)
{
	static const struct { int size, gso; } cases[] = {
		{ 64, 1 }, { 1400, 46 }, { 65507, 1 },
		{ 64, 1 }, { 64, 1 }, { 64, 1 }, { 64, 1 },
	};
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, knd_set_int("udp_size", cases[i].size));
		ASSERT_EQ(0, knd_set_int("udp_gso", cases[i].gso));
		/*
		 * Before the run: an emulator can miss that code is changed
		 * while another processor executes it
		 */
		ASSERT_EQ(0, udp_stop_trace_on());
		ASSERT_EQ(0, knd_set("udp", "1"));
		ASSERT_LE(200, udp_wait_number("sent", 200, WAIT_MS));
		ASSERT_EQ(0, knd_set("udp", "0"));
		EXPECT_LE(0, udp_calls_after_stop());
		EXPECT_GE(2, udp_calls_after_stop())
			TH_LOG("size %d gso %d: %d calls after it was stopped",
			       cases[i].size, cases[i].gso,
			       udp_calls_after_stop());
		udp_stop_trace_off();
		EXPECT_EQ(0, udp_emitters());
		udp_drain(fd);
		udp_sleep_ms(20);
		EXPECT_EQ(0, udp_drain(fd));
		EXPECT_EQ(udp_number("sent") * cases[i].size,
			  udp_number("bytes"));
	}
	EXPECT_EQ(ARRAY_SIZE(cases), knd_stat("udp_runs"));
	close(fd);
}

/*
 * What waits for RCU Tasks: removing a function tracer, or in kernels without
 * one the optimization of a probe. It must be over while the run goes on; the
 * run's length is one of datagrams, so that no clock decides.
 */
#define RCU_TRACER							\
	"cd " KND_TRACING "instances && mkdir knd_rcu && cd knd_rcu && " \
	"echo do_exit > set_ftrace_filter && "				\
	"echo function > current_tracer && "				\
	"echo nop > current_tracer; s=$?; cd ..; rmdir knd_rcu; exit $s"
#define RCU_PROBE							\
	"cd " KND_TRACING " && p=/sys/kernel/debug/kprobes/list && "	\
	"echo 'p:knd_rcu/opt kthread_stop_put' >> kprobe_events && "	\
	"echo 1 > events/knd_rcu/opt/enable && "			\
	"until grep -q 'kthread_stop_put.*OPTIMIZED' $p; do "		\
	"[ $(cat " KND_SYSCTL "udp) != 0 ] || break; sleep 0.1; done; "	\
	"grep -q 'kthread_stop_put.*OPTIMIZED' $p; s=$?; "		\
	"echo 0 > events/knd_rcu/opt/enable; "				\
	"echo -:knd_rcu/opt >> kprobe_events; exit $s"

TEST_F_TIMEOUT(udp, unpaced_run_lets_rcu_tasks_pass, 600)
{
	bool tracer = !knd_run("grep -qw function " KND_TRACING
			       "available_tracers");

	/* A device that takes every packet, so that the thread never sleeps */
	ASSERT_EQ(0, knd_run(HOLE));
	ASSERT_EQ(0, knd_set("udp_daddr", variant->family == AF_INET ?
			     "192.0.2.2" : "2001:db8::2"));
	ASSERT_EQ(0, knd_set_int("udp_count", udp_scale(40000000, 20)));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_LE(1, udp_wait_number("sent", 1, WAIT_MS));
	/* Reading the state makes the thread wait: only at the end */
	EXPECT_EQ(0, knd_run(tracer ? RCU_TRACER : RCU_PROBE));
	EXPECT_STREQ("running", udp_text("state"));
	ASSERT_EQ(0, knd_set("udp", "0"));
	EXPECT_EQ(0, udp_number("errors"));
}

TEST_F(udp, a_namespace_is_dismantled_in_a_run)
{
	static const char * const intervals[] = { "0", "1000", "2000000000" };
	int64_t end;
	int status;
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		pid = fork();
		if (!pid) {
			struct udp_wire wire;

			_exit(udp_wire_open(&wire) ||
			      knd_set("udp_daddr", variant->far) ||
			      knd_set("udp_count", "0") ||
			      knd_set("udp_interval_us", intervals[i]) ||
			      knd_set("udp", "1") ||
			      udp_wait_number("sent", 1, WAIT_MS) < 1);
		}
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
		end = udp_now_ns(CLOCK_MONOTONIC) + 2000000000LL;
		while (udp_emitters() && udp_now_ns(CLOCK_MONOTONIC) < end)
			udp_sleep_ms(5);
		EXPECT_EQ(0, udp_emitters());
	}
}

/* Writes and reads during runs: nothing hangs, no splat */
TEST_F(udp, on_and_off_under_readers)
{
	int loops = udp_scale(400, 8);
	char text[4096];
	pid_t reader;
	int fd;

	fd = udp_socket_far(&self->wire, variant->far, PORT);
	ASSERT_LE(0, fd);
	reader = fork();
	ASSERT_LE(0, reader);
	if (!reader)
		for (;;)
			knd_read(KND_PROC, "udp", text, sizeof(text));

	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	for (int i = 0; i < loops; i++) {
		/* Counted runs finish while they are changed and stopped */
		ASSERT_EQ(0, knd_set_int("udp_count", i % 7));
		ASSERT_EQ(0, knd_set("udp", "1"));
		ASSERT_EQ(0, knd_set_int("udp_size", i % 3000));
		ASSERT_EQ(0, knd_set_int("udp_gso", 1 + i % 3));
		ASSERT_EQ(0, knd_set_int("udp_sport", 5000 + i % 2));
		if (i % 3)
			ASSERT_EQ(0, knd_set("udp", "0"));
		EXPECT_STREQ(i % 3 || i % 7 ? "0" : "2",
			     (i % 3 || !(i % 7) ? 0 : udp_wait_over(WAIT_MS)) ?
			     "stuck" : knd_get("udp"));
		ASSERT_EQ(0, knd_set("udp", "0"));
		udp_drain(fd);
	}
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	EXPECT_EQ(0, udp_emitters());
	close(fd);
}

TEST_F(udp, tracepoint)
{
	char text[65536];
	char want[256];

	ASSERT_EQ(0, knd_trace("knetdemo_udp_send", true));
	ASSERT_EQ(0, knd_set("udp_size", "100"));
	ASSERT_EQ(0, knd_set("udp_gso", "2"));
	ASSERT_EQ(0, knd_set("udp_count", "3"));
	ASSERT_EQ(0, knd_set("udp_interval_us", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	ASSERT_EQ(0, udp_wait_over(WAIT_MS));
	ASSERT_EQ(0, knd_trace("knetdemo_udp_send", false));
	ASSERT_LT(0, knd_read(KND_TRACING, "trace", text, sizeof(text)));
	snprintf(want, sizeof(want),
		 "run=1 seq=2 daddr=%s%s%s:60001 segs=1 size=100 err=0",
		 variant->family == AF_INET ? "" : "[", variant->far,
		 variant->family == AF_INET ? "" : "]");
	EXPECT_NE(NULL, strstr(text, want))
		TH_LOG("no '%s' in:\n%s", want, text);
	EXPECT_NE(NULL, strstr(text, "seq=0 "));
	EXPECT_NE(NULL, strstr(text, "segs=2 "));
}

TEST_F(udp, everybody_reads_nobody_writes_the_run)
{
	char text[4096];

	ASSERT_EQ(0, setresuid(65534, 65534, 0));
	EXPECT_LT(0, knd_read(KND_PROC, "udp", text, sizeof(text)));
	EXPECT_EQ(-EACCES, knd_write(KND_PROC, "udp", "x"));
	EXPECT_EQ(-EACCES, knd_set("udp", "1"));
	ASSERT_EQ(0, setresuid(0, 0, 0));
}

TEST_HARNESS_MAIN
