// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the FTP client
 *
 * A transfer runs in the task that asked for it, with its credentials, its
 * limits and its cgroup. It holds no reference on the network namespace. Two
 * locks make that safe:
 *
 *  - knd_ftp_xfer.net_lock is held by the task while it uses the network or
 *    struct knd_net, and not while it writes to the file, which may take for
 *    ever. The namespace's exit takes it, closes the sockets and clears
 *    knd_ftp_xfer.kn: then the task finds that the network is gone.
 *  - knd_ftp.lock protects the list of transfers, what can be read about them
 *    and the pointers to their sockets, so that pre_exit can wake the tasks.
 *
 * Sockets never block: each wait is knd_stream_wait(), which ends with the
 * stage's deadline, a signal or the namespace.
 */

#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <uapi/linux/knetdemo.h>

#include "knetdemo.h"
#include "trace.h"

/* Taken from the socket and written to the file at once */
#define KND_FTP_CHUNK		SZ_1M
/* Transfers that are over and still shown */
#define KND_FTP_PAST		16
/* Nobody waits longer than this for a good-bye */
#define KND_FTP_QUIT_MS		1000
#define KND_FTP_TIMEOUT_MIN	100
#define KND_FTP_TIMEOUT_MAX	600000

/**
 * struct knd_ftp_record - what can be seen of a transfer
 * @list: in &knd_ftp.records, the youngest first
 * @x: the transfer while it runs
 * @id: its number in this namespace
 * @stage: enum knetdemo_ftp_stage
 * @code: of the last reply
 * @err: how it ended
 * @bytes: written to the file
 * @size: that the server said, or KNETDEMO_FTP_SIZE_UNKNOWN
 * @offset: where it started
 * @start: when, in ns of ktime_get_ns()
 * @end: when it ended
 * @server: address and port
 * @path: as much of it as fits
 */
struct knd_ftp_record {
	struct list_head list;
	struct knd_ftp_xfer *x;
	u32 id;
	unsigned int stage;
	unsigned int code;
	int err;
	u64 bytes;
	u64 size;
	u64 offset;
	u64 start;
	u64 end;
	struct sockaddr_storage server;
	char path[64];
};

enum { KND_FTP_CTRL, KND_FTP_DATA, KND_FTP_SOCKS };

/**
 * struct knd_ftp_xfer - one transfer
 * @ref: the task that runs it has one, the namespace's exit takes another
 * @net_lock: see the head of this file
 * @kn: the namespace, NULL before knd_ftp_attach() and when it is gone
 * @rec: what can be seen of it, belongs to @kn
 * @sock: the control connection; the data connection or its listener. Written
 *	by the task with @net_lock and &knd_ftp.lock held.
 * @stop: the namespace goes
 * @file: where the data goes
 * @server: address and port
 * @source: local address and port
 * @user: name to log in with
 * @password: wiped as soon as it was sent
 * @path: of the file to retrieve
 * @device: network device to bind to, or an empty string
 * @flags: KNETDEMO_FTP_*
 * @id: of @rec, outlives it
 * @timeout_ms: of a stage, 0 until the knob is known
 * @deadline: of the running stage, in jiffies
 * @stage: enum knetdemo_ftp_stage
 * @pos: in @file
 * @offset: where it started
 * @bytes: written so far
 * @size: of the whole file, or KNETDEMO_FTP_SIZE_UNKNOWN
 * @data_port: where the server awaits the data connection
 * @final: code of the reply that ends the transfer, 0 until it is there
 * @code: of the last reply
 * @in_pos: bytes used of @in
 * @in_len: bytes in @in
 * @reply: the reply in the works or the last one
 * @pages: data between the socket and @file
 * @in: what came over the control connection
 * @command: what goes there
 */
struct knd_ftp_xfer {
	refcount_t ref;
	struct mutex net_lock;	/* see the head of this file */
	struct knd_net *kn;
	struct knd_ftp_record *rec;
	struct socket *sock[KND_FTP_SOCKS];
	bool stop;
	struct file *file;
	struct sockaddr_storage server;
	struct sockaddr_storage source;
	char *user;
	char *password;
	char *path;
	char device[IFNAMSIZ];
	u32 flags;
	u32 id;
	unsigned int timeout_ms;
	unsigned long deadline;
	unsigned int stage;
	loff_t pos;
	u64 offset;
	u64 bytes;
	u64 size;
	int data_port;
	unsigned int final;
	unsigned int code;
	unsigned int in_pos;
	unsigned int in_len;
	struct knd_ftp_reply reply;
	struct knd_pages pages;
	char in[512];
	char command[PATH_MAX + sizeof("RETR \r\n")];
};

