// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbench: UDP, the cost of a datagram for each sender
 *
 * The destination is a dummy device, which drops every packet, or a socket on
 * loopback whose buffer is full. The guest's script makes devices and addresses.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kbench.h"

#define PORT		60001
#define VECTOR		64		/* datagrams of one sendmmsg() */
#define MAX_PAYLOAD	65507
#define MAX_SEGMENTS	128
#define HEADERS		(14 + 20 + 8)	/* Ethernet, IPv4, UDP */

/* @kind: the sender, the destination, and the segments of a call */
enum {
	U_SENDTO, U_SEND, U_SENDMMSG, U_GSO, U_OURS, U_OURS_GSO, U_PKTGEN,
	U_PKTGEN_CLONE,
	U_WHO = 0xff,
	U_LO = 0x100,
};
#define U_SEGMENTS(kind)	((kind) >> 16)
#define SEGMENTS(n)		((n) << 16)

static struct sockaddr_in to = { .sin_family = AF_INET };
static char payload[MAX_PAYLOAD + 1];
static const struct kb_case *the_case;
static unsigned int segments;
static int fd;

static unsigned int who(void)
{
	return the_case->kind & U_WHO;
}

static bool on_lo(void)
{
	return the_case->kind & U_LO;
}

static void send_plain(unsigned long n)
{
	while (n--)
		kb_need(sendto(fd, payload, the_case->size, 0,
			       (struct sockaddr *)&to, sizeof(to)) ==
			(ssize_t)the_case->size, "sendto: %s", strerror(errno));
}

static void send_connected(unsigned long n)
{
	while (n--)
		kb_need(send(fd, payload, the_case->size, 0) ==
			(ssize_t)the_case->size, "send: %s", strerror(errno));
}

static void send_vector(unsigned long n)
{
	struct mmsghdr m[VECTOR] = {};
	struct iovec iov = { payload, the_case->size };
	int i, done;

	for (i = 0; i < VECTOR; i++) {
		m[i].msg_hdr.msg_name = &to;
		m[i].msg_hdr.msg_namelen = sizeof(to);
		m[i].msg_hdr.msg_iov = &iov;
		m[i].msg_hdr.msg_iovlen = 1;
	}
	for (; n; n -= done) {
		done = sendmmsg(fd, m, n < VECTOR ? n : VECTOR, 0);
		kb_need(done > 0, "sendmmsg: %s", strerror(errno));
	}
}

static void send_segments(unsigned long n)
{
	size_t len;

	for (; n; n -= segments) {
		len = segments * the_case->size;
		kb_need(send(fd, payload, len, 0) == (ssize_t)len, "send: %s",
			strerror(errno));
	}
}

/* A run of the emitter: its thread sends, this process waits for its end */
static void send_ours(unsigned long n)
{
	kb_set(KNOB("udp_count"), "%lu", n);
	kb_set(KNOB("udp"), "1");
	while (kb_number(KNOB("udp")))
		kb_nap(2);
}

static void pktgen(const char *file, const char *text)
{
	char path[64], line[64];
	int err;

	snprintf(path, sizeof(path), "/proc/net/pktgen/%s", file);
	/* pktgen drops the last character, which should be a newline */
	snprintf(line, sizeof(line), "%s\n", text);
	err = kb_write(path, line);
	kb_need(!err, "'%s' to %s: %s", text, path, strerror(err));
}

static void send_pktgen(unsigned long n)
{
	char text[64];

	snprintf(text, sizeof(text), "count %lu", n);
	pktgen("dummy0", text);
	pktgen("pgctrl", "start");
}

static void setup_pktgen(void)
{
	bool clone = who() == U_PKTGEN_CLONE;
	char text[64];

	pktgen("kpktgend_0", "rem_device_all");
	pktgen("kpktgend_0", "add_device dummy0");
	pktgen("dummy0", "delay 0");
	pktgen("dummy0", clone ? "clone_skb 1000" : "clone_skb 0");
	pktgen("dummy0", clone ? "burst 32" : "burst 1");
	pktgen("dummy0", "dst 10.7.0.2");
	pktgen("dummy0", "dst_mac 02:00:00:00:00:02");
	/* The size of pktgen includes all headers */
	snprintf(text, sizeof(text), "pkt_size %zu", the_case->size + HEADERS);
	pktgen("dummy0", text);
}

