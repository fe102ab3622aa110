// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: one FTP transfer
 *
 * A session is a row of steps. Each has at most one command and its reply, and
 * keeps what it knows in struct knd_ftp_xfer, nothing on the stack. So a signal
 * can interrupt a step anywhere: it returns -EINTR, and called again it goes on
 * where it was.
 *
 * The order of the commands is that of RFC 3659, section 5.3: REST directly
 * before RETR, since servers forget it at any command between.
 *
 * Sockets never block: each wait is knd_stream_wait(), which ends with the
 * stage's deadline, a signal or the namespace.
 */

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/jiffies.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <uapi/linux/knetdemo.h>

#include "ftp_session.h"
#include "knetdemo.h"

/* Taken from the socket and written to the file at once */
#define KND_FTP_CHUNK		SZ_1M
/* Connections to the listener of a transfer, of which one is the server's */
#define KND_FTP_BACKLOG		16
/* Limit for the answer to QUIT, which changes nothing any more */
#define KND_FTP_QUIT_MS		1000
/* Limit for the end of a data connection that has nothing more to bring */
#define KND_FTP_LINGER_MS	2000
/* A third of the stage's time is for the port of EPSV, the rest for PASV */
#define KND_FTP_EPSV_PART	3

static void knd_ftp_limit(struct knd_ftp_xfer *x, unsigned int ms)
{
	x->deadline = jiffies + msecs_to_jiffies(min(x->timeout_ms, ms));
}

static void knd_ftp_restart_stage(struct knd_ftp_xfer *x)
{
	x->deadline = jiffies + msecs_to_jiffies(x->timeout_ms);
}

/* Change a socket where pre_exit may look at it; returns what was there */
static struct socket *knd_ftp_swap(struct knd_ftp_xfer *x, int which,
				   struct socket *sock)
{
	struct knd_ftp *ftp = &x->kn->ftp;

	spin_lock(&ftp->lock);
	swap(x->sock[which], sock);
	spin_unlock(&ftp->lock);
	return sock;
}

/**
 * knd_ftp_close - close a connection of a transfer
 * @x: the transfer, with &knd_ftp_xfer.net_lock held and in a namespace
 * @which: KND_FTP_CTRL or KND_FTP_DATA, which need not be open
 * @abort: reset it
 *
 * Context: process.
 */
void knd_ftp_close(struct knd_ftp_xfer *x, int which, bool abort)
{
	struct socket *sock = knd_ftp_swap(x, which, NULL);

	if (!sock)
		return;
	if (abort)
		knd_stream_abort(sock);
	else
		sock_release(sock);
}

static int knd_ftp_wait(struct knd_ftp_xfer *x, int which, bool out)
{
	return knd_stream_wait(x->sock[which], NULL, out, x->deadline,
			       &x->stop);
}

static int knd_ftp_open(struct knd_ftp_xfer *x, int which,
			const struct sockaddr_storage *source)
{
	struct socket *sock;
	int err;

	err = knd_stream_open(x->kn->net, source, x->device, &sock);
	if (!err)
		knd_ftp_swap(x, which, sock);
	return err;
}

static int knd_ftp_connect(struct knd_ftp_xfer *x, int which,
			   const struct sockaddr_storage *to)
{
	int err;

	while ((err = knd_stream_connect(x->sock[which], to))) {
		if (err != -EINPROGRESS && err != -EALREADY)
			return err;
		err = knd_ftp_wait(x, which, true);
		if (err)
			return err;
	}
	return 0;
}

/**
 * knd_ftp_get_port - the port of an address
 * @ss: an IPv4 or IPv6 address
 *
 * Context: any.
 * Return: the port in host order.
 */
u16 knd_ftp_get_port(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET6 ?
		     ((const struct sockaddr_in6 *)ss)->sin6_port :
		     ((const struct sockaddr_in *)ss)->sin_port);
}

static void knd_ftp_set_port(struct sockaddr_storage *ss, u16 port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)ss)->sin_port = htons(port);
}