static const char * const knd_ftp_stages[] = {
	[KNETDEMO_FTP_STAGE_NONE]	= "none",
	[KNETDEMO_FTP_STAGE_CONNECT]	= "connect",
	[KNETDEMO_FTP_STAGE_GREETING]	= "greeting",
	[KNETDEMO_FTP_STAGE_USER]	= "user",
	[KNETDEMO_FTP_STAGE_PASS]	= "pass",
	[KNETDEMO_FTP_STAGE_TYPE]	= "type",
	[KNETDEMO_FTP_STAGE_SIZE]	= "size",
	[KNETDEMO_FTP_STAGE_REST]	= "rest",
	[KNETDEMO_FTP_STAGE_PORT]	= "port",
	[KNETDEMO_FTP_STAGE_RETR]	= "retr",
	[KNETDEMO_FTP_STAGE_OPEN]	= "open",
	[KNETDEMO_FTP_STAGE_DATA]	= "data",
	[KNETDEMO_FTP_STAGE_WRITE]	= "write",
	[KNETDEMO_FTP_STAGE_COMPLETE]	= "complete",
	[KNETDEMO_FTP_STAGE_QUIT]	= "quit",
	[KNETDEMO_FTP_STAGE_DONE]	= "done",
	[KNETDEMO_FTP_STAGE_MDTM]	= "mdtm",
};

static_assert(offsetof(struct knetdemo_ftp_get, device) ==
	      KNETDEMO_FTP_GET_SIZE_VER0);
static_assert(sizeof(struct knetdemo_ftp_get) == KNETDEMO_FTP_GET_SIZE_VER1);
static_assert(sizeof_field(struct knetdemo_ftp_get, device) == IFNAMSIZ);

/* Show how far it is; @err is how it ended, 0 while it goes on */
static void knd_ftp_note(struct knd_ftp_xfer *x, unsigned int stage, int err)
{
	struct knd_ftp *ftp = &x->kn->ftp;
	struct knd_ftp_record *rec = x->rec;

	x->stage = stage;
	spin_lock(&ftp->lock);
	rec->stage = stage;
	rec->code = x->code;
	rec->bytes = x->bytes;
	rec->size = x->size;
	spin_unlock(&ftp->lock);
	trace_knetdemo_ftp_stage(x->kn->net, rec->id, stage, x->code, x->bytes,
				 err);
}

