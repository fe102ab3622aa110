// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the FTP client
 *
 * A transfer runs in the task that requested it, with the task's credentials,
 * limits and cgroup. Where a signal without a handler interrupts it (the
 * process is stopped, frozen or traced), the transfer is parked in the open
 * file of the device. The kernel then restarts the system call, which continues
 * with it. The task's restart block would not do: it holds a function pointer,
 * and nothing would keep the module's code in memory once the file is closed.
 *
 * A transfer holds no reference on the network namespace. Two locks make that
 * safe:
 *
 *  - knd_ftp_xfer.net_lock is held by the task while it uses the network or
 *    struct knd_net, and not while it writes to the file, which may block for
 *    an unlimited time. The namespace's exit takes it, closes the sockets and
 *    clears knd_ftp_xfer.kn, which tells the task not to use either any more.
 *  - knd_ftp.lock protects the list of transfers, the records and the pointers
 *    to the sockets, so that pre_exit can wake up the tasks.
 *
 * ftp_session.c has the session with the server.
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

#include "ftp_client.h"
#include "ftp_proto.h"
#include "ftp_session.h"
#include "knetdemo.h"
#include "procfs.h"
#include "trace.h"

/* How many transfers are still shown after their end */
#define KND_FTP_MAX_DONE		16
/* Limits of &knetdemo_ftp_get.timeout_ms */
#define KND_FTP_TIMEOUT_MIN	100
#define KND_FTP_TIMEOUT_MAX	600000

/**
 * struct knd_ftp_record - what procfs shows of a transfer
 * @list: in &knd_ftp.records, the latest first
 * @xfer: the transfer while it is attached, else NULL; no reference is held
 * @id: number of the transfer in this namespace
 * @stage: enum knetdemo_ftp_stage
 * @code: of the last reply
 * @err: how the transfer ended, 0 or -errno
 * @bytes: written to the file
 * @size: what the server said, or KNETDEMO_FTP_SIZE_UNKNOWN
 * @offset: where the transfer began in the file
 * @start: time of the beginning, by ktime_get_ns()
 * @end: time of the end
 * @server: address and port
 * @path: as much of the path as fits
 *
 * &knd_ftp.lock protects all of it.
 */
