// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two network namespaces, connected by a program that changes the shape of what
 * passes, for the shell tests
 *
 * odd_tap FROM TO SHAPE
 *
 * FROM and TO are names of network namespaces. Each gets a tap device, "odd0"
 * and "odd1". Frames are forwarded in both directions. Those with TCP data for
 * TO are written in one of these shapes:
 *
 *	whole	as they are: up to 64 KiB in one buffer
 *	lists	cut into segments of the same length, for GRO to put into a list
 *	pieces	cut anywhere, some of it twice and in another order; each
 *		segment is a buffer with a short linear part and fragments of
 *		1 to 4096 bytes
 *
 * Says "ready" when the devices are there, and runs until it is killed.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define MAX_FRAME	(65535 + ETHER_HDR_LEN)
#define MAX_HEADER	256
#define MAX_SEGMENTS	4096
#define MAX_FRAGMENTS	16
#define LIST_SEGMENT	701	/* an odd length for "lists" */

enum shape { WHOLE, LISTS, PIECES };

struct segment {
	size_t at;
	size_t len;
};

/* The same pseudo-random numbers in each run */
static unsigned int number(unsigned int below)
{
	static uint32_t x = 0x2545f491;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % below;
}

static int open_tap(const char *netns, const char *name, short flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | flags };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", path);
	close(fd);
	strcpy(ifr.ifr_name, name);
	fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		err(1, "%s", name);
	return fd;
}

static uint32_t add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/*
 * The length of all headers, and of the frame; false where it has no TCP data
 */
static bool parse(const uint8_t *frame, size_t len, size_t *header, size_t *end)
{
	const struct ether_header *eth = (void *)frame;
	const struct ip6_hdr *ip6 = (void *)(eth + 1);
	const struct iphdr *ip4 = (void *)(eth + 1);
	const struct tcphdr *tcp;

	if (len < ETHER_HDR_LEN + sizeof(*ip6) + sizeof(*tcp))
		return false;
	if (eth->ether_type == htons(ETHERTYPE_IP) &&
	    ip4->protocol == IPPROTO_TCP) {
		*header = ETHER_HDR_LEN + ip4->ihl * 4;
		*end = ETHER_HDR_LEN + ntohs(ip4->tot_len);
	} else if (eth->ether_type == htons(ETHERTYPE_IPV6) &&
		   ip6->ip6_nxt == IPPROTO_TCP) {
		*header = ETHER_HDR_LEN + sizeof(*ip6);
		*end = *header + ntohs(ip6->ip6_plen);
	} else {
		return false;
	}
	tcp = (void *)(frame + *header);
	*header += tcp->doff * 4;
	return *end <= len && *header < *end;
}

/* Headers for @len bytes of data at @data, which are @at bytes further on */
static void make_header(uint8_t *to, const uint8_t *frame, size_t header,
			const uint8_t *data, size_t at, size_t len, bool last)
{
	struct ether_header *eth = (void *)to;
	struct tcphdr *tcp;
	uint32_t sum;

	memcpy(to, frame, header);
	if (eth->ether_type == htons(ETHERTYPE_IP)) {
		struct iphdr *ip = (void *)(to + ETHER_HDR_LEN);

		tcp = (void *)((uint8_t *)ip + ip->ihl * 4);
		ip->tot_len = htons(header - ETHER_HDR_LEN + len);
		ip->check = 0;
		ip->check = fold(add(0, ip, ip->ihl * 4));
		sum = add(0, &ip->saddr, 8);
	} else {
		struct ip6_hdr *ip = (void *)(to + ETHER_HDR_LEN);

		tcp = (void *)(ip + 1);
		ip->ip6_plen = htons(tcp->doff * 4 + len);
		sum = add(0, &ip->ip6_src, 32);
	}
	tcp->seq = htonl(ntohl(tcp->seq) + at);
	if (!last) {
		tcp->fin = 0;
		tcp->psh = 0;
	}
	tcp->check = 0;
	sum += IPPROTO_TCP + tcp->doff * 4 + len;
	sum = add(sum, tcp, tcp->doff * 4);
	tcp->check = fold(add(sum, data, len));
}

/* A frame that the device has no room for is lost, and TCP sends it again */
static void write_vec(int fd, const struct iovec *iov, int n)
{
	if (writev(fd, iov, n) < 0 && errno != EIO && errno != ENOMEM &&
	    errno != ENOBUFS && errno != EAGAIN)
		err(1, "writev");
}

/*
 * A buffer; for "pieces" of a linear part, which has the headers, and fragments
 */