static void knd_ftp_stage(struct knd_ftp_xfer *x, unsigned int stage)
{
	x->deadline = jiffies + msecs_to_jiffies(x->timeout_ms);
	knd_ftp_note(x, stage, 0);
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

static void knd_ftp_close(struct knd_ftp_xfer *x, int which, bool abort)
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

static u16 knd_ftp_get_port(const struct sockaddr_storage *ss)
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

/* What a reply that says no is in the words of errno */
static int knd_ftp_refused(unsigned int code)
{
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
 * Read one reply. Returns its code; what is no reply, the end of the
 * connection and 421 are errors.
 */
static int knd_ftp_reply(struct knd_ftp_xfer *x)
{
	int err, n;

	err = knd_ftp_check(x);
	if (err)
		return err;
	knd_ftp_reply_init(&x->reply);
	for (;;) {
		n = knd_ftp_reply_feed(&x->reply, x->in + x->in_pos,
				       x->in_len - x->in_pos);
		if (n < 0)
			return n;
		x->in_pos += n;
		if (x->reply.done)
			break;

		n = knd_ftp_receive(x);
		if (n == -EAGAIN) {
			err = knd_ftp_wait(x, KND_FTP_CTRL, false);
			if (err)
				return err;
			continue;
		}
		if (n < 0)
			return n;
		if (!n)
			return -ECONNRESET;
		x->in_pos = 0;
		x->in_len = n;
	}
	x->code = x->reply.code;
	return x->code == 421 ? knd_ftp_refused(421) : x->code;
}

/*
 * Send a command. Nothing may have come since the last reply, but for the 421
 * of a server that is tired: or else replies and commands do not pair, and a
 * later answer could be one that was made up before its question.
 */
static int knd_ftp_send(struct knd_ftp_xfer *x, const char *verb,
			const char *arg)
{
	struct socket *sock = x->sock[KND_FTP_CTRL];
	int done = 0, err = 0;
	int len, n;

	if (x->in_pos < x->in_len || knd_stream_ready(sock)) {
		err = knd_ftp_reply(x);
		return err < 0 ? err : -EPROTO;
	}

	len = knd_ftp_command(x->command, sizeof(x->command), verb, arg);
	if (len < 0)
		return len;
	while (done < len && !err) {
		struct kvec vec = { x->command + done, len - done };
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
			done += n;
	}
	memzero_explicit(x->command, len);
	return err;
}

static int knd_ftp_ask(struct knd_ftp_xfer *x, const char *verb,
		       const char *arg)
{
	int err = knd_ftp_send(x, verb, arg);

	return err ? : knd_ftp_reply(x);
}

static int knd_ftp_greeting(struct knd_ftp_xfer *x)
{
	int code;

	/* 120: ready in some minutes; as long as that fits in the deadline */
	do {
		code = knd_ftp_reply(x);
	} while (code == 120);
	if (code < 0)
		return code;
	return code == 220 ? 0 : knd_ftp_refused(code);
}

static int knd_ftp_login(struct knd_ftp_xfer *x)
{
	int code;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_USER);
	code = knd_ftp_ask(x, "USER", x->user);
	if (code == 331) {
		knd_ftp_stage(x, KNETDEMO_FTP_STAGE_PASS);
		code = knd_ftp_ask(x, "PASS", x->password);
		if (code == 202)
			code = 230;
	}
	kfree_sensitive(x->password);
	x->password = NULL;
	if (code < 0)
		return code;
	return code == 230 ? 0 : knd_ftp_refused(code);
}

static int knd_ftp_type(struct knd_ftp_xfer *x)
{
	int code;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_TYPE);
	code = knd_ftp_ask(x, "TYPE", "I");
	if (code < 0)
		return code;
	return code == 200 ? 0 : knd_ftp_refused(code);
}

/* A server that does not know the size may have the file all the same */
static int knd_ftp_size(struct knd_ftp_xfer *x)
{
	int code, err;

	if (!(x->flags & KNETDEMO_FTP_SIZE))
		return 0;
	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_SIZE);
	code = knd_ftp_ask(x, "SIZE", x->path);
	if (code < 0)
		return code;
	if (code >= 400)
		return 0;
	if (code != 213)
		return -EPROTO;
	err = knd_ftp_parse_213(x->reply.line + 4, &x->size);
	if (err)
		return err;
	/* The caller has more than there is: not the same file */
	return x->offset > x->size ? -ERANGE : 0;
}

static int knd_ftp_rest(struct knd_ftp_xfer *x)
{
	char number[sizeof("18446744073709551615")];
	int code;

	if (!x->offset)
		return 0;
	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_REST);
	snprintf(number, sizeof(number), "%llu", x->offset);
	code = knd_ftp_ask(x, "REST", number);
	if (code < 0)
		return code;
	return code == 350 ? 0 : knd_ftp_refused(code);
}

/*
 * Ask the server where it awaits the data connection. Only the port counts:
 * the address is the one that the control connection has.
 */
static int knd_ftp_passive(struct knd_ftp_xfer *x)
{
	int code, port;

	code = knd_ftp_ask(x, "EPSV", NULL);
	if (code < 0)
		return code;
	if (code == 229) {
		port = knd_ftp_parse_229(x->reply.line + 4);
	} else if (code >= 500 && x->server.ss_family == AF_INET) {
		code = knd_ftp_ask(x, "PASV", NULL);
		if (code < 0)
			return code;
		if (code != 227)
			return knd_ftp_refused(code);
		port = knd_ftp_parse_227(x->reply.line + 4);
	} else {
		return knd_ftp_refused(code);
	}
	if (port < 0)
		return port;
	x->data_port = port;
	return 0;
}

static int knd_ftp_active(struct knd_ftp_xfer *x,
			  struct sockaddr_storage *local)
{
	char host[KND_FTP_HOST_LEN];
	int code, err;

	err = knd_ftp_open(x, KND_FTP_DATA, local);
	if (err)
		return err;
	err = knd_stream_listen(x->sock[KND_FTP_DATA], local);
	if (err)
		return err;