struct knd_ftp_record {
	struct list_head list;
	struct knd_ftp_xfer *xfer;
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

#define KND_FTP_STAGE_NAME(stage, name)	[stage] = name,

static const char * const knd_ftp_stages[] = {
	KND_FTP_STAGES(KND_FTP_STAGE_NAME, KND_FTP_STAGE_NAME)
};

/**
 * knd_ftp_note - set the stage of a transfer, show and trace it
 * @xfer: an attached transfer, with &knd_ftp_xfer.net_lock held
 * @stage: enum knetdemo_ftp_stage
 * @err: how the transfer ended, or 0 while it runs
 *
 * Context: process.
 */
void knd_ftp_note(struct knd_ftp_xfer *xfer, unsigned int stage, int err)
{
	struct knd_ftp *ftp = &xfer->kn->ftp;
	struct knd_ftp_record *rec = xfer->rec;

	xfer->stage = stage;
	spin_lock(&ftp->lock);
	rec->stage = stage;
	rec->code = xfer->code;
	rec->bytes = xfer->bytes;
	rec->size = xfer->size;
	spin_unlock(&ftp->lock);
	trace_knetdemo_ftp_stage(xfer->kn->net, rec->id, stage, xfer->code,
				 xfer->bytes, err);
}

/**
 * knd_ftp_note_bytes - count and show the bytes that were written
 * @xfer: an attached transfer, with &knd_ftp_xfer.net_lock held
 * @more: bytes written since the last call
 *
 * Context: process.
 */
void knd_ftp_note_bytes(struct knd_ftp_xfer *xfer, u64 more)
{
	struct knd_ftp *ftp = &xfer->kn->ftp;

	knd_stat_add(xfer->kn, KND_STAT_FTP_BYTES, more);
	spin_lock(&ftp->lock);
	xfer->rec->bytes = xfer->bytes;
	spin_unlock(&ftp->lock);
}

/*
 * Detach a transfer that has ended from its record and its namespace, with
 * @xfer->net_lock held. The record can still be shown. Of all records whose
 * transfer has ended, the KND_FTP_MAX_DONE that were added last are kept.
 */
static void knd_ftp_detach(struct knd_ftp_xfer *xfer, int err)
{
	struct knd_ftp *ftp = &xfer->kn->ftp;
	struct knd_ftp_record *rec = xfer->rec;
	struct knd_ftp_record *oldest = NULL;
	struct knd_ftp_record *tmp;

	spin_lock(&ftp->lock);
	rec->xfer = NULL;
	rec->err = err;
	rec->end = ktime_get_ns();
	if (++ftp->nr_done > KND_FTP_MAX_DONE) {
		list_for_each_entry_reverse(tmp, &ftp->records, list) {
			if (!tmp->xfer) {
				oldest = tmp;
				break;
			}
		}
		list_del(&oldest->list);
		ftp->nr_done--;
	}
	spin_unlock(&ftp->lock);
	kfree(oldest);
	xfer->rec = NULL;
	xfer->kn = NULL;
}

/* Close the connections and detach, with @xfer->net_lock held */
static void knd_ftp_finish(struct knd_ftp_xfer *xfer, int err)
{
	knd_ftp_close(xfer, KND_FTP_DATA, true);
	knd_ftp_close(xfer, KND_FTP_CTRL, true);
	knd_stat_inc(xfer->kn, err ? KND_STAT_FTP_FAILED : KND_STAT_FTP_DONE);
	knd_ftp_note(xfer, err ? xfer->stage : KNETDEMO_FTP_STAGE_DONE, err);
	knd_ftp_detach(xfer, err);
}

/* Is a signal pending that has a handler, or that kills? */
static bool knd_ftp_signalled(void)
{
	/* Only the task itself replaces its sighand_struct, and it is here */
	struct sighand_struct *sighand =
		rcu_dereference_protected(current->sighand, true);
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
 * knd_ftp_run - run a transfer, or continue one
 * @xfer: of knd_ftp_attach() or knd_ftp_unpark()
 *
 * Context: process, in the task that owns the file descriptor; sleeps until the
 * transfer ends, the namespace is dismantled, or a signal arrives.
 * Return: 0 or -errno, after which the transfer is detached and its connections
 * are closed. -EINTR is for a signal that has a handler or that kills.
 * -ERESTARTNOHAND is for a signal that stops, traces or freezes the process:
 * then the connections stay open, and knd_ftp_park() or knd_ftp_cancel() has to
 * follow. knd_ftp_result() has the details in each case.
 */
int knd_ftp_run(struct knd_ftp_xfer *xfer)
{
	int err = -ENETDOWN;

	mutex_lock(&xfer->net_lock);
	if (!xfer->kn)
		goto unlock;
	err = knd_ftp_session(xfer);
	if (!xfer->kn)
		goto unlock;
	if (err == -EINTR && signal_pending(current) && !knd_ftp_signalled())
		err = -ERESTARTNOHAND;
	else
		knd_ftp_finish(xfer, err);
unlock:
	mutex_unlock(&xfer->net_lock);
	return err;
}

/**
 * knd_ftp_park - keep an interrupted transfer until its system call restarts
 * @xfer: the transfer, after -ERESTARTNOHAND
 * @arg: the address of the request in user space
 * @req: the request, as it stands there now
 *
 * While a transfer is parked no task runs it, and the time of its stage stands
 * still. The namespace's exit can still end it. The caller's reference becomes
 * that of the open file.
 *
 * Context: process.
 */
void knd_ftp_park(struct knd_ftp_xfer *xfer, unsigned long arg,
		  const struct knetdemo_ftp_get *req)
{
	xfer->arg = arg;
	xfer->req = *req;
	xfer->pid = get_pid(task_pid(current));
	xfer->parked_size = i_size_read(file_inode(xfer->file));
	xfer->parked_left = max_t(long, xfer->deadline - jiffies, 1);
}

/**
 * knd_ftp_is_mine - was a transfer parked by this task?
 * @xfer: a parked transfer
 *
 * Context: process.
 * Return: whether it was.
 */
bool knd_ftp_is_mine(const struct knd_ftp_xfer *xfer)
{
	return xfer->pid == task_pid(current);
}

/**
 * knd_ftp_is_orphan - has the task that parked a transfer exited?
 * @xfer: a parked transfer
 *
 * Context: process.
 * Return: whether it has; then no task can continue the transfer.
 */
bool knd_ftp_is_orphan(const struct knd_ftp_xfer *xfer)
{
	bool res;

	rcu_read_lock();
	res = !pid_task(xfer->pid, PIDTYPE_PID);
	rcu_read_unlock();
	return res;
}

/**
 * knd_ftp_unpark - continue a parked transfer in the task that parked it
 * @xfer: the transfer, which knd_ftp_is_mine()
 * @arg: the address of the request
 * @req: the request
 *
 * If another signal arrived while the process was stopped, a handler may have
 * run. Then the system call ended with -EINTR, and this is another call. It may
 * only continue the transfer if that makes no difference: the request is the
 * same, and the file has the size that it had.
 *
 * Context: process.
 * Return: true if knd_ftp_run() can follow. False if the request is for another
 * transfer: then knd_ftp_cancel() and knd_ftp_free() have to follow.
 */
bool knd_ftp_unpark(struct knd_ftp_xfer *xfer, unsigned long arg,
		    const struct knetdemo_ftp_get *req)
{
	struct file *file = fget(req->fd);
	bool same;

	same = file == xfer->file && arg == xfer->arg &&
	       !memcmp(req, &xfer->req, sizeof(*req)) &&
	       i_size_read(file_inode(xfer->file)) == xfer->parked_size;
	if (file)
		fput(file);
	put_pid(xfer->pid);
	xfer->pid = NULL;
	xfer->deadline = jiffies + xfer->parked_left;
	return same;
}

/**
 * knd_ftp_cancel - end a transfer that no task runs
 * @xfer: the transfer, after -ERESTARTNOHAND or parked
 *
 * Its connections are reset and it is detached. The caller's reference stays,
 * for knd_ftp_free().
 *
 * Context: process; may sleep.
 */
void knd_ftp_cancel(struct knd_ftp_xfer *xfer)
{
	mutex_lock(&xfer->net_lock);
	if (xfer->kn)
		knd_ftp_finish(xfer, -EINTR);
	mutex_unlock(&xfer->net_lock);
}

/**
 * knd_ftp_attach - begin a transfer in a namespace
 * @kn: the component there
 * @xfer: of knd_ftp_prepare()
 *
 * Context: process; the caller has checked the rights, and holds a reference on
 * the namespace until this returns, so that its pre_exit has not run.
 * Return: 0, after which knd_ftp_run() follows and no reference on the
 * namespace is needed; -ENOMEM, after which @xfer is as before.
 */
int knd_ftp_attach(struct knd_net *kn, struct knd_ftp_xfer *xfer)
{
	struct knd_ftp *ftp = &kn->ftp;
	struct knd_ftp_record *rec;

	rec = kzalloc_obj(*rec, GFP_KERNEL_ACCOUNT);
	if (!rec)
		return -ENOMEM;
	rec->xfer = xfer;
	rec->size = xfer->size;
	rec->offset = xfer->offset;
	rec->start = ktime_get_ns();
	rec->server = xfer->server;
	strscpy(rec->path, xfer->path);

	if (!xfer->timeout_ms)
		xfer->timeout_ms = READ_ONCE(kn->cfg.ftp_timeout_ms);
	xfer->kn = kn;
	xfer->rec = rec;

	spin_lock(&ftp->lock);
	rec->id = ++ftp->last_id;
	xfer->id = rec->id;
	list_add(&rec->list, &ftp->records);
	spin_unlock(&ftp->lock);
	knd_stat_inc(kn, KND_STAT_FTP_STARTED);
	return 0;
}

/* Copy an address from user space; an IPv4-mapped one becomes IPv4 */
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

/*
 * Copy a string of @min to @max bytes from user space. Where it is not fit for
 * a command, *@text is set all the same, for knd_ftp_free().
 */
static int knd_ftp_get_text(char **text, u64 addr, size_t min, size_t max)
{
	char *s = strndup_user(u64_to_user_ptr(addr), max + 1);

	if (IS_ERR(s))
		return PTR_ERR(s);
	*text = s;
	return strlen(s) >= min && knd_ftp_text_ok(s) ? 0 : -EINVAL;
}

static int knd_ftp_get_file(struct knd_ftp_xfer *xfer, int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	xfer->file = file;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	/* The data is written at an offset, from pages of the kernel */
	if (!S_ISREG(file_inode(file)->i_mode) ||
	    !(file->f_mode & FMODE_CAN_WRITE) || !file->f_op->write_iter ||
	    file->f_flags & (O_APPEND | O_DIRECT))
		return -EINVAL;
	return 0;
}

/**
 * knd_ftp_prepare - check a request, and copy what it points to
 * @req: the request
 *
 * Context: process; nothing is sent.
 * Return: the transfer, for knd_ftp_attach() and knd_ftp_free(); ERR_PTR() of
 * -EINVAL, -EFAULT, -EBADF, -EAFNOSUPPORT or -ENOMEM.
 */
struct knd_ftp_xfer *knd_ftp_prepare(const struct knetdemo_ftp_get *req)
{
	struct knd_ftp_xfer *xfer;
	int err;

	if (req->flags & ~KNETDEMO_FTP_FLAGS || req->offset > S64_MAX ||
	    strnlen(req->device, IFNAMSIZ) == IFNAMSIZ ||
	    (req->mtime_max && !(req->flags & KNETDEMO_FTP_MDTM)) ||
	    (req->timeout_ms && (req->timeout_ms < KND_FTP_TIMEOUT_MIN ||
				 req->timeout_ms > KND_FTP_TIMEOUT_MAX)))
		return ERR_PTR(-EINVAL);

	xfer = kzalloc_obj(*xfer, GFP_KERNEL_ACCOUNT);
	if (!xfer)
		return ERR_PTR(-ENOMEM);
	refcount_set(&xfer->ref, 1);
	mutex_init(&xfer->net_lock);
	strscpy(xfer->device, req->device);
	xfer->flags = req->flags;
	xfer->timeout_ms = req->timeout_ms;
	xfer->offset = req->offset;
	xfer->pos = req->offset;
	xfer->mtime_max = req->mtime_max;
	xfer->size = KNETDEMO_FTP_SIZE_UNKNOWN;

	err = knd_ftp_get_addr(&xfer->server, req->server, req->server_len);
	if (err)
		goto free;
	xfer->source.ss_family = xfer->server.ss_family;
	if (req->source || req->source_len) {
		err = knd_ftp_get_addr(&xfer->source, req->source,
				       req->source_len);
		if (err)
			goto free;
	}
	err = -EINVAL;
	if (!knd_ftp_get_port(&xfer->server) ||
	    xfer->source.ss_family != xfer->server.ss_family ||
	    (xfer->flags & KNETDEMO_FTP_PASV &&
	     xfer->server.ss_family != AF_INET))
		goto free;

	err = knd_ftp_get_text(&xfer->user, req->user, 1,
			       KNETDEMO_FTP_NAME_LEN);
	if (err)
		goto free;
	err = knd_ftp_get_text(&xfer->password, req->password, 0,
			       KNETDEMO_FTP_NAME_LEN);
	if (err)
		goto free;
	err = knd_ftp_get_text(&xfer->path, req->path, 1, PATH_MAX - 1);
	if (err)
		goto free;
	err = knd_ftp_get_file(xfer, req->fd);
	if (err)
		goto free;
	return xfer;

free:
	knd_ftp_free(xfer);
	return ERR_PTR(err);
}

/**
 * knd_ftp_result - write the results of a transfer to its request
 * @xfer: after knd_ftp_run()
 * @req: the request; only its output members are written
 *
 * Context: any.
 */
void knd_ftp_result(const struct knd_ftp_xfer *xfer,
		    struct knetdemo_ftp_get *req)
{
	req->bytes = xfer->bytes;
	req->good = xfer->spoiled ? 0 : xfer->bytes;
	req->remote_size = xfer->size;
	req->mtime = xfer->mtime;
	req->id = xfer->id;
	req->stage = xfer->stage;
	req->failed = xfer->failed;
	req->code = xfer->code;
	memcpy(req->text, xfer->text, sizeof(req->text));
}

/**
 * knd_ftp_id - the number of a transfer
 * @xfer: after knd_ftp_attach()
 *
 * Context: any.
 * Return: the number that /proc/net/knetdemo/ftp shows.
 */
u32 knd_ftp_id(const struct knd_ftp_xfer *xfer)
{
	return xfer->id;
}

/**
 * knd_ftp_free - drop a reference to a transfer
 * @xfer: the transfer; before its last reference is dropped, it is detached or
 *	was never attached
 *
 * Context: process; may sleep.
 */
void knd_ftp_free(struct knd_ftp_xfer *xfer)
{
	if (!refcount_dec_and_test(&xfer->ref))
		return;
	knd_pages_put(&xfer->pages);
	put_pid(xfer->pid);
	if (xfer->file)
		fput(xfer->file);
	kfree(xfer->path);
	kfree_sensitive(xfer->password);
	kfree(xfer->user);
	kfree_sensitive(xfer);
}

/**
 * knd_ftp_show - print the transfers that run, and the last ones that ran
 * @seq: the file
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
		u64 ns = (rec->xfer ? ktime_get_ns() : rec->end) - rec->start;
		u64 ms = div_u64(ns, NSEC_PER_MSEC);

		seq_printf(seq, "%u %s %s %llu ", rec->id,
			   rec->xfer ? "running" : rec->err ? "failed" : "done",
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
 *
 * Context: process.
 */
void __net_init knd_ftp_init(struct knd_net *kn)
{
	spin_lock_init(&kn->ftp.lock);
	INIT_LIST_HEAD(&kn->ftp.records);
}

/**
 * knd_ftp_pre_exit - tell all transfers to end
 * @kn: the component in a namespace that is being dismantled
 *
 * Wakes up the tasks and does not wait for them. No transfer starts after it:
 * knd_ftp_attach() needs a reference on the namespace.
 *
 * Context: process.
 */
void __net_exit knd_ftp_pre_exit(struct knd_net *kn)
{
	struct knd_ftp *ftp = &kn->ftp;
	struct knd_ftp_record *rec;
	int i;

	spin_lock(&ftp->lock);
	list_for_each_entry(rec, &ftp->records, list) {
		if (!rec->xfer)
			continue;
		WRITE_ONCE(rec->xfer->stop, true);
		for (i = 0; i < KND_FTP_SOCKS; i++)
			if (rec->xfer->sock[i])
				wake_up_all(sk_sleep(rec->xfer->sock[i]->sk));
	}
	spin_unlock(&ftp->lock);
}

/**
 * knd_ftp_exit - detach all transfers and free their records
 * @kn: the component in a namespace, after knd_ftp_pre_exit()
 *
 * Context: process. Waits for tasks that use the network, which end soon, and
 * not for tasks that write to a file: those find &knd_ftp_xfer.kn NULL.
 */
void __net_exit knd_ftp_exit(struct knd_net *kn)
{
	struct knd_ftp *ftp = &kn->ftp;
	struct knd_ftp_record *rec, *tmp;
	struct knd_ftp_xfer *xfer;

	for (;;) {
		xfer = NULL;
		spin_lock(&ftp->lock);
		list_for_each_entry(rec, &ftp->records, list) {
			if (rec->xfer) {
				xfer = rec->xfer;
				refcount_inc(&xfer->ref);
				break;
			}
		}
		spin_unlock(&ftp->lock);
		if (!xfer)
			break;

		mutex_lock(&xfer->net_lock);
		if (xfer->kn) {
			knd_ftp_close(xfer, KND_FTP_DATA, true);
			knd_ftp_close(xfer, KND_FTP_CTRL, true);
			knd_ftp_detach(xfer, -ENETDOWN);
		}
		mutex_unlock(&xfer->net_lock);
		knd_ftp_free(xfer);
	}

	/* Without the lock: procfs is removed, and no transfer has a record */
	list_for_each_entry_safe(rec, tmp, &ftp->records, list)
		kfree(rec);
}