static bool knd_ftp_same_host(const struct sockaddr_storage *a,
			      const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a;
	const struct sockaddr_in6 *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return ipv6_addr_equal(&a6->sin6_addr, &b6->sin6_addr) &&
		       a6->sin6_scope_id == b6->sin6_scope_id;
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
	       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

/* The errno for a reply that is not the one that was wanted */
static int knd_ftp_refused(struct knd_ftp_xfer *x, unsigned int code)
{
	x->failed = KNETDEMO_FTP_FAILED_REPLY;
	switch (code) {
	case 332:
	case 530:
	case 532:
		return -EACCES;
	case 421:
	case 450:
		return -EBUSY;
	case 425:
		return -ECONNREFUSED;
	case 426:
	case 451:
	case 551:
		return -ENODATA;
	case 550:
	case 553:
		return -ENOENT;
	case 500 ... 504:
	case 522:
		return -EOPNOTSUPP;
	}
	return code >= 400 ? -EREMOTEIO : -EPROTO;
}

/* RFC 1123, section 4.1.2.11: the first digit says what is to be done next */
static bool knd_ftp_is(int code, int digit)
{
	return code / 100 == digit;
}

/*
 * Keep the last reply for the caller, printable characters only: from 128 on
 * there are control characters, too. One that cannot be read is kept with what
 * stands in the place of its code.
 */
static void knd_ftp_keep_text(struct knd_ftp_xfer *x)
{
	const char *from = "";
	size_t i;

	if (x->step >= KND_FTP_QUIT)
		return;
	if (x->reply.done)
		from = knd_ftp_reply_text(&x->reply);
	else if (x->reply.bad)
		from = x->reply.line;
	memset(x->text, 0, sizeof(x->text));
	for (i = 0; from[i] && i < sizeof(x->text) - 1; i++) {
		u8 c = from[i];

		x->text[i] = c < 0x20 || c >= 0x7f ? '?' : c;
	}
}

/* Is there a reason to end, also where nothing has to be waited for? */
static int knd_ftp_check(const struct knd_ftp_xfer *x)
{
	if (READ_ONCE(x->stop))
		return -ENETDOWN;
	if (signal_pending(current))
		return -EINTR;
	return time_after(jiffies, x->deadline) ? -ETIMEDOUT : 0;
}

static int knd_ftp_receive(struct knd_ftp_xfer *x)
{
	struct kvec vec = { x->in, sizeof(x->in) };
	struct msghdr msg = {};

	return kernel_recvmsg(x->sock[KND_FTP_CTRL], &msg, &vec, 1,
			      vec.iov_len, MSG_DONTWAIT);
}

/*
 * Read one reply, or go on with that. Returns its code; 421, the end of the
 * connection and what is no reply are errors. Without @wait, -EAGAIN where it
 * is not complete.
 */
static int knd_ftp_reply(struct knd_ftp_xfer *x, bool wait)
{
	int err, n;

	err = knd_ftp_check(x);
	if (err && wait)
		return err;
	for (;;) {
		n = knd_ftp_reply_feed(&x->reply, x->in + x->in_pos,
				       x->in_len - x->in_pos);
		if (n < 0) {
			/* What is shown is this one, which has no code */
			x->code = 0;
			x->failed = KNETDEMO_FTP_FAILED_REPLY;
			return n;
		}
		x->in_pos += n;
		if (x->reply.done)
			break;

		n = knd_ftp_receive(x);
		if (n == -EAGAIN) {
			err = wait ? knd_ftp_wait(x, KND_FTP_CTRL, false) : n;
			if (err)
				return err;
			continue;
		}
		if (n <= 0) {
			x->ctrl_err = n ? : -ECONNRESET;
			return x->ctrl_err;
		}
		x->in_pos = 0;
		x->in_len = n;
	}
	x->code = x->reply.code;
	if (x->code != 421)
		return x->code;
	x->ctrl_err = knd_ftp_refused(x, 421);
	return x->ctrl_err;
}

/* Begin to read a reply, or go on */
static int knd_ftp_read(struct knd_ftp_xfer *x, bool wait)
{
	int code;

	if (x->ask == KND_FTP_ASK_NONE) {
		knd_ftp_reply_init(&x->reply);
		x->ask = KND_FTP_ASK_READING;
	}
	code = knd_ftp_reply(x, wait);
	if (code != -EINTR && code != -EAGAIN)
		x->ask = KND_FTP_ASK_NONE;
	return code;
}

/* Returns 0 when all of the command was sent */
static int knd_ftp_send(struct knd_ftp_xfer *x)
{
	struct socket *sock = x->sock[KND_FTP_CTRL];
	int err = 0;
	int n;

	while (x->out_pos < x->out_len && !err) {
		struct kvec vec = { x->command + x->out_pos,
				    x->out_len - x->out_pos };
		struct msghdr msg = {
			.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
		};

		n = kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
		/* An answer to half a command, too, is none */
		if (n == -EAGAIN)
			err = knd_ftp_check(x) ? :
			      knd_stream_ready(sock) ? -EPROTO :
			      knd_ftp_wait(x, KND_FTP_CTRL, true);
		else if (n < 0)
			err = n;
		else
			x->out_pos += n;
	}
	if (err != -EINTR)
		memzero_explicit(x->command, x->out_len);
	return err;
}

/*
 * Send a command and read its reply, or go on with that after -EINTR. Returns
 * the code or -errno.
 *
 * Nothing may have come since the last reply, but for the 421 of a server that
 * closes: or else replies and commands do not pair, and a later answer could be
 * one that was made up before its question.
 */
static int knd_ftp_ask(struct knd_ftp_xfer *x, const char *verb,
		       const char *arg)
{
	int code, len;
	bool early;

	if (x->ask == KND_FTP_ASK_NONE) {
		knd_ftp_reply_init(&x->reply);
		if (x->in_pos < x->in_len ||
		    knd_stream_ready(x->sock[KND_FTP_CTRL])) {
			x->ask = KND_FTP_ASK_EARLY;
		} else {
			len = knd_ftp_command(x->command, sizeof(x->command),
					      verb, arg);
			if (len < 0)
				return len;
			x->out_pos = 0;
			x->out_len = len;
			x->ask = KND_FTP_ASK_SENDING;
		}
	}
	if (x->ask == KND_FTP_ASK_SENDING) {
		code = knd_ftp_send(x);
		if (code == -EINTR)
			return code;
		x->ask = code ? KND_FTP_ASK_NONE : KND_FTP_ASK_READING;
		if (code)
			return code;
	}
	early = x->ask == KND_FTP_ASK_EARLY;
	code = knd_ftp_read(x, true);
	if (code < 0 || !early)
		return code;
	x->failed = KNETDEMO_FTP_FAILED_REPLY;
	return -EPROTO;
}

/* What a step returns where it has its answer: the next one or an error */
static int knd_ftp_next(struct knd_ftp_xfer *x, int code, int digit, int next)
{
	if (code < 0)
		return code;
	return knd_ftp_is(code, digit) ? next : knd_ftp_refused(x, code);
}

/* After TYPE, SIZE and MDTM */
static int knd_ftp_to_data(const struct knd_ftp_xfer *x)
{
	bool old = x->flags & KNETDEMO_FTP_PASV;

	/* The caller has it all. Some servers refuse to begin at the end. */
	if (x->offset && x->offset == x->size)
		return KND_FTP_QUIT;
	if (x->flags & KNETDEMO_FTP_ACTIVE)
		return old ? KND_FTP_PORT : KND_FTP_EPRT;
	return old ? KND_FTP_PASV : KND_FTP_EPSV;
}

static int knd_ftp_to_mdtm(const struct knd_ftp_xfer *x)
{
	return x->flags & KNETDEMO_FTP_MDTM ? KND_FTP_GET_MDTM :
					      knd_ftp_to_data(x);
}

static int knd_ftp_to_rest(const struct knd_ftp_xfer *x)
{
	return x->offset ? KND_FTP_REST : KND_FTP_RETR;
}

static int knd_ftp_do_connect(struct knd_ftp_xfer *x)
{
	int err = 0;

	if (!x->sock[KND_FTP_CTRL])
		err = knd_ftp_open(x, KND_FTP_CTRL, &x->source);
	if (!err)
		err = knd_ftp_connect(x, KND_FTP_CTRL, &x->server);
	if (err)
		return err;
	/* It is silent while data flows, and must be known to be alive then */
	knd_stream_keepalive(x->sock[KND_FTP_CTRL]);
	/* Who it really is: the address asked for may stand for another */
	err = kernel_getpeername(x->sock[KND_FTP_CTRL],
				 (struct sockaddr *)&x->server);
	return err < 0 ? err : KND_FTP_GREETING;
}

static int knd_ftp_do_greeting(struct knd_ftp_xfer *x)
{
	int code;

	/* 120: ready in some minutes; as long as that fits in the deadline */
	do {
		code = knd_ftp_read(x, true);
	} while (code == 120);
	return knd_ftp_next(x, code, 2, KND_FTP_USER);
}

static int knd_ftp_do_user(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "USER", x->user);

	if (knd_ftp_is(code, 3) && code != 332)
		return KND_FTP_PASS;
	return knd_ftp_next(x, code, 2, KND_FTP_TYPE);
}