	knd_ftp_eprt(host, sizeof(host), local);
	code = knd_ftp_ask(x, "EPRT", host);
	if (code >= 500 && local->ss_family == AF_INET) {
		knd_ftp_port(host, sizeof(host), (const void *)local);
		code = knd_ftp_ask(x, "PORT", host);
	}
	if (code < 0)
		return code;
	return code == 200 ? 0 : knd_ftp_refused(code);
}

/* The data connection in the passive case, what awaits it in the active one */
static int knd_ftp_prepare_data(struct knd_ftp_xfer *x)
{
	struct sockaddr_storage to = x->server;
	struct sockaddr_storage local = {};
	int err;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_PORT);
	err = kernel_getsockname(x->sock[KND_FTP_CTRL],
				 (struct sockaddr *)&local);
	if (err < 0)
		return err;
	knd_ftp_set_port(&local, 0);

	if (x->flags & KNETDEMO_FTP_ACTIVE)
		return knd_ftp_active(x, &local);

	err = knd_ftp_passive(x);
	if (err)
		return err;
	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_OPEN);
	err = knd_ftp_open(x, KND_FTP_DATA, &local);
	if (err)
		return err;
	knd_ftp_set_port(&to, x->data_port);
	return knd_ftp_connect(x, KND_FTP_DATA, &to);
}

/* The reply that ends the transfer; good or bad, there is only one */
static int knd_ftp_final(struct knd_ftp_xfer *x)
{
	int code = knd_ftp_reply(x);

	if (code < 0)
		return code;
	if (code != 226 && code != 250)
		return knd_ftp_refused(code);
	x->final = code;
	return 0;
}

/*
 * Wait for the data connection, or for the server to say that there will be
 * none, or no more.
 */
static int knd_ftp_wait_data(struct knd_ftp_xfer *x)
{
	struct socket *ctrl = x->final ? NULL : x->sock[KND_FTP_CTRL];
	struct socket *data = x->sock[KND_FTP_DATA];
	int err;

	/* What came with the reply before is in the buffer */
	if (ctrl && x->in_pos < x->in_len)
		return knd_ftp_final(x);
	err = knd_stream_wait(data, ctrl, false, x->deadline, &x->stop);
	if (err || knd_stream_ready(data))
		return err;
	return knd_ftp_final(x);
}

/* Let the server connect, and nobody else */
static int knd_ftp_accept(struct knd_ftp_xfer *x)
{
	struct sockaddr_storage peer = {};
	struct socket *sock;
	int err;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_OPEN);
	for (;;) {
		err = kernel_accept(x->sock[KND_FTP_DATA], &sock, O_NONBLOCK);
		if (err == -EAGAIN) {
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
	return 0;
}

/*
 * Write what was collected. The network may go away meanwhile: no lock of it
 * is held.
 */
static int knd_ftp_write(struct knd_ftp_xfer *x, size_t len)
{
	struct iov_iter iter;
	ssize_t n = 0;
	u64 done = 0;

	mutex_unlock(&x->net_lock);
	iov_iter_bvec(&iter, ITER_SOURCE, x->pages.vec, x->pages.nr, len);
	while (iov_iter_count(&iter)) {
		n = vfs_iter_write(x->file, &iter, &x->pos, 0);
		if (!n)
			n = -EIO;
		if (n < 0)
			break;
		done += n;
	}
	knd_pages_put(&x->pages);
	mutex_lock(&x->net_lock);

	x->bytes += done;
	if (n < 0)
		x->stage = KNETDEMO_FTP_STAGE_WRITE;
	if (!x->kn)
		return n < 0 ? n : -ENETDOWN;
	knd_stat_add(x->kn, KND_STAT_FTP_BYTES, done);
	spin_lock(&x->kn->ftp.lock);
	x->rec->bytes = x->bytes;
	spin_unlock(&x->kn->ftp.lock);
	return n < 0 ? n : 0;
}

static int knd_ftp_data(struct knd_ftp_xfer *x)
{
	ssize_t n;
	int err;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_DATA);
	for (;;) {
		err = knd_ftp_check(x);
		if (err)
			return err;
		n = knd_stream_collect(x->sock[KND_FTP_DATA], &x->pages,
				       KND_FTP_CHUNK, x->pos);
		if (n == -EAGAIN) {
			err = knd_ftp_wait_data(x);
			if (err)
				return err;
			continue;
		}
		if (n <= 0)
			return n;
		if (x->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
		    n > x->size - x->offset - x->bytes) {
			knd_pages_put(&x->pages);
			return -EOVERFLOW;
		}
		err = knd_ftp_write(x, n);
		if (err)
			return err;
		x->deadline = jiffies + msecs_to_jiffies(x->timeout_ms);
	}
}

