// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercises 1 and 2: the hook shows the first packet of each connection, and no
 * other packet, whatever a raw socket puts into it
 */
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <linux/knetdemo.h>

#include "lab.h"

#define PORT	43000
#define TEXT	"TCP connection initiated from "
#define DEVICE	"/dev/knd_sample_filter"

static int server = -1;

static const char *serve(void)
{
	server = bound_socket(SOCK_STREAM, "0.0.0.0", PORT);
	return server < 0 ? hint("port %u: %s", PORT, strerror(-server)) : NULL;
}

static void stop_serving(void)
{
	close(server);
}

/* A connection with data in both directions and its end */
static int connection(const char *address, unsigned int *local)
{
	int fd = tcp_connect(address, PORT, local), peer;
	char buffer[8];

	if (fd < 0)
		return fd;
	peer = accept(server, NULL, NULL);
	if (peer < 0)
		return -errno;
	if (write(fd, "hello", 5) != 5 || read(peer, buffer, 5) != 5 ||
	    write(peer, "hello", 5) != 5 || read(fd, buffer, 5) != 5)
		fprintf(stderr, "labcheck: a short read or write\n");
	close(fd);
	close(peer);
	return 0;
}

static const char *shown(void)
{
	unsigned int local, seen, a, b, c, d;
	const char *line;
	int ret = connection("127.0.0.1", &local);

	if (ret)
		return hint("connect() to 127.0.0.1: %s. A hook returns NF_ACCEPT for every packet",
			    strerror(-ret));
	line = log_line(TEXT, 0);
	if (!line)
		return hint("no line \"" TEXT "...\" in the kernel log. Is the hook registered, with NFPROTO_IPV4 and NF_INET_LOCAL_OUT, and does it find the TCP header?");
	if (sscanf(strstr(line, TEXT), TEXT "%u.%u.%u.%u:%u", &a, &b, &c, &d,
		   &seen) != 5)
		return hint("the line should go on with an address, a colon and a port: %%pI4 and the address of iph->saddr");
	if (a != 127 || d != 1)
		return hint("the line shows %u.%u.%u.%u, and the connection comes from 127.0.0.1: %%pI4 takes network byte order, so no conversion",
			    a, b, c, d);
	if (seen == swapped(local))
		return hint("the line shows port %u, which is %u with its bytes swapped: ntohs()",
			    seen, local);
	if (seen == PORT)
		return hint("the line shows port %u, that of the destination: th->source",
			    PORT);
	if (seen != local)
		return hint("the line shows port %u, the connection has %u",
			    seen, local);
	return NULL;
}

static const char *only_the_first(void)
{
	int count, ret = connection("127.0.0.1", NULL);

	if (ret)
		return hint("connect(): %s", strerror(-ret));
	count = log_count(TEXT);
	if (count == 1)
		return NULL;
	return hint("a connection with some data shows %d lines: only its first packet has SYN and not ACK, the answer has both",
		    count);
}

/* Send what a process has written, IP header and all */
static const char *send_raw(const struct iphdr *iph, size_t headers,
			    const void *data, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	char packet[256];
	ssize_t sent;

	memcpy(packet, iph, headers);
	memcpy(packet + headers, data, len);
	sent = sendto(fd, packet, headers + len, 0, (void *)&to, sizeof(to));
	close(fd);
	if (sent < 0)
		return hint("a raw socket cannot send: %s", strerror(errno));
	return NULL;
}

static struct iphdr ip_header(int protocol)
{
	return (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol,
		.saddr = htonl(INADDR_LOOPBACK),
		.daddr = htonl(INADDR_LOOPBACK),
	};
}

static struct tcphdr syn(void)
{
	return (struct tcphdr){ .source = htons(1234), .dest = htons(5678),
				.syn = 1, .doff = 5 };
}

static const char *other_protocol(void)
{
	struct iphdr iph = ip_header(IPPROTO_UDP);
	struct tcphdr th = syn();
	const char *why;

	why = send_raw(&iph, sizeof(iph), &th, sizeof(th));
	if (!why && log_count(TEXT))
		why = hint("a UDP packet is shown, whose bytes look like a SYN where TCP has its flags: compare iph->protocol with IPPROTO_TCP");
	return why;
}

