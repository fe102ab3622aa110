// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 6: retrieve a file by FTP in kernel space (knd-sample-ftp.ko)
 *
 *	insmod knd-sample-ftp.ko server=192.0.2.1 file=README
 *	cat /dev/knd_sample_ftp > README
 *
 * open() logs in and asks for the file in active mode: the module listens,
 * tells its port by PORT, and the server connects to it. read() takes data from
 * that connection right into the reader's buffer. The process chooses where the
 * file goes, so the kernel opens and writes no files.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/inet.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>

#define FTP_PORT	21
#define FTP_TIMEOUT	(10 * HZ)	/* for each wait */
#define FTP_LINE	256
#define FTP_REPLY_MAX	8192		/* bytes of a reply, all its lines */

static char *server = "127.0.0.1";
static char *user = "anonymous";
static char *pass = "knetdemo@";
static char *path = "README";
module_param(server, charp, 0400);
MODULE_PARM_DESC(server, "IPv4 address of the server");
module_param(user, charp, 0400);
MODULE_PARM_DESC(user, "user name");
module_param(pass, charp, 0400);
MODULE_PARM_DESC(pass, "password");
module_param_named(file, path, charp, 0400);
MODULE_PARM_DESC(file, "file to retrieve");

/* An open file, which is one transfer */
struct knd_ftp {
	struct socket *control;
	struct socket *data;
	struct mutex lock;	/* one reader at a time */
	bool done;
};

static int knd_ftp_socket(struct socket **res)
{
	int err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM,
				   IPPROTO_TCP, res);

	if (err)
		return err;
	/* As in exercise 4: TCP keeps the timers of a released socket */
	sk_net_refcnt_upgrade((*res)->sk);
	/* Limit the waits of connect and send, and of receive and accept */
	WRITE_ONCE((*res)->sk->sk_sndtimeo, FTP_TIMEOUT);
	WRITE_ONCE((*res)->sk->sk_rcvtimeo, FTP_TIMEOUT);
	return 0;
}

/* A wait that took too long ends with -EAGAIN, which says to try again */
static int knd_ftp_error(int err)
{
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

/*
 * Receive a reply and return its code, or an error. TCP is a stream: a reply
 * may come in many segments, and many replies in one, so take byte by byte. A
 * reply may have many lines; its last begins with the code and a space.
 */
static int knd_ftp_reply(struct knd_ftp *ftp)
{
	char line[FTP_LINE], c;
	int total, len = 0;

	for (total = 0; total < FTP_REPLY_MAX; total++) {
		struct kvec vec = { .iov_base = &c, .iov_len = 1 };
		struct msghdr msg = {};
		int ret, code;

		/* Task 1: Receive one byte; return errors. 0 is the end. */
		ret = kernel_recvmsg(ftp->control, &msg, &vec, 1, 1, 0);
		if (ret <= 0)
			return ret ? knd_ftp_error(ret) : -ECONNRESET;
		/* Task 1 ends. Instead: return -EOPNOTSUPP; */
		if (c != '\n') {
			if (len < FTP_LINE - 1)
				line[len++] = c;
			continue;
		}
		line[len] = '\0';
		len = 0;
		/* Task 2: Return the code of the last line of the reply. */
		if (isdigit(line[0]) && isdigit(line[1]) && isdigit(line[2]) &&
		    line[3] == ' ' && sscanf(line, "%3d", &code) == 1)
			return code;
		/* Task 2 ends. */
	}
	return -EMSGSIZE;
}

/* Send a command and return the code of the reply, or an error */
static int knd_ftp_command(struct knd_ftp *ftp, const char *verb,
			   const char *arg)
{
	/* The process that opens the device gets no SIGPIPE */
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
	struct kvec vec;
	char line[FTP_LINE];
	int len, ret;

	/* A line's end in an argument would begin a command of its own */
	if (strpbrk(arg, "\r\n"))
		return -EINVAL;
	/* Task 3: Send the line, with its end "\r\n", and receive the reply. */
	len = snprintf(line, sizeof(line), "%s %s\r\n", verb, arg);
	if (len >= sizeof(line))
		return -ENAMETOOLONG;
	vec.iov_base = line;
	vec.iov_len = len;
	ret = kernel_sendmsg(ftp->control, &msg, &vec, 1, len);
	if (ret != len)
		return ret < 0 ? knd_ftp_error(ret) : -ETIMEDOUT;
	return knd_ftp_reply(ftp);
	/* Task 3 ends. Instead: return -EOPNOTSUPP; */
}

/*
 * Listen on the local address of the control connection, and tell the server
 * address and port. Returns the code of its reply, or an error.
 */
static int knd_ftp_port(struct knd_ftp *ftp, struct socket *listener)
{
	struct sockaddr_in addr;
	const u8 *a = (const u8 *)&addr.sin_addr;
	const u8 *p = (const u8 *)&addr.sin_port;
	char text[32];
	int err;

	/*
	 * Task 4: Get the address of the control connection. Bind the listener
	 * to it with port 0, which lets the kernel choose, and listen. Get the
	 * port that was chosen. Both functions return a length or an error.
	 */
	err = kernel_getsockname(ftp->control, (struct sockaddr *)&addr);
	if (err < 0)
		return err;
	addr.sin_port = 0;
	err = kernel_bind(listener, (void *)&addr, sizeof(addr)) ?:
	      kernel_listen(listener, 1);
	if (err)
		return err;
	err = kernel_getsockname(listener, (struct sockaddr *)&addr);
	if (err < 0)
		return err;
	/* Task 4 ends. Instead: return -EOPNOTSUPP; */
	snprintf(text, sizeof(text), "%u,%u,%u,%u,%u,%u",
		 a[0], a[1], a[2], a[3], p[0], p[1]);
	return knd_ftp_command(ftp, "PORT", text);
}

/* Ask for the file and accept the connection that brings it */
static int knd_ftp_retrieve(struct knd_ftp *ftp)
{
	struct sockaddr_in from, to;
	struct socket *listener;
	int ret;

	ret = knd_ftp_socket(&listener);
	if (ret)
		return ret;
	ret = knd_ftp_port(ftp, listener);
	if (ret == 200)
		ret = knd_ftp_command(ftp, "RETR", path);
	if (ret == 150 || ret == 125)
		ret = knd_ftp_error(kernel_accept(listener, &ftp->data, 0));
	sock_release(listener);
	if (ret)
		return ret;

	/* Any host can connect to the port: take data from the server only */
	if (kernel_getpeername(ftp->control, (struct sockaddr *)&to) < 0 ||
	    kernel_getpeername(ftp->data, (struct sockaddr *)&from) < 0 ||
	    from.sin_addr.s_addr != to.sin_addr.s_addr)
		return -EPERM;
	return 0;
}

/* Returns 0, an error, or the code of a reply that ends the session */
static int knd_ftp_session(struct knd_ftp *ftp)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(FTP_PORT),
	};
	int ret;

	if (!in4_pton(server, -1, (u8 *)&addr.sin_addr, -1, NULL))
		return -EINVAL;
	ret = knd_ftp_socket(&ftp->control) ?:
	      knd_ftp_error(kernel_connect(ftp->control, (void *)&addr,
					   sizeof(addr), 0));
	if (ret)
		return ret == -EINPROGRESS ? -ETIMEDOUT : ret;

	ret = knd_ftp_reply(ftp);
	if (ret == 220)
		ret = knd_ftp_command(ftp, "USER", user);
	if (ret == 331)
		ret = knd_ftp_command(ftp, "PASS", pass);
	if (ret == 230)
		ret = knd_ftp_command(ftp, "TYPE", "I");
	if (ret == 200)
		ret = knd_ftp_retrieve(ftp);
	return ret;
}

