// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the FTP client
 *
 * A transfer runs in the task that asked for it, with its credentials, its
 * limits and its cgroup. It lives in the open file of the device: a signal
 * without a handler (the process is stopped, frozen or traced) leaves it there,
 * and the system call, which the kernel restarts then, goes on with it. A
 * module cannot have a function in the task's restart block for that: nothing
 * would keep its code in memory once the file is closed.
 *
 * A transfer holds no reference on the network namespace. Two
 * locks make that safe:
 *
 *  - knd_ftp_xfer.net_lock is held by the task while it uses the network or
 *    struct knd_net, and not while it writes to the file, which may take for
 *    ever. The namespace's exit takes it, closes the sockets and clears
 *    knd_ftp_xfer.kn: then the task finds that the network is gone.
 *  - knd_ftp.lock protects the list of transfers, what can be read about them
 *    and the pointers to their sockets, so that pre_exit can wake the tasks.
 *
 * ftp_session.c has what is said to the server.
 */

#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/rcupdate.h>
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

#include "ftp_session.h"
#include "knetdemo.h"
#include "procfs.h"
#include "trace.h"

/* Transfers that are over and still shown */
#define KND_FTP_PAST		16
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

/**
 * knd_ftp_note - show how far a transfer is
 * @x: the transfer, with &knd_ftp_xfer.net_lock held and in a namespace
 * @stage: enum knetdemo_ftp_stage
 * @err: how it ended, 0 while it goes on
 *
 * Context: process.
 */
void knd_ftp_note(struct knd_ftp_xfer *x, unsigned int stage, int err)
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

/**
 * knd_ftp_note_bytes - count and show what was written
 * @x: the transfer, with &knd_ftp_xfer.net_lock held and in a namespace
 * @more: bytes written since the last call
 *
 * Context: process.
 */
