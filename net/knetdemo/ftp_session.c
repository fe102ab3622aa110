// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: one FTP transfer
 *
 * A session is a sequence of steps. Each step has at most one command and its
 * reply. All that a step knows is in struct knd_ftp_xfer and nothing on the
 * stack, so that a signal can interrupt it anywhere: the step returns -EINTR,
 * and continues where it was when it is called again.
 *
 * REST is the last command before RETR, as RFC 3659, section 5.3, says: some
 * servers forget the offset at any command between the two.
 *
 * Sockets never block. Each wait is one of knd_stream_wait(), which returns at
 * the stage's deadline, for a signal, or when the namespace is dismantled.
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

#include "ftp_client.h"
#include "ftp_proto.h"
#include "ftp_session.h"
#include "knetdemo.h"
#include "skb_bvec.h"
#include "sock_stream.h"
#include "stats.h"

/* Bytes that are taken from the socket and written to the file at once */
#define KND_FTP_CHUNK		SZ_1M
/* Backlog in active mode: others may connect before the server does */
#define KND_FTP_BACKLOG		16
/* How often a server can say that it will be ready later */
#define KND_FTP_MAX_DELAYS	100
/* Limits for the reply to QUIT and for the close, which change no result */
#define KND_FTP_QUIT_MS		1000
/* Limit for the close of a data connection after the last byte */
#define KND_FTP_LINGER_MS	2000
/*
 * The port that EPSV named has this part of a stage's time to answer. PASV and
 * its port follow and have a whole stage's time each, so that a firewall that
 * drops connections to the first port costs a third of a stage, and the
 * transfer does not fail.
 */
#define KND_FTP_EPSV_PART	3

/* Give the current stage less time than the caller's timeout */
static void knd_ftp_limit(struct knd_ftp_xfer *xfer, unsigned int ms)
{
	xfer->deadline = jiffies + msecs_to_jiffies(min(xfer->timeout_ms, ms));
}

static void knd_ftp_restart_stage(struct knd_ftp_xfer *xfer)
{
	xfer->deadline = jiffies + msecs_to_jiffies(xfer->timeout_ms);
}

/*
 * Exchange a socket with &knd_ftp.lock held, under which knd_ftp_pre_exit()
 * reads the pointer. Returns the previous socket, which the caller releases.
 */
static struct socket *knd_ftp_swap(struct knd_ftp_xfer *xfer, int which,
				   struct socket *sock)
{
	struct knd_ftp *ftp = &xfer->kn->ftp;

	spin_lock(&ftp->lock);
	swap(xfer->sock[which], sock);
	spin_unlock(&ftp->lock);
	return sock;
}

/**
 * knd_ftp_close - close a connection of a transfer
 * @xfer: the transfer, with &knd_ftp_xfer.net_lock held and in a namespace
 * @which: KND_FTP_CTRL or KND_FTP_DATA; nothing happens where it is not open
 * @abort: close it by a reset, so that no data is sent or waited for
 *
 * Context: process; may sleep.
 */
void knd_ftp_close(struct knd_ftp_xfer *xfer, int which, bool abort)
{
	struct socket *sock = knd_ftp_swap(xfer, which, NULL);

	if (!sock)
		return;
	if (abort)
		knd_stream_abort(sock);
	else
		sock_release(sock);
}

static int knd_ftp_wait(struct knd_ftp_xfer *xfer, int which, bool out)
{
	return knd_stream_wait(xfer->sock[which], NULL, out, xfer->deadline,
			       &xfer->stop);
}

static int knd_ftp_open(struct knd_ftp_xfer *xfer, int which,
			const struct sockaddr_storage *source)
{
	struct socket *sock;
	int err;

	err = knd_stream_open(xfer->kn->net, source, xfer->device, &sock);
	if (!err)
		knd_ftp_swap(xfer, which, sock);
	return err;
}

static int knd_ftp_connect(struct knd_ftp_xfer *xfer, int which,
			   const struct sockaddr_storage *to)
{
	int err;

	while ((err = knd_stream_connect(xfer->sock[which], to))) {
		if (err != -EINPROGRESS && err != -EALREADY)
			return err;
		err = knd_ftp_wait(xfer, which, true);
		if (err)
			return err;
	}
	return 0;
}