static void knd_ftp_free(struct knd_ftp *ftp)
{
	if (ftp->data)
		sock_release(ftp->data);
	if (ftp->control)
		sock_release(ftp->control);
	kfree(ftp);
}

static int knd_ftp_open(struct inode *inode, struct file *file)
{
	struct knd_ftp *ftp = kzalloc_obj(*ftp, GFP_KERNEL);
	int ret;

	if (!ftp)
		return -ENOMEM;
	mutex_init(&ftp->lock);
	ret = knd_ftp_session(ftp);
	if (ret) {
		if (ret > 0)
			pr_info_ratelimited("the server refused: %d\n", ret);
		knd_ftp_free(ftp);
		return ret > 0 ? -EACCES : ret;
	}
	file->private_data = ftp;
	return 0;
}

static ssize_t knd_ftp_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct knd_ftp *ftp = iocb->ki_filp->private_data;
	struct msghdr msg = {};
	int ret = 0;

	if (!iov_iter_count(to))
		return 0;
	if (mutex_lock_interruptible(&ftp->lock))
		return -ERESTARTSYS;
	if (!ftp->done) {
		/*
		 * Task 5: Receive from the data connection into "to", which
		 * describes the reader's buffer: it is the msg_iter of "msg".
		 */
		msg.msg_iter = *to;
		ret = knd_ftp_error(sock_recvmsg(ftp->data, &msg, 0));
		*to = msg.msg_iter;
		/* Task 5 ends. Instead: ret = -EOPNOTSUPP; */
		/* The data has ended: is the file complete? Ask the server */
		if (!ret) {
			ftp->done = true;
			ret = knd_ftp_reply(ftp);
			if (ret > 0)
				ret = ret == 226 || ret == 250 ? 0 : -EIO;
		}
	}
	mutex_unlock(&ftp->lock);
	return ret;
}

static int knd_ftp_release(struct inode *inode, struct file *file)
{
	knd_ftp_free(file->private_data);
	return 0;
}

static const struct file_operations knd_ftp_fops = {
	.owner = THIS_MODULE,
	.open = knd_ftp_open,
	.read_iter = knd_ftp_read_iter,
	.release = knd_ftp_release,
};

static struct miscdevice knd_ftp_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "knd_sample_ftp",
	.mode = 0600,
	.fops = &knd_ftp_fops,
};

module_misc_device(knd_ftp_dev);

MODULE_DESCRIPTION("Exercise 6: retrieve a file by FTP in kernel space");
MODULE_LICENSE("GPL");

/*
 * What this lacks:
 *
 * - Passive mode (EPSV, PASV): knd_ftp_do_epsv(), tested by
 *   ftp:files_of_all_sizes.
 * - A limit for a stage, not for each wait: a server that sends a byte every
 *   9 seconds never fails here. knd_ftp_limit(), tested by ftp:stalls.
 * - Replies that look like others: knd_ftp_reply_feed(), tested by
 *   ftp_replies:liberal_in_text.
 * - Waits that the freezer and a stop signal can interrupt without an error:
 *   knd_ftp_wait(), tested by ftp_stop:frozen.
 * - Resuming, IPv6, other network namespaces, a request for each transfer:
 *   knd_ioctl_ftp_get(), tested by ftp:resume_after_the_server_went_away.
 */