static void setup_ours(void)
{
	kb_set(KNOB("udp"), "0");
	kb_set(KNOB("udp_daddr"), "%s", on_lo() ? "127.0.0.1" : "10.7.0.2");
	kb_set(KNOB("udp_dport"), "%d", PORT);
	kb_set(KNOB("udp_size"), "%zu", the_case->size);
	kb_set(KNOB("udp_interval_us"), "0");
	kb_set(KNOB("udp_gso"), "%u", segments);
}

static void setup_socket(void)
{
	int size = the_case->size;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	kb_need(fd >= 0, "socket: %s", strerror(errno));
	if (who() == U_SEND || who() == U_GSO)
		kb_need(!connect(fd, (struct sockaddr *)&to, sizeof(to)),
			"connect: %s", strerror(errno));
	if (who() == U_GSO)
		kb_need(!setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)),
			"UDP_SEGMENT: %s", strerror(errno));
}

/* A counter of UDP in /proc/net/snmp */
static unsigned long long snmp_udp(int column)
{
	char text[8192], *at;
	unsigned long long value = 0;

	kb_read("/proc/net/snmp", text, sizeof(text));
	at = strstr(text, "\nUdp: ");
	at = at ? strstr(at + 1, "\nUdp: ") : NULL;
	kb_need(at, "no Udp in snmp");
	for (at += 6; column >= 0; column--)
		value = strtoull(at, &at, 10);
	return value;
}

#define DUMMY(name)	"/sys/class/net/dummy0/statistics/" name

struct counts {
	unsigned long long packets, bytes, out, lost;
};

static struct counts counts(void)
{
	return (struct counts) {
		.packets = kb_number(DUMMY("tx_packets")),
		.bytes = kb_number(DUMMY("tx_bytes")),
		.out = snmp_udp(3),
		.lost = snmp_udp(4),
	};
}

/*
 * Exactly @n datagrams of this size were sent. A device that takes large packets
 * counts one for each call, so compare the bytes.
 */
static void prove_counts(struct counts a, struct counts b, unsigned long n)
{
	unsigned long long bytes = b.bytes - a.bytes;
	unsigned long long want = n * the_case->size;
	unsigned long long packets = b.packets - a.packets;
	unsigned long calls = n;

	if (on_lo()) {
		/* The counter has one for each call */
		if (who() == U_GSO || who() == U_OURS_GSO)
			calls /= segments;
		kb_need(b.out - a.out == calls, "%llu of %lu sent",
			b.out - a.out, calls);
		kb_need(b.lost - a.lost == n, "%llu of %lu found the buffer full",
			b.lost - a.lost, n);
		return;
	}
	kb_need(packets && packets <= n && bytes == want + packets * HEADERS,
		"the device had %llu packets and %llu bytes for %lu datagrams of %zu",
		packets, bytes, n, the_case->size);
	if (segments == 1)
		kb_need(packets == n, "the device had %llu of %lu packets",
			packets, n);
}

/* Compare headers and payload of the first frame of a short run */
static void prove_content(void (*op)(unsigned long n))
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(on_lo() ? "lo" : "dummy0"),
	};
	struct timeval limit = { .tv_sec = 2 };
	static unsigned char frame[70000];
	uint32_t addr;
	ssize_t len;
	int tap;

	/* Packet sockets do not see what pktgen sends by start_xmit */
	if (who() == U_PKTGEN || who() == U_PKTGEN_CLONE)
		return;
	tap = socket(AF_PACKET, SOCK_RAW, 0);
	setsockopt(tap, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	kb_need(!bind(tap, (struct sockaddr *)&ll, sizeof(ll)), "no tap: %s",
		strerror(errno));
	op(segments);
	len = recv(tap, frame, sizeof(frame), 0);
	kb_need(len > HEADERS, "nothing was sent");
	memcpy(&addr, frame + 14 + 16, 4);
	kb_need(frame[12] == 8 && frame[14] == 0x45 && frame[14 + 9] == 17 &&
		addr == to.sin_addr.s_addr &&
		frame[14 + 20 + 2] * 256 + frame[14 + 20 + 3] == PORT &&
		(len - HEADERS) % the_case->size == 0,
		"a wrong frame of %zd bytes", len);
	kb_need(!memcmp(frame + HEADERS, "kernelsocket", 12), "wrong payload");
	close(tap);
	/* The tap is removed after a grace period */
	kb_nap(100);
}