/*
 * <linux/sunrpc/addr.h> has helpers like these. They are part of sunrpc, on
 * which this does not depend, and use struct sockaddr.
 */

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

/* The errno for a reply that refuses a command or does not answer it */
static int knd_ftp_refused(struct knd_ftp_xfer *xfer, unsigned int code)
{
	xfer->failed = KNETDEMO_FTP_FAILED_REPLY;
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

/* RFC 1123, section 4.1.2.11: the first digit decides what a client does */
static bool knd_ftp_is(int code, int digit)
{
	return code / 100 == digit;
}

/*
 * Copy the text of the last reply for the caller. Bytes that are not printable
 * ASCII become question marks, since a terminal may execute them: some
 * terminals have control characters from 128 on as well. If the reply is
 * invalid, the whole line that shows it is copied.
 */
static void knd_ftp_keep_text(struct knd_ftp_xfer *xfer)
{
	const char *from = "";
	size_t i;

	if (xfer->step >= KND_FTP_QUIT)
		return;
	if (xfer->reply.done)
		from = knd_ftp_reply_text(&xfer->reply);
	else if (xfer->reply.bad)
		from = xfer->reply.line;
	memset(xfer->text, 0, sizeof(xfer->text));
	for (i = 0; from[i] && i < sizeof(xfer->text) - 1; i++) {
		u8 c = from[i];

		xfer->text[i] = c < 0x20 || c >= 0x7f ? '?' : c;
	}
}

/*
 * Does the transfer have to end? Each loop calls this, since knd_stream_wait()
 * is not enough: while the peer keeps a socket ready, the loop does not get
 * there, or the wait returns at once.
 */
static int knd_ftp_check(const struct knd_ftp_xfer *xfer)
{
	if (READ_ONCE(xfer->stop))
		return -ENETDOWN;
	if (signal_pending(current))
		return -EINTR;
	return time_after(jiffies, xfer->deadline) ? -ETIMEDOUT : 0;
}

static int knd_ftp_receive(struct knd_ftp_xfer *xfer)
{
	struct kvec vec = { xfer->in, sizeof(xfer->in) };
	struct msghdr msg = {};

	return kernel_recvmsg(xfer->sock[KND_FTP_CTRL], &msg, &vec, 1,
			      vec.iov_len, MSG_DONTWAIT);
}

/*
 * Read one reply, or continue to. Returns its code. Errors are 421, the end of
 * the connection, bytes that are no reply and, without @wait, -EAGAIN where the
 * reply is not complete.
 */
static int knd_ftp_reply(struct knd_ftp_xfer *xfer, bool wait)
{
	int err, n;

	err = knd_ftp_check(xfer);
	if (err && wait)
		return err;
	for (;;) {
		n = knd_ftp_reply_feed(&xfer->reply, xfer->in + xfer->in_pos,
				       xfer->in_len - xfer->in_pos);
		if (n < 0) {
			/* The previous reply left its code: clear it */
			xfer->code = 0;
			xfer->failed = KNETDEMO_FTP_FAILED_REPLY;
			return n;
		}
		xfer->in_pos += n;
		if (xfer->reply.done)
			break;

		n = knd_ftp_receive(xfer);
		if (n == -EAGAIN) {
			err = wait ? knd_ftp_wait(xfer, KND_FTP_CTRL, false) :
				     n;
			if (err)
				return err;
			continue;
		}
		if (n <= 0) {
			xfer->ctrl_err = n ? : -ECONNRESET;
			return xfer->ctrl_err;
		}
		xfer->in_pos = 0;
		xfer->in_len = n;
	}
	xfer->code = xfer->reply.code;
	if (xfer->code != 421)
		return xfer->code;
	xfer->ctrl_err = knd_ftp_refused(xfer, 421);
	return xfer->ctrl_err;
}

/* Begin to read a reply, or continue after -EINTR or -EAGAIN */
static int knd_ftp_read(struct knd_ftp_xfer *xfer, bool wait)
{
	int code;

	if (xfer->ask == KND_FTP_ASK_NONE) {
		knd_ftp_reply_init(&xfer->reply);
		xfer->ask = KND_FTP_ASK_READING;
	}
	code = knd_ftp_reply(xfer, wait);
	if (code != -EINTR && code != -EAGAIN)
		xfer->ask = KND_FTP_ASK_NONE;
	return code;
}

/* Send the rest of the command; returns 0 when all of it was sent */
static int knd_ftp_send(struct knd_ftp_xfer *xfer)
{
	struct socket *sock = xfer->sock[KND_FTP_CTRL];
	int err = 0;
	int n;

	while (xfer->out_pos < xfer->out_len && !err) {
		struct kvec vec = { xfer->command + xfer->out_pos,
				    xfer->out_len - xfer->out_pos };
		struct msghdr msg = {
			.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
		};

		n = kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
		/*
		 * What arrives before the whole command is sent cannot be the
		 * reply to it: refuse it.
		 */
		if (n == -EAGAIN)
			err = knd_ftp_check(xfer) ? :
			      knd_stream_ready(sock) ? -EPROTO :
			      knd_ftp_wait(xfer, KND_FTP_CTRL, true);
		else if (n < 0)
			err = n;
		else
			xfer->out_pos += n;
	}
	if (err != -EINTR)
		memzero_explicit(xfer->command, xfer->out_len);
	return err;
}

/*
 * Send a command and read its reply, or continue after -EINTR. Returns the code
 * or -errno.
 *
 * Nothing may have arrived since the last reply, except the 421 of a server
 * that closes. Otherwise each reply would be taken for that of a later command,
 * and a server could have sent it before it knew that command.
 */
static int knd_ftp_ask(struct knd_ftp_xfer *xfer, const char *verb,
		       const char *arg)
{
	int code, len;
	bool early;

	if (xfer->ask == KND_FTP_ASK_NONE) {
		knd_ftp_reply_init(&xfer->reply);
		if (xfer->in_pos < xfer->in_len ||
		    knd_stream_ready(xfer->sock[KND_FTP_CTRL])) {
			xfer->ask = KND_FTP_ASK_EARLY;
		} else {
			len = knd_ftp_command(xfer->command,
					      sizeof(xfer->command), verb, arg);
			if (len < 0)
				return len;
			xfer->out_pos = 0;
			xfer->out_len = len;
			xfer->ask = KND_FTP_ASK_SENDING;
		}
	}
	if (xfer->ask == KND_FTP_ASK_SENDING) {
		code = knd_ftp_send(xfer);
		if (code == -EINTR)
			return code;
		xfer->ask = code ? KND_FTP_ASK_NONE : KND_FTP_ASK_READING;
		if (code)
			return code;
	}
	early = xfer->ask == KND_FTP_ASK_EARLY;
	code = knd_ftp_read(xfer, true);
	if (code < 0 || !early)
		return code;
	xfer->failed = KNETDEMO_FTP_FAILED_REPLY;
	return -EPROTO;
}

/* The result of a step that has its reply: the next step or an error */
static int knd_ftp_next(struct knd_ftp_xfer *xfer, int code, int digit,
			int next)
{
	if (code < 0)
		return code;
	return knd_ftp_is(code, digit) ? next : knd_ftp_refused(xfer, code);
}

/* The step that prepares the data connection, after TYPE, SIZE and MDTM */
static int knd_ftp_to_data(const struct knd_ftp_xfer *xfer)
{
	bool old = xfer->flags & KNETDEMO_FTP_PASV;

	/* The caller has all bytes. Some servers refuse REST with the size. */
	if (xfer->offset && xfer->offset == xfer->size)
		return KND_FTP_QUIT;
	if (xfer->flags & KNETDEMO_FTP_ACTIVE)
		return old ? KND_FTP_PORT : KND_FTP_EPRT;
	return old ? KND_FTP_PASV : KND_FTP_EPSV;
}

static int knd_ftp_to_mdtm(const struct knd_ftp_xfer *xfer)
{
	return xfer->flags & KNETDEMO_FTP_MDTM ? KND_FTP_GET_MDTM :
					      knd_ftp_to_data(xfer);
}

static int knd_ftp_to_rest(const struct knd_ftp_xfer *xfer)
{
	return xfer->offset ? KND_FTP_REST : KND_FTP_RETR;
}

static int knd_ftp_do_connect(struct knd_ftp_xfer *xfer)
{
	int err = 0;

	if (!xfer->sock[KND_FTP_CTRL])
		err = knd_ftp_open(xfer, KND_FTP_CTRL, &xfer->source);
	if (!err)
		err = knd_ftp_connect(xfer, KND_FTP_CTRL, &xfer->server);
	if (err)
		return err;
	/* The connection is idle during the transfer: probe for its loss */
	knd_stream_keepalive(xfer->sock[KND_FTP_CTRL]);
	/* The data connection must have the address of this peer */
	err = kernel_getpeername(xfer->sock[KND_FTP_CTRL],
				 (struct sockaddr *)&xfer->server);
	return err < 0 ? err : KND_FTP_GREETING;
}

static int knd_ftp_do_greeting(struct knd_ftp_xfer *xfer)
{
	int code, i;

	/*
	 * 120: the server will be ready later. The deadline stays, and a server
	 * that sends one after the other does not keep the processor.
	 */
	for (i = 0; i < KND_FTP_MAX_DELAYS; i++) {
		code = knd_ftp_read(xfer, true);
		if (code != 120)
			break;
		cond_resched();
	}
	return knd_ftp_next(xfer, code, 2, KND_FTP_USER);
}

static int knd_ftp_do_user(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "USER", xfer->user);

	if (knd_ftp_is(code, 3) && code != 332)
		return KND_FTP_PASS;
	return knd_ftp_next(xfer, code, 2, KND_FTP_TYPE);
}