static int knd_ftp_do_pass(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "PASS", x->password);

	return knd_ftp_next(x, code, 2, KND_FTP_TYPE);
}

static int knd_ftp_do_type(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "TYPE", "I");

	return knd_ftp_next(x, code, 2, x->flags & KNETDEMO_FTP_SIZE ?
			    KND_FTP_GET_SIZE : knd_ftp_to_mdtm(x));
}

/* A server that does not know the size may have the file all the same */
static int knd_ftp_do_size(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "SIZE", x->path);

	if (code < 0)
		return code;
	/* Another reply follows, and would be taken for that of a command */
	if (knd_ftp_is(code, 1))
		return knd_ftp_refused(x, code);
	if (code == 213)
		knd_ftp_parse_213(knd_ftp_reply_text(&x->reply), &x->size);
	/* The caller has more than there is: not the same file */
	if (x->size != KNETDEMO_FTP_SIZE_UNKNOWN && x->offset > x->size)
		return -ERANGE;
	return knd_ftp_to_mdtm(x);
}

static int knd_ftp_do_mdtm(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "MDTM", x->path);

	if (code < 0)
		return code;
	if (knd_ftp_is(code, 1))
		return knd_ftp_refused(x, code);
	if (code == 213)
		knd_ftp_parse_mdtm(knd_ftp_reply_text(&x->reply), &x->mtime);
	if (x->mtime_max && x->mtime > x->mtime_max)
		return -ESTALE;
	return knd_ftp_to_data(x);
}