static int knd_ftp_retrieve(struct knd_ftp_xfer *x)
{
	int code, err;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_RETR);
	code = knd_ftp_ask(x, "RETR", x->path);
	if (code < 0)
		return code;
	if (code != 125 && code != 150)
		return knd_ftp_refused(code);

	if (x->flags & KNETDEMO_FTP_ACTIVE) {
		err = knd_ftp_accept(x);
		if (err)
			return err;
	}
	err = knd_ftp_data(x);
	if (err)
		return err;
	/* Closed in knd_ftp_end(), when the server has had time to answer */
	kernel_sock_shutdown(x->sock[KND_FTP_DATA], SHUT_WR);

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_COMPLETE);
	if (!x->final) {
		err = knd_ftp_final(x);
		if (err)
			return err;
	}
	if (x->size != KNETDEMO_FTP_SIZE_UNKNOWN &&
	    x->offset + x->bytes != x->size)
		return -ENODATA;
	return 0;
}

/*
 * The file is there: what the server says now changes nothing. It is read, so
 * that the connection ends in order and not with a reset.
 */
static void knd_ftp_quit(struct knd_ftp_xfer *x)
{
	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_QUIT);
	x->deadline = jiffies + msecs_to_jiffies(min(x->timeout_ms,
						     KND_FTP_QUIT_MS));
	if (knd_ftp_send(x, "QUIT", NULL))
		return;
	while (!knd_ftp_check(x) && !knd_ftp_wait(x, KND_FTP_CTRL, false))
		if (knd_ftp_receive(x) <= 0)
			return;
}

/* Both connections end with a FIN of ours that was acknowledged, or a reset */
static void knd_ftp_end(struct knd_ftp_xfer *x)
{
	int i;

	kernel_sock_shutdown(x->sock[KND_FTP_CTRL], SHUT_WR);
	x->deadline = jiffies + msecs_to_jiffies(KND_FTP_QUIT_MS);
	for (i = 0; i < ARRAY_SIZE(x->sock); i++)
		knd_ftp_close(x, i, !knd_stream_finish(x->sock[i], x->deadline,
						       &x->stop));
}

static int knd_ftp_session(struct knd_ftp_xfer *x)
{
	int err;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_CONNECT);
	err = knd_ftp_open(x, KND_FTP_CTRL, &x->source);
	if (err)
		return err;
	err = knd_ftp_connect(x, KND_FTP_CTRL, &x->server);
	if (err)
		return err;
	/* Who it really is: the address asked for may stand for another */
	err = kernel_getpeername(x->sock[KND_FTP_CTRL],
				 (struct sockaddr *)&x->server);
	if (err < 0)
		return err;

	knd_ftp_stage(x, KNETDEMO_FTP_STAGE_GREETING);
	err = knd_ftp_greeting(x) ? :
	      knd_ftp_login(x) ? :
	      knd_ftp_type(x) ? :
	      knd_ftp_size(x) ? :
	      knd_ftp_rest(x) ? :
	      knd_ftp_prepare_data(x) ? :
	      knd_ftp_retrieve(x);
	if (err)
		return err;

	knd_ftp_quit(x);
	knd_ftp_end(x);
	return 0;
}

/* The transfer is over: the record stays, older ones go */
static void knd_ftp_detach(struct knd_ftp_xfer *x, int err)
{
	struct knd_ftp *ftp = &x->kn->ftp;
	struct knd_ftp_record *rec = x->rec;
	struct knd_ftp_record *oldest = NULL;
	struct knd_ftp_record *tmp;

	spin_lock(&ftp->lock);
	rec->x = NULL;
	rec->err = err;
	rec->end = ktime_get_ns();
	if (++ftp->past > KND_FTP_PAST) {
		list_for_each_entry_reverse(tmp, &ftp->records, list) {
			if (!tmp->x) {
				oldest = tmp;
				break;
			}
		}
		list_del(&oldest->list);
		ftp->past--;
	}
	spin_unlock(&ftp->lock);
	kfree(oldest);
	x->rec = NULL;
	x->kn = NULL;
}