static int knd_ftp_do_pass(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "PASS", xfer->password);

	return knd_ftp_next(xfer, code, 2, KND_FTP_TYPE);
}

static int knd_ftp_do_type(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "TYPE", "I");

	return knd_ftp_next(xfer, code, 2, xfer->flags & KNETDEMO_FTP_SIZE ?
			    KND_FTP_GET_SIZE : knd_ftp_to_mdtm(xfer));
}

/* The size is optional: a server without it can still have the file */
static int knd_ftp_do_size(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "SIZE", xfer->path);

	if (code < 0)
		return code;
	/* A second reply follows 1xx: the next command would read that one */
	if (knd_ftp_is(code, 1))
		return knd_ftp_refused(xfer, code);
	if (code == 213)
		knd_ftp_parse_213(knd_ftp_reply_text(&xfer->reply),
				  &xfer->size);
	/* The caller has more bytes than the file: it is not the same file */
	if (xfer->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	    xfer->offset > xfer->size)
		return -ERANGE;
	return knd_ftp_to_mdtm(xfer);
}

static int knd_ftp_do_mdtm(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "MDTM", xfer->path);

	if (code < 0)
		return code;
	if (knd_ftp_is(code, 1))
		return knd_ftp_refused(xfer, code);
	if (code == 213)
		knd_ftp_parse_mdtm(knd_ftp_reply_text(&xfer->reply),
				   &xfer->mtime);
	if (xfer->mtime_max && xfer->mtime > xfer->mtime_max)
		return -ESTALE;
	return knd_ftp_to_data(xfer);
}