/*
 * Ask the server where it awaits the data connection. Only the port counts:
 * the address is the one that the control connection has.
 */
static int knd_ftp_do_epsv(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "EPSV", NULL);
	int port = -EPROTO;

	if (code < 0)
		return code;
	if (code == 229)
		port = knd_ftp_parse_229(knd_ftp_reply_text(&x->reply));
	if (port > 0) {
		x->data_port = port;
		return KND_FTP_EPSV_OPEN;
	}
	/* Whatever else it is, unless another reply follows: the older way */
	if (x->server.ss_family == AF_INET && !knd_ftp_is(code, 1))
		return KND_FTP_PASV;
	return knd_ftp_refused(x, code);
}

static int knd_ftp_do_pasv(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "PASV", NULL);
	int port = -EPROTO;

	if (code < 0)
		return code;
	if (code == 227)
		port = knd_ftp_parse_227(knd_ftp_reply_text(&x->reply));
	if (port < 0)
		return knd_ftp_refused(x, code);
	x->data_port = port;
	return KND_FTP_PASV_OPEN;
}

/* Where data connections of this session start or end here, on any port */
static int knd_ftp_local(struct knd_ftp_xfer *x, struct sockaddr_storage *local)
{
	int err;

	memset(local, 0, sizeof(*local));
	err = kernel_getsockname(x->sock[KND_FTP_CTRL],
				 (struct sockaddr *)local);
	if (err < 0)
		return err;
	knd_ftp_set_port(local, 0);
	return 0;
}