/**
 * knd_ftp_run - do a transfer
 * @x: of knd_ftp_attach()
 *
 * Context: process, the one whose file it is; sleeps until the end, which is
 * also a signal or the end of the namespace.
 * Return: 0 or -errno; knd_ftp_result() has more.
 */
int knd_ftp_run(struct knd_ftp_xfer *x)
{
	int err = -ENETDOWN;

	mutex_lock(&x->net_lock);
	if (!x->kn)
		goto unlock;
	err = knd_ftp_session(x);
	if (!x->kn)
		goto unlock;
	knd_ftp_close(x, KND_FTP_DATA, true);
	knd_ftp_close(x, KND_FTP_CTRL, true);
	knd_stat_inc(x->kn, err ? KND_STAT_FTP_FAILED : KND_STAT_FTP_DONE);
	knd_ftp_note(x, err ? x->stage : KNETDEMO_FTP_STAGE_DONE, err);
	knd_ftp_detach(x, err);
unlock:
	mutex_unlock(&x->net_lock);
	return err;
}

/**
 * knd_ftp_attach - begin a transfer in a namespace
 * @kn: the component there
 * @x: of knd_ftp_prepare()
 *
 * Context: process; the caller sees to it that @kn is not past pre_exit, and
 * has checked that it may.
 * Return: 0, then knd_ftp_run() follows; -ENETDOWN, -ENOMEM.
 */
int knd_ftp_attach(struct knd_net *kn, struct knd_ftp_xfer *x)
{
	struct knd_ftp *ftp = &kn->ftp;
	struct knd_ftp_record *rec;

	rec = kzalloc_obj(*rec, GFP_KERNEL_ACCOUNT);
	if (!rec)
		return -ENOMEM;
	rec->x = x;
	rec->size = x->size;
	rec->offset = x->offset;
	rec->start = ktime_get_ns();
	rec->server = x->server;
	strscpy(rec->path, x->path);

	if (!x->timeout_ms)
		x->timeout_ms = READ_ONCE(kn->cfg.ftp_timeout_ms);
	x->kn = kn;
	x->rec = rec;

	spin_lock(&ftp->lock);
	if (ftp->stopping) {
		spin_unlock(&ftp->lock);
		x->kn = NULL;
		x->rec = NULL;
		kfree(rec);
		return -ENETDOWN;
	}
	rec->id = ++ftp->last_id;
	x->id = rec->id;
	list_add(&rec->list, &ftp->records);
	spin_unlock(&ftp->lock);
	knd_stat_inc(kn, KND_STAT_FTP_STARTED);
	return 0;
}

/* An address of user space, with what a v4-mapped one really is */
static int knd_ftp_get_addr(struct sockaddr_storage *ss, u64 addr, u32 len)
{
	struct sockaddr_in6 in6 = {};
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (len < sizeof(in.sin_family) || len > sizeof(*ss))
		return -EINVAL;
	if (copy_from_user(ss, u64_to_user_ptr(addr), len))
		return -EFAULT;
	if (ss->ss_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, ss, sizeof(in));
		memset(in.sin_zero, 0, sizeof(in.sin_zero));
	} else if (ss->ss_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, ss, sizeof(in6));
		if (!ipv6_addr_v4mapped(&in6.sin6_addr)) {
			memset(ss, 0, sizeof(*ss));
			memcpy(ss, &in6, sizeof(in6));
			return 0;
		}
		in.sin_port = in6.sin6_port;
		in.sin_addr.s_addr = in6.sin6_addr.s6_addr32[3];
	} else {
		return ss->ss_family == AF_INET || ss->ss_family == AF_INET6 ?
		       -EINVAL : -EAFNOSUPPORT;
	}
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &in, sizeof(in));
	return 0;
}

/* A string of user space that may be in a command, of @min bytes at least */
static int knd_ftp_get_text(char **text, u64 addr, size_t min, size_t max)
{
	char *s = strndup_user(u64_to_user_ptr(addr), max + 1);

	if (IS_ERR(s))
		return PTR_ERR(s);
	*text = s;
	return strlen(s) >= min && knd_ftp_text_ok(s) ? 0 : -EINVAL;
}