/*
 * Ask the server for the port of the data connection. Its address is that of
 * the control connection, whatever the reply says.
 */
static int knd_ftp_do_epsv(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "EPSV", NULL);
	int port = -EPROTO;

	if (code < 0)
		return code;
	if (code == 229)
		port = knd_ftp_parse_229(knd_ftp_reply_text(&xfer->reply));
	if (port > 0) {
		xfer->data_port = port;
		return KND_FTP_EPSV_OPEN;
	}
	/* Fall back after any reply but 1xx, which a second reply follows */
	if (xfer->server.ss_family == AF_INET && !knd_ftp_is(code, 1))
		return KND_FTP_PASV;
	return knd_ftp_refused(xfer, code);
}

static int knd_ftp_do_pasv(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "PASV", NULL);
	int port = -EPROTO;

	if (code < 0)
		return code;
	if (code == 227)
		port = knd_ftp_parse_227(knd_ftp_reply_text(&xfer->reply));
	if (port < 0)
		return knd_ftp_refused(xfer, code);
	xfer->data_port = port;
	return KND_FTP_PASV_OPEN;
}

/* The local address of data connections, with any port */
static int knd_ftp_local(struct knd_ftp_xfer *xfer,
			 struct sockaddr_storage *local)
{
	int err;

	memset(local, 0, sizeof(*local));
	err = kernel_getsockname(xfer->sock[KND_FTP_CTRL],
				 (struct sockaddr *)local);
	if (err < 0)
		return err;
	knd_ftp_set_port(local, 0);
	return 0;
}