static const char *later_fragment(void)
{
	struct iphdr iph = ip_header(IPPROTO_TCP);
	struct tcphdr th = syn();
	const char *why;

	iph.frag_off = htons(16);
	why = send_raw(&iph, sizeof(iph), &th, sizeof(th));
	if (!why && log_count(TEXT))
		why = hint("a fragment that is not the first is shown: it has no TCP header, only data. Look at iph->frag_off & htons(IP_OFFSET)");
	return why;
}

/* The kernel fills the memory behind the packet with 0x6b: SYN and no ACK */
static const char *truncated(void)
{
	struct iphdr iph = ip_header(IPPROTO_TCP);
	struct tcphdr th = syn();
	const char *why;

	why = send_raw(&iph, sizeof(iph), &th, 4);
	if (!why && log_count(TEXT))
		why = hint("a packet of a raw socket is shown that ends after the ports: what was read as flags is memory behind its end. skb_header_pointer() checks the length");
	return why;
}

static const char *options(void)
{
	struct {
		struct iphdr iph;
		uint8_t options[8];
	} header = { .iph = ip_header(IPPROTO_TCP),
		     .options = { 1, 1, 1, 1, 1, 1, 1, 0 } };
	struct tcphdr th = syn();
	unsigned int port = 0;
	const char *line, *why;

	header.iph.ihl = sizeof(header) / 4;
	why = send_raw(&header.iph, sizeof(header), &th, sizeof(th));
	if (why)
		return why;
	line = log_line(TEXT, 0);
	if (line)
		sscanf(strstr(line, TEXT), TEXT "%*[0-9.]:%u", &port);
	if (port != 1234)
		return hint("a SYN behind an IP header with options is %s: the header is ip_hdrlen(skb) bytes long, not always 20",
			    line ? "shown with a wrong port" : "not shown");
	return NULL;
}

static int do_connection(void *unused)
{
	return connection("127.0.0.1", NULL);
}

static const char *after_unload(void)
{
	int ret = in_child(do_connection, NULL, LIMIT_MS, NULL, 0);

	if (ret == -EINTR || ret == -ETIMEDOUT)
		return hint("the kernel called the hook after its code was unloaded: nf_unregister_net_hook() in the exit function");
	if (ret)
		return hint("connect(): %s", strerror(-ret));
	return NULL;
}

static const struct point connect_points[] = {
	{ "a connection is shown with its source", shown, true },
	{ "by its first packet and no other", only_the_first },
	{ "a packet of another protocol is not shown", other_protocol },
	{ "nor is a later fragment", later_fragment },
	{ "nor a packet that ends before its flags", truncated },
	{ "a SYN behind IP options is shown", options },
	{ "rmmod returns", point_unload, true },
	{ "a connection after rmmod", after_unload },
	{}
};

const struct exercise connect_exercise = {
	.name = "1-connect",
	.prepare = serve,
	.points = connect_points,
	.finish = stop_serving,
};

static int device = -1;

static const char *has_device(void)
{
	struct stat st;

	if (stat(DEVICE, &st))
		return hint("there is no " DEVICE ": misc_register() in the init function");
	if ((st.st_mode & 07777) != 0600)
		return hint(DEVICE " has mode %o, not 600", st.st_mode & 07777);
	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return hint("open(" DEVICE "): %s", strerror(errno));
	return NULL;
}

/* How many connections to an address are shown, of one; < 0: -errno */
static int shows(const char *address)
{
	int ret = connection(address, NULL);

	return ret ?: log_count(TEXT);
}

static const char *shows_all(void)
{
	int one = shows("127.0.0.1"), two = shows("127.0.0.2");

	if (one == 1 && two == 1)
		return NULL;
	return hint("before an address is set, connections to 127.0.0.1 and 127.0.0.2 show %d and %d lines, not 1 and 1: INADDR_ANY shows all",
		    one, two);
}