static int knd_ftp_do_open(struct knd_ftp_xfer *x)
{
	bool pasv_follows = x->step == KND_FTP_EPSV_OPEN &&
			    x->server.ss_family == AF_INET;
	struct sockaddr_storage to = x->server;
	struct sockaddr_storage local;
	int err = 0;

	if (!x->sock[KND_FTP_DATA]) {
		if (pasv_follows)
			knd_ftp_limit(x, x->timeout_ms / KND_FTP_EPSV_PART);
		err = knd_ftp_local(x, &local) ? :
		      knd_ftp_open(x, KND_FTP_DATA, &local);
	}
	knd_ftp_set_port(&to, x->data_port);
	if (!err)
		err = knd_ftp_connect(x, KND_FTP_DATA, &to);
	if (!err)
		return knd_ftp_to_rest(x);
	if (!pasv_follows || err == -EINTR || err == -ENETDOWN)
		return err;
	/* Some firewalls and address translators know PASV only */
	knd_ftp_close(x, KND_FTP_DATA, true);
	return KND_FTP_PASV;
}

/* Tell the server where the data connection is awaited */
static int knd_ftp_do_eprt(struct knd_ftp_xfer *x)
{
	struct sockaddr_storage local;
	char host[KND_FTP_HOST_LEN];
	int code, err;

	if (!x->sock[KND_FTP_DATA]) {
		err = knd_ftp_local(x, &local) ? :
		      knd_ftp_open(x, KND_FTP_DATA, &local) ? :
		      kernel_listen(x->sock[KND_FTP_DATA],
				    KND_FTP_BACKLOG);
		if (err)
			return err;
	}
	err = kernel_getsockname(x->sock[KND_FTP_DATA],
				 (struct sockaddr *)&local);
	if (err < 0)
		return err;

	if (x->step == KND_FTP_PORT) {
		knd_ftp_port(host, sizeof(host), (const void *)&local);
		code = knd_ftp_ask(x, "PORT", host);
	} else {
		knd_ftp_eprt(host, sizeof(host), &local);
		code = knd_ftp_ask(x, "EPRT", host);
		if (code > 0 && local.ss_family == AF_INET &&
		    !knd_ftp_is(code, 1) && !knd_ftp_is(code, 2))
			return KND_FTP_PORT;
	}
	return knd_ftp_next(x, code, 2, knd_ftp_to_rest(x));
}

static int knd_ftp_do_rest(struct knd_ftp_xfer *x)
{
	char number[sizeof("18446744073709551615")];
	int code;

	snprintf(number, sizeof(number), "%llu", x->offset);
	code = knd_ftp_ask(x, "REST", number);
	return knd_ftp_next(x, code, 3, KND_FTP_RETR);
}

static int knd_ftp_do_retr(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_ask(x, "RETR", x->path);

	return knd_ftp_next(x, code, 1, x->flags & KNETDEMO_FTP_ACTIVE ?
			    KND_FTP_ACCEPT : KND_FTP_RECEIVE);
}

/*
 * Read what the server says about the data while that is awaited, as far as it
 * is there. Whatever it says, and where its connection ends too: the data is
 * read to its end before anything is decided.
 */
static void knd_ftp_final(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_read(x, false);

	if (code == -EAGAIN)
		return;
	x->failed = KNETDEMO_FTP_FAILED_NONE;
	if (code > 0)
		x->final = code;
	else if (!x->ctrl_err)
		x->ctrl_err = code;
}

static bool knd_ftp_heard_all(const struct knd_ftp_xfer *x)
{
	return x->final || x->ctrl_err;
}

/* Is there as much as the server said that there would be? */
static bool knd_ftp_size_agrees(const struct knd_ftp_xfer *x)
{
	return x->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	       x->offset + x->bytes == x->size;
}