static int knd_ftp_do_open(struct knd_ftp_xfer *xfer)
{
	bool pasv_follows = xfer->step == KND_FTP_EPSV_OPEN &&
			    xfer->server.ss_family == AF_INET;
	struct sockaddr_storage to = xfer->server;
	struct sockaddr_storage local;
	int err = 0;

	if (!xfer->sock[KND_FTP_DATA]) {
		if (pasv_follows)
			knd_ftp_limit(xfer,
				      xfer->timeout_ms / KND_FTP_EPSV_PART);
		err = knd_ftp_local(xfer, &local) ? :
		      knd_ftp_open(xfer, KND_FTP_DATA, &local);
	}
	knd_ftp_set_port(&to, xfer->data_port);
	if (!err)
		err = knd_ftp_connect(xfer, KND_FTP_DATA, &to);
	if (!err)
		return knd_ftp_to_rest(xfer);
	if (!pasv_follows || err == -EINTR || err == -ENETDOWN)
		return err;
	/* Some firewalls and address translators only open ports of PASV */
	knd_ftp_close(xfer, KND_FTP_DATA, true);
	return KND_FTP_PASV;
}

/* Listen for the data connection, and tell the server where */
static int knd_ftp_do_eprt(struct knd_ftp_xfer *xfer)
{
	struct sockaddr_storage local;
	char host[KND_FTP_HOST_LEN];
	int code, err;

	if (!xfer->sock[KND_FTP_DATA]) {
		err = knd_ftp_local(xfer, &local) ? :
		      knd_ftp_open(xfer, KND_FTP_DATA, &local) ? :
		      kernel_listen(xfer->sock[KND_FTP_DATA],
				    KND_FTP_BACKLOG);
		if (err)
			return err;
	}
	err = kernel_getsockname(xfer->sock[KND_FTP_DATA],
				 (struct sockaddr *)&local);
	if (err < 0)
		return err;

	if (xfer->step == KND_FTP_PORT) {
		knd_ftp_port(host, sizeof(host), (const void *)&local);
		code = knd_ftp_ask(xfer, "PORT", host);
	} else {
		knd_ftp_eprt(host, sizeof(host), &local);
		code = knd_ftp_ask(xfer, "EPRT", host);
		if (code > 0 && local.ss_family == AF_INET &&
		    !knd_ftp_is(code, 1) && !knd_ftp_is(code, 2))
			return KND_FTP_PORT;
	}
	return knd_ftp_next(xfer, code, 2, knd_ftp_to_rest(xfer));
}

static int knd_ftp_do_rest(struct knd_ftp_xfer *xfer)
{
	char number[sizeof("18446744073709551615")];
	int code;

	snprintf(number, sizeof(number), "%llu", xfer->offset);
	code = knd_ftp_ask(xfer, "REST", number);
	return knd_ftp_next(xfer, code, 3, KND_FTP_RETR);
}