struct request {
	unsigned long cmd;
	void *arg;
};

static int do_ioctl(void *arg)
{
	struct request *request = arg;

	return ioctl(device, request->cmd, request->arg) ? -errno : 0;
}

static int request(unsigned long cmd, void *arg)
{
	struct request request = { .cmd = cmd, .arg = arg };

	return in_child(do_ioctl, &request, LIMIT_MS, NULL, 0);
}

static int filter(const char *address)
{
	struct in_addr addr;

	inet_pton(AF_INET, address, &addr);
	return request(KNETDEMO_IOC_FILTER_ADDRESS, &addr);
}

static const char *sets(void)
{
	int ret = filter("127.0.0.1"), one, two;

	if (ret == -EINTR)
		return died("ioctl()");
	if (ret)
		return hint("ioctl(KNETDEMO_IOC_FILTER_ADDRESS): %s",
			    strerror(-ret));
	one = shows("127.0.0.1");
	two = shows("127.0.0.2");
	if (one == 1 && !two)
		return NULL;
	if (one == 1 && two == 1)
		return hint("with 127.0.0.1 set, a connection to 127.0.0.2 is shown: is the address stored, and compared with iph->daddr, the destination?");
	if (!one && !two)
		return hint("with 127.0.0.1 set, a connection to it is not shown. The ioctl gets the address in network byte order, as iph->daddr is: compare without converting. Its argument points to the address: copy_from_user()");
	return hint("with 127.0.0.1 set, connections to 127.0.0.1 and 127.0.0.2 show %d and %d lines, not 1 and 0",
		    one, two);
}

static const char *clears(void)
{
	int ret = filter("0.0.0.0"), two;

	if (ret)
		return hint("ioctl(): %s", strerror(-ret));
	two = shows("127.0.0.2");
	return two == 1 ? NULL :
	       hint("after INADDR_ANY a connection to 127.0.0.2 shows %d lines, not 1",
		    two);
}

static const char *bad_pointer(void)
{
	int ret = request(KNETDEMO_IOC_FILTER_ADDRESS, (void *)8);

	if (ret == -EFAULT)
		return NULL;
	if (ret == -EINTR)
		return hint("the kernel found a fault: \"arg\" is an address of the process, never to be used as a pointer. copy_from_user() returns how many bytes it could not copy");
	return hint("an ioctl() with a bad pointer returns \"%s\" and not EFAULT: \"arg\" points to the address, and copy_from_user() says whether it could be read",
		    ret ? strerror(-ret) : "success");
}

static const char *unknown(void)
{
	struct in_addr addr = { htonl(INADDR_ANY) };
	int ret = request(_IOW('z', 99, uint32_t), &addr);

	if (ret == -ENOTTY)
		return NULL;
	return hint("an ioctl() with an unknown number returns \"%s\" and not ENOTTY",
		    ret ? strerror(-ret) : "success");
}

static const char *unload_closed(void)
{
	close(device);
	return unload();
}

static int do_open(void *unused)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

static const char *device_gone(void)
{
	int ret = in_child(do_open, NULL, LIMIT_MS, NULL, 0);

	if (ret == -ENOENT || ret == -ENODEV || ret == -ENXIO)
		return NULL;
	return hint("after rmmod there still is " DEVICE ", whose functions are unloaded: misc_deregister() in the exit function");
}

static const struct point filter_points[] = {
	{ "the device is there, for root only", has_device, true },
	{ "all is shown until an address is set", shows_all },
	{ "then only connections to it", sets },
	{ "INADDR_ANY shows all again", clears },
	{ "a bad pointer is EFAULT", bad_pointer },
	{ "an unknown ioctl is ENOTTY", unknown },
	{ "rmmod returns", unload_closed, true },
	{ "the device is gone", device_gone },
	{ "a connection after rmmod", after_unload },
	{}
};

const struct exercise filter_exercise = {
	.name = "2-filter",
	.prepare = serve,
	.points = filter_points,
	.finish = stop_serving,
};