/* Wait for the data connection or for news about it */
static int knd_ftp_wait_data(struct knd_ftp_xfer *x)
{
	struct socket *ctrl = x->sock[KND_FTP_CTRL];

	/* What came with the reply before is in the buffer */
	if (!knd_ftp_heard_all(x)) {
		knd_ftp_final(x);
		if (knd_ftp_heard_all(x))
			return 0;
	}
	/* Nothing more has to come: some servers do not close it */
	if (x->step == KND_FTP_RECEIVE && x->final && !x->lingering &&
	    (knd_ftp_size_agrees(x) || !knd_ftp_is(x->final, 2))) {
		x->lingering = true;
		knd_ftp_limit(x, KND_FTP_LINGER_MS);
	}
	return knd_stream_wait(x->sock[KND_FTP_DATA],
			       knd_ftp_heard_all(x) ? NULL : ctrl, false,
			       x->deadline, &x->stop);
}

/* Let the server connect, and nobody else */
static int knd_ftp_do_accept(struct knd_ftp_xfer *x)
{
	struct sockaddr_storage peer = {};
	struct socket *sock;
	int err;

	for (;;) {
		err = kernel_accept(x->sock[KND_FTP_DATA], &sock, O_NONBLOCK);
		if (err == -EAGAIN) {
			/* Said no, or is gone, and none has come */
			if (x->final && !knd_ftp_is(x->final, 2))
				return knd_ftp_refused(x, x->final);
			if (x->ctrl_err) {
				x->failed = KNETDEMO_FTP_FAILED_CONTROL;
				return x->ctrl_err;
			}
			err = knd_ftp_wait_data(x);
			if (err)
				return err;
			continue;
		}
		if (err)
			return err;

		err = kernel_getpeername(sock, (struct sockaddr *)&peer);
		if (err >= 0 && knd_ftp_same_host(&peer, &x->server))
			break;
		knd_stat_inc(x->kn, KND_STAT_FTP_ROGUE);
		knd_stream_abort(sock);
		err = knd_ftp_check(x);
		if (err)
			return err;
		cond_resched();
	}
	sock_release(knd_ftp_swap(x, KND_FTP_DATA, sock));
	return KND_FTP_RECEIVE;
}

/*
 * Write what is held. The namespace may end meanwhile: no lock of it is held.
 * A file system may shorten the iterator itself where a limit is reached; the
 * write after that says which one. After -EINTR the rest is still held.
 */
static int knd_ftp_write(struct knd_ftp_xfer *x)
{
	struct iov_iter iter;
	ssize_t n = 0;
	u64 done = 0;

	mutex_unlock(&x->net_lock);
	iov_iter_bvec(&iter, ITER_SOURCE, x->pages.vec, x->pages.nr, x->held);
	iov_iter_advance(&iter, x->held_done);
	while (x->held_done < x->held) {
		iov_iter_reexpand(&iter, x->held - x->held_done);
		n = vfs_iter_write(x->file, &iter, &x->pos, 0);
		if (!n)
			n = -EIO;
		if (n < 0)
			break;
		x->held_done += n;
		done += n;
	}
	if (n == -ERESTARTSYS || n == -ERESTARTNOINTR || n == -EINTR)
		n = -EINTR;
	else
		knd_pages_put(&x->pages);
	mutex_lock(&x->net_lock);

	x->bytes += done;
	if (n < 0 && n != -EINTR) {
		x->stage = KNETDEMO_FTP_STAGE_WRITE;
		x->failed = KNETDEMO_FTP_FAILED_FILE;
	}
	if (!x->kn)
		return n < 0 && n != -EINTR ? n : -ENETDOWN;
	knd_ftp_note_bytes(x, done);
	return n < 0 ? n : 0;
}

/*
 * A server that answered REST and ignores it sends the file from its start: at
 * least all of it. Fewer bytes than that are the rest, even where the file has
 * grown meanwhile.
 */
static bool knd_ftp_rest_ignored(const struct knd_ftp_xfer *x)
{
	return x->offset && x->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	       x->bytes + x->held >= x->size;
}

