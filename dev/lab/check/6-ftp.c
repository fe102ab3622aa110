// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 6: a file from vsftpd in active mode, and a server that answers in
 * ways that are allowed and that few servers use
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lab.h"

#define DEVICE	"/dev/knd_sample_ftp"
#define DIR	"/tmp/ftp"
#define SIZE	(300 * 1024 + 7)

static pid_t vsftpd;
static char content[SIZE], got[SIZE + 4096];

/* Write the file that the server has */
static void write_served(size_t len)
{
	int fd = open(DIR "/README", O_WRONLY | O_CREAT | O_TRUNC, 0444);

	if (fd < 0 || write(fd, content, len) != (ssize_t)len)
		fprintf(stderr, "labcheck: " DIR "/README: %s\n",
			strerror(errno));
	close(fd);
}

static const char *start_vsftpd(void)
{
	static const char conf[] =
		"listen=YES\nbackground=NO\nanonymous_enable=YES\n"
		"listen_address=127.0.0.1\nanon_root=" DIR "\n"
		"isolate_network=NO\nisolate=NO\nseccomp_sandbox=NO\n"
		"secure_chroot_dir=/tmp/empty\nport_enable=YES\n"
		"pasv_enable=NO\nconnect_from_port_20=YES\n";
	long end = now_ms() + LIMIT_MS;
	size_t i;
	int fd;

	for (i = 0; i < SIZE; i++)
		content[i] = i * 7 + i / 251;
	mkdir(DIR, 0755);
	mkdir("/tmp/empty", 0555);
	chmod(DIR, 0555);
	write_served(SIZE);
	fd = open("/tmp/vsftpd.conf", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, conf, strlen(conf)) < 0)
		return hint("/tmp/vsftpd.conf: %s", strerror(errno));
	close(fd);
	vsftpd = fork();
	if (!vsftpd) {
		execlp("vsftpd", "vsftpd", "/tmp/vsftpd.conf", NULL);
		_exit(127);
	}
	while (!listens(21, NULL, 0)) {
		if (now_ms() > end || waitpid(vsftpd, NULL, WNOHANG) == vsftpd)
			return hint("vsftpd does not listen");
		sleep_ms(20);
	}
	return NULL;
}

static void finish(void)
{
	kill(vsftpd, SIGTERM);
	waitpid(vsftpd, NULL, 0);
}

/* Read the device to its end: bytes in "got", with errors of both */
struct transfer {
	int pipe[2];
};

static int do_get(void *arg)
{
	struct transfer *transfer = arg;
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC);
	static char buffer[65536];
	ssize_t len;

	if (fd < 0)
		return -errno;
	while ((len = read(fd, buffer, sizeof(buffer))) > 0)
		if (write(transfer->pipe[1], buffer, len) != len)
			return -EPIPE;
	return len < 0 ? -errno : 0;
}

static int get(size_t *len)
{
	struct transfer transfer;
	int ret;

	*len = 0;
	if (pipe(transfer.pipe))
		return -errno;
	/* The pipe holds it all, so that nobody has to read meanwhile */
	fcntl(transfer.pipe[1], F_SETPIPE_SZ, 1 << 20);
	ret = in_child(do_get, &transfer, 30000, NULL, 0);
	close(transfer.pipe[1]);
	for (;;) {
		ssize_t n = read(transfer.pipe[0], got + *len,
				 sizeof(got) - *len);

		if (n <= 0)
			break;
		*len += n;
	}
	close(transfer.pipe[0]);
	return ret;
}

static const char *explain(int ret)
{
	switch (ret) {
	case -EINTR:
		return died("the reader");
	case -ENOENT:
		return hint("there is no " DEVICE);
	case -EACCES:
		return hint("the server refused a command: the kernel log has the code of its reply. 425 and 500 to PORT or RETR: does PORT tell address and port with each byte in decimal, the high byte of the port first?");
	case -ETIMEDOUT:
		return hint("a wait took too long: the server waits for a command, which ends with \"\\r\\n\", or cannot connect to the port that PORT named");
	case -EOPNOTSUPP:
		return hint("open() says \"Operation not supported\": a TODO is left");
	default:
		return hint("open() or read(): %s", strerror(-ret));
	}
}

static const char *whole_file(void)
{
	size_t len;
	int ret = get(&len);

	if (ret)
		return explain(ret);
	if (len != SIZE || memcmp(got, content, SIZE))
		return hint("%zu bytes come, and the file has %u%s: msg_iter is the reader's buffer, and what sock_recvmsg() returns is how much of it was filled",
			    len, SIZE, len == SIZE ? ", with other contents" : "");
	return NULL;
}

static const char *empty_file(void)
{
	size_t len;
	int ret;

	write_served(0);
	ret = get(&len);
	if (ret)
		return explain(ret);
	return len ? hint("an empty file comes with %zu bytes", len) : NULL;
}