static int knd_ftp_get_file(struct knd_ftp_xfer *x, int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	x->file = file;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	/* Where the data goes is the offset: no file that has its own idea */
	if (!S_ISREG(file_inode(file)->i_mode) ||
	    !(file->f_mode & FMODE_CAN_WRITE) ||
	    file->f_flags & (O_APPEND | O_DIRECT))
		return -EINVAL;
	return 0;
}

/**
 * knd_ftp_prepare - check a request and get hold of what it names
 * @req: the request
 *
 * Context: process.
 * Return: the transfer, for knd_ftp_attach() and knd_ftp_free(); ERR_PTR() of
 * -EINVAL, -EFAULT, -EBADF, -EAFNOSUPPORT or -ENOMEM.
 */
struct knd_ftp_xfer *knd_ftp_prepare(const struct knetdemo_ftp_get *req)
{
	struct knd_ftp_xfer *x;
	int err;

	if (req->flags & ~KNETDEMO_FTP_FLAGS || req->offset > S64_MAX ||
	    strnlen(req->device, IFNAMSIZ) == IFNAMSIZ ||
	    (req->mtime_max && !(req->flags & KNETDEMO_FTP_MDTM)) ||
	    (req->timeout_ms && (req->timeout_ms < KND_FTP_TIMEOUT_MIN ||
				 req->timeout_ms > KND_FTP_TIMEOUT_MAX)))
		return ERR_PTR(-EINVAL);

	x = kzalloc_obj(*x, GFP_KERNEL_ACCOUNT);
	if (!x)
		return ERR_PTR(-ENOMEM);
	refcount_set(&x->ref, 1);
	mutex_init(&x->net_lock);
	strscpy(x->device, req->device);
	x->flags = req->flags;
	x->timeout_ms = req->timeout_ms;
	x->offset = req->offset;
	x->pos = req->offset;
	x->size = KNETDEMO_FTP_SIZE_UNKNOWN;

	err = knd_ftp_get_addr(&x->server, req->server, req->server_len);
	if (err)
		goto free;
	x->source.ss_family = x->server.ss_family;
	if (req->source || req->source_len) {
		err = knd_ftp_get_addr(&x->source, req->source,
				       req->source_len);
		if (err)
			goto free;
	}
	err = -EINVAL;
	if (!knd_ftp_get_port(&x->server) ||
	    x->source.ss_family != x->server.ss_family ||
	    (x->flags & KNETDEMO_FTP_PASV && x->server.ss_family != AF_INET))
		goto free;

	err = knd_ftp_get_text(&x->user, req->user, 1, KNETDEMO_FTP_NAME_LEN);
	if (err)
		goto free;
	err = knd_ftp_get_text(&x->password, req->password, 0,
			       KNETDEMO_FTP_NAME_LEN);
	if (err)
		goto free;
	err = knd_ftp_get_text(&x->path, req->path, 1, PATH_MAX - 1);
	if (err)
		goto free;
	err = knd_ftp_get_file(x, req->fd);
	if (err)
		goto free;
	return x;

free:
	knd_ftp_free(x);
	return ERR_PTR(err);
}

/**
 * knd_ftp_result - tell what came of a transfer
 * @x: after knd_ftp_run()
 * @req: its request, where the results go
 *
 * Context: any.
 */
void knd_ftp_result(const struct knd_ftp_xfer *x,
		    struct knetdemo_ftp_get *req)
{
	const char *from = x->reply.line + 4;
	size_t i;

	req->bytes = x->bytes;
	req->good = x->bytes;
	req->remote_size = x->size;
	req->id = x->id;
	req->stage = x->stage;
	req->code = x->code;
	memset(req->text, 0, sizeof(req->text));
	if (!x->reply.done)
		return;
	for (i = 0; from[i] && i < sizeof(req->text) - 1; i++) {
		u8 c = from[i];

		/* From 128 on there are control characters, too */
		req->text[i] = c < 0x20 || c >= 0x7f ? '?' : c;
	}
}

/**
 * knd_ftp_id - the number of a transfer
 * @x: after knd_ftp_attach()
 *
 * Context: any.
 * Return: the number that /proc/net/knetdemo/ftp shows.
 */
u32 knd_ftp_id(const struct knd_ftp_xfer *x)
{
	return x->id;
}