static int knd_ftp_do_receive(struct knd_ftp_xfer *x)
{
	ssize_t n;
	int err;

	for (;;) {
		err = knd_ftp_check(x);
		if (err == -ETIMEDOUT && x->lingering)
			return KND_FTP_COMPLETE;
		if (err)
			return err;
		/* After a signal there is something from before */
		if (!x->pages.nr) {
			n = knd_stream_collect(x->sock[KND_FTP_DATA],
					       &x->pages, KND_FTP_CHUNK,
					       x->pos);
			if (n == -EAGAIN) {
				err = knd_ftp_wait_data(x);
				if (err == -ETIMEDOUT && x->lingering)
					return KND_FTP_COMPLETE;
				if (err)
					return err;
				continue;
			}
			if (n <= 0) {
				x->data_err = n;
				return KND_FTP_COMPLETE;
			}
			x->held = n;
			x->held_done = 0;
			if (knd_ftp_rest_ignored(x)) {
				x->spoiled = true;
				return -EOVERFLOW;
			}
		}
		err = knd_ftp_write(x);
		if (err)
			return err;
		x->lingering = false;
		knd_ftp_restart_stage(x);
	}
}

/*
 * The data is over. What it is worth is said by three: how its connection
 * ended, the size, and the server.
 */
static int knd_ftp_do_complete(struct knd_ftp_xfer *x)
{
	int code;

	/* A reset behind the last byte is no harm where the two others agree */
	if (x->data_err && !knd_ftp_size_agrees(x))
		goto data_err;
	/* Closed in knd_ftp_do_end(), when the server has had time to answer */
	if (!x->data_err)
		kernel_sock_shutdown(x->sock[KND_FTP_DATA], SHUT_WR);

	if (!knd_ftp_heard_all(x)) {
		code = knd_ftp_read(x, true);
		if (code > 0)
			x->final = code;
		else if (!x->ctrl_err)
			return code;
	}
	if (x->final && !knd_ftp_is(x->final, 2))
		return knd_ftp_refused(x, x->final);
	if (!x->final) {
		if (x->data_err)
			goto data_err;
		/*
		 * The connection ended before the server could confirm the
		 * data: an idle one may have been forgotten on the way.
		 */
		if (x->ctrl_err != -EPROTO && knd_ftp_size_agrees(x))
			return KND_FTP_END;
		x->failed = x->ctrl_err == -EPROTO ?
			    KNETDEMO_FTP_FAILED_REPLY :
			    KNETDEMO_FTP_FAILED_CONTROL;
		return x->ctrl_err;
	}
	/* More is a file that has grown */
	if (x->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	    x->offset + x->bytes < x->size) {
		x->failed = KNETDEMO_FTP_FAILED_DATA;
		return -ENODATA;
	}
	return KND_FTP_QUIT;

data_err:
	x->failed = KNETDEMO_FTP_FAILED_DATA;
	return x->data_err;
}

/*
 * The file is there: what the server says now changes nothing. It is read, so
 * that the connection is closed and not reset.
 */
static int knd_ftp_do_quit(struct knd_ftp_xfer *x)
{
	unsigned int code = x->code;

	knd_ftp_limit(x, KND_FTP_QUIT_MS);
	knd_ftp_ask(x, "QUIT", NULL);
	/* The last reply of the result is the one before */
	x->code = code;
	return KND_FTP_END;
}

/* Both connections end with a FIN of ours that was acknowledged, or a reset */
static int knd_ftp_do_end(struct knd_ftp_xfer *x)
{
	int i;

	kernel_sock_shutdown(x->sock[KND_FTP_CTRL], SHUT_WR);
	if (x->sock[KND_FTP_DATA])
		kernel_sock_shutdown(x->sock[KND_FTP_DATA], SHUT_WR);
	x->deadline = jiffies + msecs_to_jiffies(KND_FTP_QUIT_MS);
	for (i = 0; i < ARRAY_SIZE(x->sock); i++)
		if (x->sock[i])
			knd_ftp_close(x, i,
				      !knd_stream_finish(x->sock[i],
							 x->deadline,
							 &x->stop));
	return KND_FTP_DONE;
}