static void full_receiver(void)
{
	int rx, size = 1;

	rx = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(rx, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	kb_need(!bind(rx, (struct sockaddr *)&to, sizeof(to)), "bind: %s",
		strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	for (size = 0; size < 1000; size++)
		sendto(fd, payload, 64, 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static void run_udp(const struct kb_case *c)
{
	static void (*const ops[])(unsigned long n) = {
		[U_SENDTO] = send_plain,
		[U_SEND] = send_connected,
		[U_SENDMMSG] = send_vector,
		[U_GSO] = send_segments,
		[U_OURS] = send_ours,
		[U_OURS_GSO] = send_ours,
		[U_PKTGEN] = send_pktgen,
		[U_PKTGEN_CLONE] = send_pktgen,
	};
	void (*op)(unsigned long n);
	struct counts before, after;
	unsigned long n;

	the_case = c;
	segments = U_SEGMENTS(c->kind) ? U_SEGMENTS(c->kind) : 1;
	op = ops[who()];
	to.sin_port = htons(PORT);
	to.sin_addr.s_addr = inet_addr(on_lo() ? "127.0.0.1" : "10.7.0.2");
	memcpy(payload, "kernelsocket", 12);
	if (on_lo())
		full_receiver();
	switch (who()) {
	case U_PKTGEN:
	case U_PKTGEN_CLONE:
		setup_pktgen();
		break;
	case U_OURS:
	case U_OURS_GSO:
		setup_ours();
		break;
	default:
		setup_socket();
	}
	prove_content(op);
	/* More datagrams if a call has many, so that the start weighs little */
	n = segments > 1 ? 131072 : 8192;
	n -= n % segments;
	op(n);
	before = counts();
	kb_measure(op, n, n);
	after = counts();
	prove_counts(before, after, n * kb_reps);
}

#define DGRAM	"instr/datagram"
/* As many segments as fit into one call */
#define SEG64	SEGMENTS(128)
#define SEG1400	SEGMENTS(46)
#define PLAIN(name, where, size) \
	{ "udp", name, "sendto", DGRAM, run_udp, U_SENDTO | where, size }, \
	{ "udp", name, "connected send", DGRAM, run_udp, U_SEND | where, size }, \
	{ "udp", name, "sendmmsg(64)", DGRAM, run_udp, U_SENDMMSG | where, size }, \
	{ "udp", name, "knetdemo", DGRAM, run_udp, U_OURS | where, size }
#define GSO(name, where, size, n) \
	{ "udp", name, "UDP_SEGMENT", DGRAM, run_udp, U_GSO | where | n, size }, \
	{ "udp", name, "knetdemo GSO", DGRAM, run_udp, U_OURS_GSO | where | n, size }
#define PKTGEN(name, size) \
	{ "udp", name, "pktgen clone 0", DGRAM, run_udp, U_PKTGEN, size }, \
	{ "udp", name, "pktgen clone 1000 burst 32", DGRAM, run_udp, U_PKTGEN_CLONE, size }
#define GROW(n) \
	GSO("segments-" #n, 0, 64, SEGMENTS(n)), \
	GSO("nogso-segments-" #n, 0, 64, SEGMENTS(n))

/* For nogso-* the guest's script switches the offload of the device off */
const struct kb_case kb_udp[] = {
	PLAIN("dummy-64", 0, 64),
	GSO("dummy-64", 0, 64, SEG64),
	PKTGEN("dummy-64", 64),
	PLAIN("dummy-1400", 0, 1400),
	GSO("dummy-1400", 0, 1400, SEG1400),
	PKTGEN("dummy-1400", 1400),
	GSO("nogso-dummy-64", 0, 64, SEG64),
	GSO("nogso-dummy-1400", 0, 1400, SEG1400),
	PLAIN("loopback-64", U_LO, 64),
	GSO("loopback-64", U_LO, 64, SEG64),
	PLAIN("loopback-1400", U_LO, 1400),
	GSO("loopback-1400", U_LO, 1400, SEG1400),
	GROW(1),
	GROW(2),
	GROW(4),
	GROW(8),
	GROW(16),
	GROW(32),
	GROW(64),
	GROW(128),
};

const size_t kb_udp_count = ARRAY_SIZE(kb_udp);
