// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection monitor of net/knetdemo under a flood of crafted packets.
 *
 * They leave a raw socket and go into a tun device, where this program reads
 * them again: each must come out as it went in. Which of them are connection
 * attempts is found out here by other means, and compared.
 */

#define _GNU_SOURCE
#include "../../kselftest_harness.h"
#include "monitor_test.h"

#define PACKET_MAX	256

struct packet {
	size_t len;
	uint8_t byte[PACKET_MAX];
};

/* The records that the monitor should have */
struct expected {
	char src[64];
	char dst[64];
	char flags[10];
	unsigned int data;
};

FIXTURE(raw) {
	struct sockaddr_storage to;
	socklen_t to_len;
	unsigned int seed;
	int tun;
	int fd;
};

FIXTURE_VARIANT(raw) {
	int family;
	const char *to;
	const char *from;
};

FIXTURE_VARIANT_ADD(raw, ipv4) {
	.family = AF_INET,
	.to = "198.51.100.1",
	.from = "198.51.100.2",
};

FIXTURE_VARIANT_ADD(raw, ipv6) {
	.family = AF_INET6,
	.to = "2001:db8:2::1",
	.from = "2001:db8:2::2",
};

FIXTURE_SETUP(raw)
{
	self->seed = 20261121;
	ASSERT_EQ(0, knd_unshare_net());
	self->tun = monitor_tun(O_NONBLOCK);
	ASSERT_LE(0, self->tun);
	ASSERT_EQ(0, knd_run("ip link set tun addrgenmode none up && "
			     "ip addr add 198.51.100.2/24 dev tun && "
			     "ip addr add 2001:db8:2::2/64 dev tun nodad"));
	self->fd = socket(variant->family, SOCK_RAW, IPPROTO_RAW);
	ASSERT_LE(0, self->fd);
	self->to_len = knd_addr(&self->to, variant->to, 0);
	ASSERT_EQ(0, knd_set("monitor_ring", "65536"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
}

FIXTURE_TEARDOWN(raw)
{
	close(self->fd);
	close(self->tun);
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* A valid SYN, with options behind either header */
static void make(struct packet *p, int family, unsigned int *seed)
{
	unsigned int data = rand_r(seed) % 20, opt = rand_r(seed) % 3 * 4;
	uint8_t *b = p->byte, *th;

	memset(b, 1, sizeof(p->byte));
	if (family == AF_INET) {
		memset(b, 0, 20);
		b[0] = 0x40 | (20 + opt) / 4;
		put16(b + 4, 1 + rand_r(seed) % 65535);
		b[8] = 64;
		b[9] = IPPROTO_TCP;
		inet_pton(AF_INET, "198.51.100.2", b + 12);
		inet_pton(AF_INET, "198.51.100.1", b + 16);
		th = b + 20 + opt;
	} else {
		memset(b, 0, 40);
		b[0] = 0x60;
		b[6] = IPPROTO_TCP;
		b[7] = 64;
		inet_pton(AF_INET6, "2001:db8:2::2", b + 8);
		inet_pton(AF_INET6, "2001:db8:2::1", b + 24);
		th = b + 40;
		if (opt) {
			static const uint8_t types[] = { 0, 43, 44, 51, 60 };

			b[6] = types[rand_r(seed) % sizeof(types)];
			memset(th, 0, 16);
			th[0] = IPPROTO_TCP;
			if (b[6] == 51)
				th[1] = 2;
			else if (b[6] != 44)
				th[1] = opt / 8;
			th += b[6] == 44 ? 8 :
			      b[6] == 51 ? 16 : 8 + opt / 8 * 8;
		}
	}
	opt = rand_r(seed) % 6 * 4;
	put16(th, 1024 + rand_r(seed) % 60000);
	put16(th + 2, rand_r(seed) % 65536);
	th[12] = (20 + opt) / 4 << 4;
	th[13] = 0x02;
	p->len = th - b + 20 + opt + data;
	if (family == AF_INET)
		put16(b + 2, p->len);
	else
		put16(b + 4, p->len - 40);
}

/* Damage the packet, in some of the cases */
static void spoil(struct packet *p, unsigned int *seed)
{
	unsigned int n = rand_r(seed) % 4, i;

	switch (rand_r(seed) % 4) {
	case 0:
		break;
	case 1:
		p->len = 1 + rand_r(seed) % p->len;
		break;
	default:
		/* Not behind the headers only */
		for (i = 0; i < n; i++)
			p->byte[rand_r(seed) % 72] ^= 1 << rand_r(seed) % 8;
	}
}

/* Where its TCP header begins, if the monitor is to show the packet; else 0 */
static size_t opens(const struct packet *p, int family, size_t *end)
{
	const uint8_t *b = p->byte;
	int more = 0, headers = 0;
	size_t off;
	uint8_t next;

	*end = p->len;
	if (family == AF_INET) {
		off = (b[0] & 15) * 4;
		next = b[9];
		if (b[0] >> 4 != 4 || get16(b + 6) & 0x1fff)
			return 0;
		more = get16(b + 6) & 0x2000;
	} else {
		if (p->len < 40 || b[0] >> 4 != 6)
			return 0;
		*end = 40 + get16(b + 4);
		if (*end > p->len)
			return 0;
		next = b[6];
		for (off = 40; ; headers++) {
			if (next != 0 && next != 43 && next != 44 &&
			    next != 51 && next != 60)
				break;
			if (headers == 12 || off + 8 > *end)
				return 0;
			if (next == 44) {
				if (get16(b + off + 2) & 0xfff8)
					return 0;
				more |= get16(b + off + 2) & 1;
			}
			switch (next) {
			case 44:
				next = b[off];
				off += 8;
				break;
			case 51:
				next = b[off];
				off += (b[off + 1] + 2) * 4;
				break;
			default:
				next = b[off];
				off += (b[off + 1] + 1) * 8;
			}
		}
	}
	if (next != IPPROTO_TCP || off + 20 > *end)
		return 0;
	if (b[off + 12] >> 4 < 5)
		return 0;
	if (!more && off + (b[off + 12] >> 4) * 4 > *end)
		return 0;
	return (b[off + 13] & 0x12) == 0x02 ? off : 0;
}

static void expect(struct expected *e, const struct packet *p, int family,
		   size_t off, size_t end)
{
	struct sockaddr_storage src = { .ss_family = family }, dst = src;
	size_t doff = (p->byte[off + 12] >> 4) * 4;
	const uint8_t *b = p->byte;
	int i, n = 0;

	if (family == AF_INET) {
		memcpy(&((struct sockaddr_in *)&src)->sin_addr, b + 12, 4);
		memcpy(&((struct sockaddr_in *)&dst)->sin_addr, b + 16, 4);
	} else {
		memcpy(&((struct sockaddr_in6 *)&src)->sin6_addr, b + 8, 16);
		memcpy(&((struct sockaddr_in6 *)&dst)->sin6_addr, b + 24, 16);
	}
	memcpy(&((struct sockaddr_in *)&src)->sin_port, b + off, 2);
	memcpy(&((struct sockaddr_in *)&dst)->sin_port, b + off + 2, 2);
	strcpy(e->src, knd_addr_name(&src));
	strcpy(e->dst, knd_addr_name(&dst));
	for (i = 0; i < 8; i++)
		if (b[off + 13] & 1 << i)
			e->flags[n++] = "FSRPAUEW"[i];
	/* AE, which was NS once, is the last bit of the byte before */
	if (b[off + 12] & 1)
		e->flags[n++] = 'e';
	e->flags[n] = '\0';
	e->data = off + doff < end ? end - off - doff : 0;
}

/*
 * Read from the tun device what was just sent, whatever else comes with it. If
 * another processor is sending at the same time, it sends this packet as well,
 * and that can take a while. The kernel fills in the length and checksum of an
 * IPv4 header.
 */
static int arrived(int tun, const struct packet *p, int family)
{
	struct pollfd in = { .fd = tun, .events = POLLIN };
	uint8_t got[2048], want[PACKET_MAX];
	ssize_t n;

	memcpy(want, p->byte, p->len);
	while (poll(&in, 1, 20000) == 1) {
		n = read(tun, got, sizeof(got));
		if (n != (ssize_t)p->len)
			continue;
		if (family == AF_INET) {
			put16(want + 2, p->len);
			memcpy(want + 10, got + 10, 2);
			/* The kernel fills in an identification that is 0 */
			if (!get16(want + 4))
				memcpy(want + 4, got + 4, 2);
		}
		if (!memcmp(got, want, n))
			return 1;
	}
	return 0;
}

TEST_F(raw, flood)
{
	int times = knd_slow(20000, 2000), sent = 0, refused = 0, n = 0, i;
	struct expected *expected;
	struct listing l;
	struct packet p;
	size_t off, end;

	expected = calloc(times, sizeof(*expected));
	ASSERT_NE(NULL, expected);
	for (i = 0; i < times; i++) {
		make(&p, variant->family, &self->seed);
		spoil(&p, &self->seed);
		if (sendto(self->fd, p.byte, p.len, 0, (void *)&self->to,
			   self->to_len) < 0) {
			/* Shorter than an IP header: the kernel refuses it */
			ASSERT_EQ(EINVAL, errno);
			refused++;
			continue;
		}
		sent++;
		ASSERT_EQ(1, arrived(self->tun, &p, variant->family))
			TH_LOG("packet %d", i);
		off = opens(&p, variant->family, &end);
		if (off)
			expect(&expected[n++], &p, variant->family, off, end);
	}
	TH_LOG("%d sent, %d of them SYNs, %d refused", sent, n, refused);
	EXPECT_LT(times / 8, n);
	EXPECT_LT(n, sent);

	EXPECT_EQ(n, knd_stat("monitor_attempts"));
	EXPECT_EQ(0, knd_stat("monitor_syn_retrans"));
	EXPECT_LT(0, knd_stat("monitor_malformed"));
	ASSERT_EQ(n, monitor_list(&l));
	for (i = 0; i < n; i++) {
		ASSERT_STREQ(expected[i].src, l.rec[i].src);
		ASSERT_STREQ(expected[i].dst, l.rec[i].dst);
		ASSERT_STREQ(expected[i].flags, l.rec[i].flags);
		ASSERT_EQ(expected[i].data, l.rec[i].data);
		ASSERT_STREQ("raw", l.rec[i].from);
		ASSERT_STREQ("tun", l.rec[i].dev);
		ASSERT_EQ(getpid(), atoi(l.rec[i].pid));
	}
	free(l.rec);
	free(expected);
}

/* Packets that arrive, for this host or to be forwarded, are not recorded */
TEST_F(raw, only_what_goes_out)
{
	struct packet p;
	int i;

	ASSERT_EQ(0, monitor_write_path("/proc/sys/net/ipv4/ip_forward", "1"));
	ASSERT_EQ(0, monitor_write_path("/proc/sys/net/ipv6/conf/all/forwarding",
					"1"));
	for (i = 0; i < 100; i++) {
		uint8_t *b = p.byte;

		make(&p, variant->family, &self->seed);
		/*
		 * From the other side, to this host or back to the other side
		 */
		if (variant->family == AF_INET) {
			b[15] = 1;
			b[19] = 2 + i % 2;
		} else {
			b[23] = 1;
			b[39] = 2 + i % 2;
		}
		ASSERT_EQ(p.len, write(self->tun, b, p.len));
	}
	EXPECT_EQ(0, knd_stat("monitor_attempts"));
}

/* A raw socket that leaves the IP header to the kernel */
TEST_F(raw, without_ip_header)
{
	int fd = socket(variant->family, SOCK_RAW, IPPROTO_TCP);
	uint8_t th[20] = { 0x12, 0x34, 0, 80, [12] = 0x50, [13] = 0x02 };
	struct sockaddr_storage to;
	struct record r;
	int i;

	ASSERT_LE(0, fd);
	/* Each of them is an attempt of its own */
	for (i = 0; i < 3; i++)
		ASSERT_EQ(20, sendto(fd, th, 20, 0, (void *)&self->to,
				     self->to_len));
	EXPECT_EQ(3, knd_stat("monitor_attempts"));
	EXPECT_EQ(0, knd_stat("monitor_syn_retrans"));
	r = monitor_last();
	knd_addr(&to, variant->to, 80);
	EXPECT_STREQ(knd_addr_name(&to), r.dst);
	knd_addr(&to, variant->from, 0x1234);
	EXPECT_STREQ(knd_addr_name(&to), r.src);
	EXPECT_STREQ("raw", r.from);
	EXPECT_EQ(0, r.uid);
	close(fd);
}

TEST_HARNESS_MAIN