static int knd_ftp_do_retr(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_ask(xfer, "RETR", xfer->path);

	return knd_ftp_next(xfer, code, 1, xfer->flags & KNETDEMO_FTP_ACTIVE ?
			    KND_FTP_ACCEPT : KND_FTP_RECEIVE);
}

/*
 * Read the reply that confirms the data, as far as it has arrived. Whatever it
 * says, and also if the control connection ends, the data is read to its end
 * before the result is decided: what has arrived is not lost.
 */
static void knd_ftp_final(struct knd_ftp_xfer *xfer)
{
	int code = knd_ftp_read(xfer, false);

	if (code == -EAGAIN)
		return;
	xfer->failed = KNETDEMO_FTP_FAILED_NONE;
	if (code > 0)
		xfer->final = code;
	else if (!xfer->ctrl_err)
		xfer->ctrl_err = code;
}

/* The control connection ended, or had bytes that are no reply */
static int knd_ftp_ctrl_failed(struct knd_ftp_xfer *xfer)
{
	xfer->failed = xfer->ctrl_err == -EPROTO ?
		       KNETDEMO_FTP_FAILED_REPLY : KNETDEMO_FTP_FAILED_CONTROL;
	return xfer->ctrl_err;
}

static bool knd_ftp_heard_all(const struct knd_ftp_xfer *xfer)
{
	return xfer->final || xfer->ctrl_err;
}

/* Has the file as many bytes as SIZE said? */
static bool knd_ftp_size_agrees(const struct knd_ftp_xfer *xfer)
{
	return xfer->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	       xfer->offset + xfer->bytes == xfer->size;
}

/* Wait for the data connection, or for a reply about it */
static int knd_ftp_wait_data(struct knd_ftp_xfer *xfer)
{
	struct socket *ctrl = xfer->sock[KND_FTP_CTRL];

	/* The reply may be in the buffer: then the socket is not readable */
	if (!knd_ftp_heard_all(xfer)) {
		knd_ftp_final(xfer);
		if (knd_ftp_heard_all(xfer))
			return 0;
	}
	/* No more data is expected, but some servers never close */
	if (xfer->step == KND_FTP_RECEIVE && xfer->final && !xfer->lingering &&
	    (knd_ftp_size_agrees(xfer) || !knd_ftp_is(xfer->final, 2))) {
		xfer->lingering = true;
		knd_ftp_limit(xfer, KND_FTP_LINGER_MS);
	}
	return knd_stream_wait(xfer->sock[KND_FTP_DATA],
			       knd_ftp_heard_all(xfer) ? NULL : ctrl, false,
			       xfer->deadline, &xfer->stop);
}

/* Accept the server's connection, and reset those from other addresses */
static int knd_ftp_do_accept(struct knd_ftp_xfer *xfer)
{
	struct sockaddr_storage peer = {};
	struct socket *sock;
	int err;

	for (;;) {
		err = kernel_accept(xfer->sock[KND_FTP_DATA], &sock,
				    O_NONBLOCK);
		if (err == -EAGAIN) {
			/* After a refusal the server will not connect */
			if (xfer->final && !knd_ftp_is(xfer->final, 2))
				return knd_ftp_refused(xfer, xfer->final);
			if (xfer->ctrl_err)
				return knd_ftp_ctrl_failed(xfer);
			err = knd_ftp_wait_data(xfer);
			if (err)
				return err;
			continue;
		}
		if (err)
			return err;

		err = kernel_getpeername(sock, (struct sockaddr *)&peer);
		if (err >= 0 && knd_ftp_same_host(&peer, &xfer->server))
			break;
		knd_stat_inc(xfer->kn, KND_STAT_FTP_ROGUE);
		knd_stream_abort(sock);
		err = knd_ftp_check(xfer);
		if (err)
			return err;
		cond_resched();
	}
	sock_release(knd_ftp_swap(xfer, KND_FTP_DATA, sock));
	return KND_FTP_RECEIVE;
}

/*
 * Write the held data to the file. The namespace can be dismantled meanwhile,
 * since its exit does not wait for a file system. A file system may shorten the
 * iterator where a limit is reached; the next write returns the error of that
 * limit. After -EINTR the data that is not written is still held.
 */