static const char *no_file(void)
{
	size_t len;
	int ret;

	unlink(DIR "/README");
	ret = get(&len);
	write_served(SIZE);
	if (ret == -EACCES)
		return NULL;
	return ret ? explain(ret) :
	       hint("a file that the server does not have is no error: 550 is the reply to RETR");
}

/*
 * A server of our own, for one session. Its lines are sent as they stand here,
 * in segments of their own where there is a '|'. It checks that commands end
 * with "\r\n". The codes that the child ends with:
 */
enum { SERVED, NO_CRLF, BAD_PORT, LEFT };

static const char *const replies[] = {
	/* A greeting of many lines, one of which begins like a reply */
	"220-Welcome\r\n 220 is what a last line begins with\r\n220-still|\r\n22|0 ready\r\n",
	"331 password\r\n", "230-two\r\n230 lines\r\n", "200 binary\r\n",
	"200 port\r\n", "150 here it comes\r\n", "226 done\r\n",
};

static void send_reply(int fd, const char *reply)
{
	const char *end;

	for (;; reply = end + 1) {
		end = strchr(reply, '|');
		send(fd, reply, end ? (size_t)(end - reply) : strlen(reply),
		     MSG_NOSIGNAL);
		if (!end)
			return;
		sleep_ms(30);
	}
}

static int serve(int listener)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr =
					    htonl(INADDR_LOOPBACK + 1) };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct pollfd pollfd = { .fd = listener, .events = POLLIN };
	unsigned int h[6];
	char line[256];
	int fd, data, i, one = 1;
	ssize_t len;

	if (poll(&pollfd, 1, LIMIT_MS) <= 0)
		return LEFT;
	fd = accept(listener, NULL, NULL);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	send_reply(fd, replies[0]);
	for (i = 1; i < 6; i++) {
		pollfd.fd = fd;
		if (poll(&pollfd, 1, LIMIT_MS) <= 0)
			return LEFT;
		len = recv(fd, line, sizeof(line) - 1, 0);
		if (len <= 0)
			return LEFT;
		line[len] = 0;
		if (len < 2 || strcmp(line + len - 2, "\r\n"))
			return NO_CRLF;
		if (!strncmp(line, "PORT", 4)) {
			if (sscanf(line, "PORT %u,%u,%u,%u,%u,%u\r\n", h, h + 1,
				   h + 2, h + 3, h + 4, h + 5) != 6)
				return BAD_PORT;
			to.sin_addr.s_addr = htonl(h[0] << 24 | h[1] << 16 |
						   h[2] << 8 | h[3]);
			to.sin_port = htons(h[4] << 8 | h[5]);
		}
		send_reply(fd, replies[i]);
	}
	/* From the server's address, which a client may insist on */
	data = socket(AF_INET, SOCK_STREAM, 0);
	bind(data, (void *)&from, sizeof(from));
	if (connect(data, (void *)&to, sizeof(to)))
		return BAD_PORT;
	send(data, "odd", 3, MSG_NOSIGNAL);
	close(data);
	send_reply(fd, replies[6]);
	/* Until the client has read it */
	poll(&pollfd, 1, LIMIT_MS);
	close(fd);
	return SERVED;
}

static const char *odd_replies(void)
{
	int listener, status, ret;
	const char *why;
	size_t len;
	pid_t pid;

	why = unload();
	if (why)
		return why;
	listener = bound_socket(SOCK_STREAM, "127.0.0.2", 21);
	if (listener < 0)
		return hint("port 21 of 127.0.0.2: %s", strerror(-listener));
	pid = fork();
	if (!pid)
		_exit(serve(listener));
	close(listener);
	why = load("server=127.0.0.2");
	ret = why ? 0 : get(&len);
	kill(pid, ret ? SIGTERM : SIGCONT);
	waitpid(pid, &status, 0);
	if (why)
		return why;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : LEFT;
	if (status == NO_CRLF)
		return hint("a command does not end with \"\\r\\n\"");
	if (status == BAD_PORT)
		return hint("the server could not connect to what PORT named");
	if (ret)
		return hint("%s. This server's greeting has four lines and comes in three segments: a reply ends with a line of three digits and a space, and one recvmsg() is not one reply",
			    strdup(explain(ret)));
	if (len != 3 || memcmp(got, "odd", 3))
		return hint("%zu bytes come, and the file has 3", len);
	return NULL;
}

static const struct point points[] = {
	{ "a file from vsftpd, every byte", whole_file },
	{ "an empty file", empty_file },
	{ "no file is an error", no_file },
	{ "replies of many lines, in pieces", odd_replies, true },
	{ "rmmod returns", point_unload, true },
	{ "no socket is left", point_nothing_left },
	{}
};

const struct exercise ftp_exercise = {
	.name = "6-ftp",
	.prepare = start_vsftpd,
	.points = points,
	.finish = finish,
};