void knd_ftp_note_bytes(struct knd_ftp_xfer *x, u64 more)
{
	struct knd_ftp *ftp = &x->kn->ftp;

	knd_stat_add(x->kn, KND_STAT_FTP_BYTES, more);
	spin_lock(&ftp->lock);
	x->rec->bytes = x->bytes;
	spin_unlock(&ftp->lock);
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

/* Close the connections and leave the namespace, with @x->net_lock held */
static void knd_ftp_finish(struct knd_ftp_xfer *x, int err)
{
	knd_ftp_close(x, KND_FTP_DATA, true);
	knd_ftp_close(x, KND_FTP_CTRL, true);
	knd_stat_inc(x->kn, err ? KND_STAT_FTP_FAILED : KND_STAT_FTP_DONE);
	knd_ftp_note(x, err ? x->stage : KNETDEMO_FTP_STAGE_DONE, err);
	knd_ftp_detach(x, err);
}

/* Is a signal pending that the program wants to hear of, or that kills it? */
static bool knd_ftp_signalled(void)
{
	struct sighand_struct *sighand = current->sighand;
	struct signal_struct *signal = current->signal;
	bool res = fatal_signal_pending(current);
	unsigned long flags;
	sigset_t pending;
	int sig;

	spin_lock_irqsave(&sighand->siglock, flags);
	sigorsets(&pending, &current->pending.signal,
		  &signal->shared_pending.signal);
	sigandnsets(&pending, &pending, &current->blocked);
	for (sig = 1; sig <= _NSIG && !res; sig++) {
		__sighandler_t handler = sighand->action[sig - 1].sa.sa_handler;

		res = sigismember(&pending, sig) && handler != SIG_DFL &&
		      handler != SIG_IGN;
	}
	spin_unlock_irqrestore(&sighand->siglock, flags);
	return res;
}

/**
 * knd_ftp_run - do a transfer, or go on with one
 * @x: of knd_ftp_attach() or knd_ftp_unpark()
 *
 * The connections stay open where the result is -ERESTARTNOHAND: then the
 * caller either calls knd_ftp_park(), or knd_ftp_cancel().
 *
 * Context: process, the one whose file it is; sleeps until the end of the
 * transfer or of the namespace, or a signal.
 * Return: 0 or -errno; -EINTR where the signal has a handler or kills, and
 * -ERESTARTNOHAND where it stops the process, lets a debugger attach, freezes
 * it and the like. knd_ftp_result() has more.
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
	if (err == -EINTR && signal_pending(current) && !knd_ftp_signalled())
		err = -ERESTARTNOHAND;
	else
		knd_ftp_finish(x, err);
unlock:
	mutex_unlock(&x->net_lock);
	return err;
}

/**
 * knd_ftp_park - keep an interrupted transfer until its system call restarts
 * @x: the transfer, after -ERESTARTNOHAND
 * @arg: the address of the request in user space
 * @req: the request, as it stands there now
 *
 * While it is parked, the transfer has no task and its stage's time stands
 * still. The namespace's exit ends it all the same.
 *
 * Context: process.
 */
void knd_ftp_park(struct knd_ftp_xfer *x, unsigned long arg,
		  const struct knetdemo_ftp_get *req)
{
	x->arg = arg;
	x->req = *req;
	x->pid = get_pid(task_pid(current));
	x->parked_size = i_size_read(file_inode(x->file));
	x->parked_left = max_t(long, x->deadline - jiffies, 1);
}

/**
 * knd_ftp_is_mine - was a transfer parked by this task?
 * @x: a transfer that is parked
 *
 * Context: process.
 * Return: true where it was.
 */
bool knd_ftp_is_mine(const struct knd_ftp_xfer *x)
{
	return x->pid == task_pid(current);
}

/**
 * knd_ftp_is_orphan - has the task that parked a transfer exited?
 * @x: a transfer that is parked
 *
 * Context: process.
 * Return: true where nobody can go on with it.
 */
bool knd_ftp_is_orphan(const struct knd_ftp_xfer *x)
{
	bool res;

	rcu_read_lock();
	res = !pid_task(x->pid, PIDTYPE_PID);
	rcu_read_unlock();
	return res;
}

/**
 * knd_ftp_unpark - take up a parked transfer
 * @x: the transfer, which knd_ftp_is_mine()
 * @arg: the address of the request
 * @req: the request
 *
 * A handler may have run after all, when another signal arrived while the
 * process was stopped. The system call ended with -EINTR then, and this is
 * another one. It goes on with the transfer only where that makes no
 * difference: the request is the same and the file was left alone.
 *
 * Context: process.
 * Return: true where knd_ftp_run() can follow, false where the transfer is not
 * the one that is asked for and has to be cancelled.
 */
bool knd_ftp_unpark(struct knd_ftp_xfer *x, unsigned long arg,
		    const struct knetdemo_ftp_get *req)
{
	struct file *file = fget(req->fd);
	bool same;

	same = file == x->file && arg == x->arg &&
	       !memcmp(req, &x->req, sizeof(*req)) &&
	       i_size_read(file_inode(x->file)) == x->parked_size;
	if (file)
		fput(file);
	put_pid(x->pid);
	x->pid = NULL;
	x->deadline = jiffies + x->parked_left;
	return same;
}

/**
 * knd_ftp_cancel - end a transfer that no task runs
 * @x: the transfer, after -ERESTARTNOHAND or parked; knd_ftp_free() follows
 *
 * Context: process.
 */
void knd_ftp_cancel(struct knd_ftp_xfer *x)
{
	mutex_lock(&x->net_lock);
	if (x->kn)
		knd_ftp_finish(x, -EINTR);
	mutex_unlock(&x->net_lock);
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
	    !(file->f_mode & FMODE_CAN_WRITE) || !file->f_op->write_iter ||
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
	x->mtime_max = req->mtime_max;
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
	req->bytes = x->bytes;
	req->good = x->spoiled ? 0 : x->bytes;
	req->remote_size = x->size;
	req->mtime = x->mtime;
	req->id = x->id;
	req->stage = x->stage;
	req->failed = x->failed;
	req->code = x->code;
	memcpy(req->text, x->text, sizeof(req->text));
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
	knd_pages_put(&x->pages);
	put_pid(x->pid);
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
	struct knd_ftp *ftp = &knd_proc_kn(seq)->ftp;
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