static int knd_ftp_write(struct knd_ftp_xfer *xfer)
{
	struct iov_iter iter;
	ssize_t n = 0;
	u64 done = 0;

	mutex_unlock(&xfer->net_lock);
	iov_iter_bvec(&iter, ITER_SOURCE, xfer->pages.vec, xfer->pages.nr,
		      xfer->held);
	iov_iter_advance(&iter, xfer->held_done);
	while (xfer->held_done < xfer->held) {
		iov_iter_reexpand(&iter, xfer->held - xfer->held_done);
		n = vfs_iter_write(xfer->file, &iter, &xfer->pos, 0);
		if (!n)
			n = -EIO;
		if (n < 0)
			break;
		xfer->held_done += n;
		done += n;
	}
	if (n == -ERESTARTSYS || n == -ERESTARTNOINTR || n == -EINTR)
		n = -EINTR;
	else
		knd_pages_put(&xfer->pages);
	mutex_lock(&xfer->net_lock);

	xfer->bytes += done;
	if (n < 0 && n != -EINTR) {
		xfer->stage = KNETDEMO_FTP_STAGE_WRITE;
		xfer->failed = KNETDEMO_FTP_FAILED_FILE;
	}
	if (!xfer->kn)
		return n < 0 && n != -EINTR ? n : -ENETDOWN;
	knd_ftp_note_bytes(xfer, done);
	return n < 0 ? n : 0;
}

/*
 * A server that accepts REST and ignores it sends the whole file, so at least
 * as many bytes as SIZE said. A server that respects REST sends fewer, unless
 * the file has meanwhile grown by the whole offset.
 */
static bool knd_ftp_rest_ignored(const struct knd_ftp_xfer *xfer)
{
	return xfer->offset && xfer->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	       xfer->bytes + xfer->held >= xfer->size;
}

static int knd_ftp_do_receive(struct knd_ftp_xfer *xfer)
{
	ssize_t n;
	int err;

	for (;;) {
		err = knd_ftp_check(xfer);
		if (err == -ETIMEDOUT && xfer->lingering)
			return KND_FTP_COMPLETE;
		if (err)
			return err;
		/* After a signal, data can be held that is not written */
		if (!xfer->pages.nr) {
			n = knd_stream_collect(xfer->sock[KND_FTP_DATA],
					       &xfer->pages, KND_FTP_CHUNK,
					       xfer->pos);
			if (n == -EAGAIN) {
				err = knd_ftp_wait_data(xfer);
				if (err == -ETIMEDOUT && xfer->lingering)
					return KND_FTP_COMPLETE;
				if (err)
					return err;
				continue;
			}
			/* Errors of this host, not of the connection */
			if (n == -ENOMEM || n == -EOPNOTSUPP)
				return n;
			if (n <= 0) {
				xfer->data_err = n;
				return KND_FTP_COMPLETE;
			}
			xfer->held = n;
			xfer->held_done = 0;
			if (knd_ftp_rest_ignored(xfer)) {
				xfer->spoiled = true;
				return -EOVERFLOW;
			}
		}
		err = knd_ftp_write(xfer);
		if (err)
			return err;
		xfer->lingering = false;
		knd_ftp_restart_stage(xfer);
	}
}

/*
 * The data has ended. Whether the file is whole depends on three things: how
 * the data connection ended, the size, and the server's reply.
 */