static const struct {
	unsigned int stage;
	unsigned int failed;
	int (*run)(struct knd_ftp_xfer *x);
} knd_ftp_steps[] = {
#define KND_FTP_STEP(_step, _stage, _failed, _run)			\
	[KND_FTP_##_step] = {						\
		.stage	= KNETDEMO_FTP_STAGE_##_stage,			\
		.failed	= KNETDEMO_FTP_FAILED_##_failed,		\
		.run	= _run,						\
	}
	KND_FTP_STEP(CONNECT,	CONNECT,  CONTROL, knd_ftp_do_connect),
	KND_FTP_STEP(GREETING,	GREETING, CONTROL, knd_ftp_do_greeting),
	KND_FTP_STEP(USER,	USER,	  CONTROL, knd_ftp_do_user),
	KND_FTP_STEP(PASS,	PASS,	  CONTROL, knd_ftp_do_pass),
	KND_FTP_STEP(TYPE,	TYPE,	  CONTROL, knd_ftp_do_type),
	KND_FTP_STEP(GET_SIZE,	SIZE,	  CONTROL, knd_ftp_do_size),
	KND_FTP_STEP(GET_MDTM,	MDTM,	  CONTROL, knd_ftp_do_mdtm),
	KND_FTP_STEP(EPSV,	PORT,	  CONTROL, knd_ftp_do_epsv),
	KND_FTP_STEP(EPSV_OPEN,	OPEN,	  DATA,    knd_ftp_do_open),
	KND_FTP_STEP(PASV,	PORT,	  CONTROL, knd_ftp_do_pasv),
	KND_FTP_STEP(PASV_OPEN,	OPEN,	  DATA,    knd_ftp_do_open),
	KND_FTP_STEP(EPRT,	PORT,	  CONTROL, knd_ftp_do_eprt),
	KND_FTP_STEP(PORT,	PORT,	  CONTROL, knd_ftp_do_eprt),
	KND_FTP_STEP(REST,	REST,	  CONTROL, knd_ftp_do_rest),
	KND_FTP_STEP(RETR,	RETR,	  CONTROL, knd_ftp_do_retr),
	KND_FTP_STEP(ACCEPT,	OPEN,	  DATA,    knd_ftp_do_accept),
	KND_FTP_STEP(RECEIVE,	DATA,	  DATA,    knd_ftp_do_receive),
	KND_FTP_STEP(COMPLETE,	COMPLETE, CONTROL, knd_ftp_do_complete),
	KND_FTP_STEP(QUIT,	QUIT,	  NONE,    knd_ftp_do_quit),
	KND_FTP_STEP(END,	QUIT,	  NONE,    knd_ftp_do_end),
};

/**
 * knd_ftp_session - begin a session with a server, or go on with one
 * @x: attached to a namespace, with &knd_ftp_xfer.net_lock held
 *
 * The lock is dropped and taken again around writes to the file, in which time
 * &knd_ftp_xfer.kn may become NULL.
 *
 * Context: process; sleeps.
 * Return: 0 when the file is complete; -EINTR where a signal is pending, then
 * it can be called again; -errno.
 */
int knd_ftp_session(struct knd_ftp_xfer *x)
{
	int next = x->step;

	for (;;) {
		if (x->step != next || x->stage == KNETDEMO_FTP_STAGE_NONE) {
			x->step = next;
			x->failed = KNETDEMO_FTP_FAILED_NONE;
			knd_ftp_restart_stage(x);
			knd_ftp_note(x, knd_ftp_steps[next].stage, 0);
		}
		next = knd_ftp_steps[x->step].run(x);
		if (next < 0 || next == KND_FTP_QUIT || next == KND_FTP_END)
			knd_ftp_keep_text(x);
		if (next < 0)
			break;
		if (next == KND_FTP_TYPE) {
			kfree_sensitive(x->password);
			x->password = NULL;
		}
		if (next == KND_FTP_DONE)
			return 0;
	}
	switch (next) {
	case -EINTR:
	case -ENETDOWN:
	case -ENOMEM:
	case -ERANGE:
	case -ESTALE:
		break;
	default:
		if (x->failed == KNETDEMO_FTP_FAILED_NONE)
			x->failed = knd_ftp_steps[x->step].failed;
	}
	return next;
}