/**
 * knd_ftp_free - let go of a transfer
 * @x: of knd_ftp_prepare(); not attached, or after knd_ftp_run()
 *
 * Context: process.
 */
void knd_ftp_free(struct knd_ftp_xfer *x)
{
	if (!refcount_dec_and_test(&x->ref))
		return;
	if (x->file)
		fput(x->file);
	kfree(x->path);
	kfree_sensitive(x->password);
	kfree(x->user);
	kfree_sensitive(x);
}

/**
 * knd_ftp_show - print the transfers that run and the last that ran
 * @seq: of the file
 * @v: unused
 *
 * Return: 0.
 */
int knd_ftp_show(struct seq_file *seq, void *v)
{
	struct knd_ftp *ftp = &knd_pernet(seq_file_single_net(seq))->ftp;
	const struct knd_ftp_record *rec;

	seq_puts(seq, "id state stage bytes size rate reply error ms server path\n");
	spin_lock(&ftp->lock);
	list_for_each_entry(rec, &ftp->records, list) {
		u64 ns = (rec->x ? ktime_get_ns() : rec->end) - rec->start;
		u64 ms = div_u64(ns, NSEC_PER_MSEC);

		seq_printf(seq, "%u %s %s %llu ", rec->id,
			   rec->x ? "running" : rec->err ? "failed" : "done",
			   knd_ftp_stages[rec->stage], rec->bytes);
		if (rec->size == KNETDEMO_FTP_SIZE_UNKNOWN)
			seq_puts(seq, "-");
		else
			seq_printf(seq, "%llu", rec->size);
		seq_printf(seq, " %llu %u %d %llu %pISpc ",
			   div64_u64(rec->bytes * MSEC_PER_SEC, ms ? : 1),
			   rec->code, rec->err, ms, &rec->server);
		seq_escape_str(seq, rec->path,
			       ESCAPE_NAP | ESCAPE_OCTAL | ESCAPE_APPEND,
			       " \\");
		seq_putc(seq, '\n');
	}
	spin_unlock(&ftp->lock);
	return 0;
}

/**
 * knd_ftp_init - set up the FTP client of a namespace
 * @kn: the component in a namespace that is being set up
 */
void __net_init knd_ftp_init(struct knd_net *kn)
{
	spin_lock_init(&kn->ftp.lock);
	INIT_LIST_HEAD(&kn->ftp.records);
}

/**
 * knd_ftp_pre_exit - tell all transfers to end
 * @kn: the component in a namespace that goes
 *
 * Context: process.
 */
void __net_exit knd_ftp_pre_exit(struct knd_net *kn)
{
	struct knd_ftp *ftp = &kn->ftp;
	struct knd_ftp_record *rec;
	int i;

	spin_lock(&ftp->lock);
	ftp->stopping = true;
	list_for_each_entry(rec, &ftp->records, list) {
		if (!rec->x)
			continue;
		WRITE_ONCE(rec->x->stop, true);
		for (i = 0; i < KND_FTP_SOCKS; i++)
			if (rec->x->sock[i])
				wake_up_all(sk_sleep(rec->x->sock[i]->sk));
	}
	spin_unlock(&ftp->lock);
}

/**
 * knd_ftp_exit - take the network from transfers that write to their file
 * @kn: the component in a namespace that goes
 *
 * Context: process; waits for tasks that use the network, which were told to
 * end, and not for those in a file system.
 */
void __net_exit knd_ftp_exit(struct knd_net *kn)
{
	struct knd_ftp *ftp = &kn->ftp;
	struct knd_ftp_record *rec, *tmp;
	struct knd_ftp_xfer *x;

	for (;;) {
		x = NULL;
		spin_lock(&ftp->lock);
		list_for_each_entry(rec, &ftp->records, list) {
			if (rec->x) {
				x = rec->x;
				refcount_inc(&x->ref);
				break;
			}
		}
		spin_unlock(&ftp->lock);
		if (!x)
			break;

		mutex_lock(&x->net_lock);
		if (x->kn) {
			knd_ftp_close(x, KND_FTP_DATA, true);
			knd_ftp_close(x, KND_FTP_CTRL, true);
			knd_ftp_detach(x, -ENETDOWN);
		}
		mutex_unlock(&x->net_lock);
		knd_ftp_free(x);
	}

	list_for_each_entry_safe(rec, tmp, &ftp->records, list)
		kfree(rec);
}