static int knd_ftp_do_complete(struct knd_ftp_xfer *xfer)
{
	int code;

	/* A reset after the last byte is harmless if the other two agree */
	if (xfer->data_err && !knd_ftp_size_agrees(xfer))
		goto data_err;
	/* knd_ftp_do_end() closes it, when the server had time for its FIN */
	if (!xfer->data_err)
		kernel_sock_shutdown(xfer->sock[KND_FTP_DATA], SHUT_WR);

	if (!knd_ftp_heard_all(xfer)) {
		code = knd_ftp_read(xfer, true);
		if (code > 0)
			xfer->final = code;
		else if (!xfer->ctrl_err)
			return code;
	}
	if (xfer->final && !knd_ftp_is(xfer->final, 2))
		return knd_ftp_refused(xfer, xfer->final);
	if (!xfer->final) {
		if (xfer->data_err)
			goto data_err;
		/*
		 * The control connection ended before the server confirmed the
		 * data. A NAT may have dropped it while it was idle.
		 */
		if (xfer->ctrl_err != -EPROTO && knd_ftp_size_agrees(xfer))
			return KND_FTP_END;
		return knd_ftp_ctrl_failed(xfer);
	}
	/* More bytes are fine: the file has grown meanwhile */
	if (xfer->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	    xfer->offset + xfer->bytes < xfer->size) {
		xfer->failed = KNETDEMO_FTP_FAILED_DATA;
		return -ENODATA;
	}
	return KND_FTP_QUIT;

data_err:
	xfer->failed = KNETDEMO_FTP_FAILED_DATA;
	return xfer->data_err;
}

/*
 * The file is complete, and no reply changes that any more. The reply is read
 * all the same: closing a socket with unread data would reset the connection.
 */
static int knd_ftp_do_quit(struct knd_ftp_xfer *xfer)
{
	unsigned int code = xfer->code;

	knd_ftp_limit(xfer, KND_FTP_QUIT_MS);
	knd_ftp_ask(xfer, "QUIT", NULL);
	/* The caller gets the reply before QUIT */
	xfer->code = code;
	return KND_FTP_END;
}

/*
 * Close both connections gracefully. If the peer does not acknowledge the FIN
 * in time, reset the connection: the socket would lose its timers when it is
 * closed, see knd_sock_lingers().
 */
static int knd_ftp_do_end(struct knd_ftp_xfer *xfer)
{
	int i;

	kernel_sock_shutdown(xfer->sock[KND_FTP_CTRL], SHUT_WR);
	if (xfer->sock[KND_FTP_DATA])
		kernel_sock_shutdown(xfer->sock[KND_FTP_DATA], SHUT_WR);
	xfer->deadline = jiffies + msecs_to_jiffies(KND_FTP_QUIT_MS);
	for (i = 0; i < ARRAY_SIZE(xfer->sock); i++)
		if (xfer->sock[i])
			knd_ftp_close(xfer, i,
				      !knd_stream_finish(xfer->sock[i],
							 xfer->deadline,
							 &xfer->stop));
	return KND_FTP_DONE;
}

static const struct {
	unsigned int stage;
	unsigned int failed;
	int (*run)(struct knd_ftp_xfer *xfer);
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
 * knd_ftp_session - begin a session with a server, or continue one
 * @xfer: attached to a namespace, with &knd_ftp_xfer.net_lock held
 *
 * The lock is dropped and taken again around each write to the file. Meanwhile
 * &knd_ftp_xfer.kn can become NULL.
 *
 * Context: process; sleeps.
 * Return: 0 when the file is complete; -EINTR where a signal is pending, after
 * which it can be called again; another -errno, after which it cannot. In each
 * case the sockets stay open for the caller to close.
 */
int knd_ftp_session(struct knd_ftp_xfer *xfer)
{
	int next = xfer->step;

	for (;;) {
		if (xfer->step != next ||
		    xfer->stage == KNETDEMO_FTP_STAGE_NONE) {
			xfer->step = next;
			xfer->failed = KNETDEMO_FTP_FAILED_NONE;
			knd_ftp_restart_stage(xfer);
			knd_ftp_note(xfer, knd_ftp_steps[next].stage, 0);
		}
		next = knd_ftp_steps[xfer->step].run(xfer);
		if (next < 0 || next == KND_FTP_QUIT || next == KND_FTP_END)
			knd_ftp_keep_text(xfer);
		if (next < 0)
			break;
		if (next == KND_FTP_TYPE) {
			kfree_sensitive(xfer->password);
			xfer->password = NULL;
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
		if (xfer->failed == KNETDEMO_FTP_FAILED_NONE)
			xfer->failed = knd_ftp_steps[xfer->step].failed;
	}
	return next;
}