static void write_segment(int fd, const uint8_t *header, size_t header_len,
			  uint8_t *data, size_t len, enum shape shape)
{
	static const size_t linear[] = { 0, 0, 0, 1, 13, 200 };
	static const size_t frags[] = { 1, 2, 7, 100, 511, 512, 1448, 4095,
					4096 };
	struct iovec iov[1 + MAX_FRAGMENTS];
	uint8_t first[MAX_HEADER + 200];
	size_t n, take, least;

	memcpy(first, header, header_len);
	iov[0].iov_base = first;
	iov[0].iov_len = header_len;
	if (shape == PIECES) {
		take = linear[number(ARRAY_SIZE(linear))];
		if (take > len)
			take = len;
		memcpy(first + header_len, data, take);
		iov[0].iov_len += take;
		data += take;
		len -= take;
	}
	for (n = 1; len; n++, data += take, len -= take) {
		take = len;
		if (shape == PIECES) {
			/* The rest has to fit into the fragments that remain */
			least = (len - 1) / (1 + MAX_FRAGMENTS - n) + 1;
			take = frags[number(ARRAY_SIZE(frags))];
			if (take < least)
				take = least;
			if (take > len)
				take = len;
		}
		iov[n].iov_base = data;
		iov[n].iov_len = take;
	}
	write_vec(fd, iov, n);
}

/* Cut anywhere */
static size_t cut(struct segment *s, size_t len)
{
	static const size_t sizes[] = { 1, 2, 3, 99, 536, 1000, 1449, 4097,
					9000, 30001 };
	size_t at, n = 0, i;

	for (at = 0; at < len && n < MAX_SEGMENTS / 2; at += s[n++].len) {
		s[n].at = at;
		s[n].len = sizes[number(ARRAY_SIZE(sizes))];
		if (s[n].len > len - at)
			s[n].len = len - at;
	}
	/* Twice, with other borders */
	for (i = n / 8; i; i--, n++) {
		s[n] = s[number(n)];
		if (s[n].at) {
			s[n].at--;
			s[n].len++;
		}
	}
	/* In another order */
	for (i = n / 16; i; i--) {
		size_t a = number(n), b = a + 1 < n ? a + 1 : a;
		struct segment tmp = s[a];

		s[a] = s[b];
		s[b] = tmp;
	}
	return n;
}

static size_t cut_evenly(struct segment *s, size_t len)
{
	size_t at, n = 0;

	for (at = 0; at < len && n < MAX_SEGMENTS; at += s[n++].len) {
		s[n].at = at;
		s[n].len = len - at < LIST_SEGMENT ? len - at : LIST_SEGMENT;
	}
	return n;
}

static void forward(int fd, uint8_t *frame, size_t len, enum shape shape)
{
	static struct segment s[MAX_SEGMENTS];
	uint8_t first[MAX_HEADER];
	size_t header, end, n, i;

	if (shape == WHOLE || !parse(frame, len, &header, &end)) {
		const struct iovec whole = { frame, len };

		write_vec(fd, &whole, 1);
		return;
	}
	n = shape == PIECES ? cut(s, end - header) :
			      cut_evenly(s, end - header);
	for (i = 0; i < n; i++) {
		uint8_t *data = frame + header + s[i].at;

		make_header(first, frame, header, data, s[i].at, s[i].len,
			    s[i].at + s[i].len == end - header);
		write_segment(fd, first, header, data, s[i].len, shape);
	}
}

int main(int argc, char **argv)
{
	static const char * const names[] = { "whole", "lists", "pieces" };
	static const short flags[] = { 0, IFF_NAPI, IFF_NAPI | IFF_NAPI_FRAGS };
	static uint8_t frame[MAX_FRAME];
	enum shape shape = WHOLE;
	struct pollfd fds[2];
	ssize_t len;
	int i;

	if (argc != 4)
		return 2;
	while (strcmp(argv[3], names[shape]))
		if (++shape > PIECES)
			return 2;
	fds[0].fd = open_tap(argv[1], "odd0", 0);
	fds[1].fd = open_tap(argv[2], "odd1", flags[shape]);
	for (i = 0; i < 2; i++)
		fds[i].events = POLLIN;
	puts("ready");
	fflush(stdout);
	while (poll(fds, 2, -1) > 0) {
		for (i = 0; i < 2; i++) {
			if (!fds[i].revents)
				continue;
			len = read(fds[i].fd, frame, sizeof(frame));
			if (len <= 0)
				return 1;
			forward(fds[!i].fd, frame, len, i ? WHOLE : shape);
		}
	}
	return 1;
}
