/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: one FTP transfer
 */

#ifndef _NET_KNETDEMO_FTP_SESSION_H
#define _NET_KNETDEMO_FTP_SESSION_H

#include <linux/if.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/socket.h>
#include <linux/types.h>
#include <uapi/linux/knetdemo.h>

#include "ftp_proto.h"
#include "skb_bvec.h"

struct file;
struct knd_ftp_record;
struct knd_net;
struct pid;
struct socket;

/* Indices of &knd_ftp_xfer.sock, and their number */
enum { KND_FTP_CTRL, KND_FTP_DATA, KND_FTP_SOCKS };

/* What a session does next: knd_ftp_steps[] */
enum knd_ftp_step {
	KND_FTP_CONNECT,
	KND_FTP_GREETING,
	KND_FTP_USER,
	KND_FTP_PASS,
	KND_FTP_TYPE,
	KND_FTP_GET_SIZE,
	KND_FTP_GET_MDTM,
	KND_FTP_EPSV,
	KND_FTP_EPSV_OPEN,
	KND_FTP_PASV,
	KND_FTP_PASV_OPEN,
	KND_FTP_EPRT,
	KND_FTP_PORT,
	KND_FTP_REST,
	KND_FTP_RETR,
	KND_FTP_ACCEPT,
	KND_FTP_RECEIVE,
	KND_FTP_COMPLETE,
	KND_FTP_QUIT,
	KND_FTP_END,
	KND_FTP_DONE,
};

/* How far a command and its reply are */
enum knd_ftp_ask {
	KND_FTP_ASK_NONE,	/* nothing was sent, and no reply is expected */
	KND_FTP_ASK_EARLY,	/* reading what came before the command */
	KND_FTP_ASK_SENDING,	/* sending the command */
	KND_FTP_ASK_READING,	/* reading the reply */
};

/**
 * struct knd_ftp_xfer - one transfer
 * @ref: references: of the task that runs the transfer or of the open file that
 *	it is parked in, and of the namespace's exit while that ends it
 * @net_lock: see the head of ftp_client.c
 *
 * @kn: the namespace; NULL before knd_ftp_attach(), and after the end of the
 *	transfer or of the namespace
 * @rec: what procfs shows of the transfer; freed by @kn
 * @sock: the control connection; the data connection or its listener
 * @stop: the namespace is being dismantled; set by its pre_exit
 *
 * @file: where the data is written to, with a reference
 * @server: address and port; after CONNECT what the socket says of its peer
 * @source: local address and port
 * @user: name to log in with
 * @password: wiped and NULL as soon as it was sent
 * @path: of the file to retrieve
 * @device: network device to bind to, or an empty string
 * @flags: KNETDEMO_FTP_*
 * @timeout_ms: of a stage; 0 until knd_ftp_attach() has read the sysctl
 * @offset: where the transfer begins, in both files
 * @mtime_max: the latest @mtime that is accepted, or 0
 *
 * @step: enum knd_ftp_step
 * @deadline: of the current stage, in jiffies
 * @ask: enum knd_ftp_ask
 * @in_pos: bytes of @in that were used
 * @in_len: bytes in @in
 * @out_pos: bytes of @command that were sent
 * @out_len: bytes in @command
 * @reply: the reply that is being read, or the last one
 *
 * @size: of the server's whole file, or KNETDEMO_FTP_SIZE_UNKNOWN
 * @mtime: when the server says that the file was modified, or 0
 * @data_port: where the server listens for the data connection
 * @final: code of the reply that confirms the data, 0 until it is there
 * @ctrl_err: why the control connection ended, 0 while it has not
 * @data_err: why the data connection ended, 0 where it was closed
 * @spoiled: the server ignored REST, so the bytes that were written are not
 *	those that its file has at @offset
 * @lingering: all bytes and @final are there, but the data connection is open
 * @pos: where the next byte is written in @file
 * @held: bytes in @pages
 * @held_done: bytes of those that are written
 *
 * @id: number of the transfer in its namespace
 * @stage: enum knetdemo_ftp_stage
 * @failed: enum knetdemo_ftp_failed
 * @code: of the last reply
 * @bytes: written so far
 * @text: of the last reply
 *
 * @list: in &knd_file.parked, protected by knd_files_lock in chardev.c
 * @pid: the task that parked the transfer and can continue it, with a reference
 * @arg: the address of its request in user space
 * @req: the request as user space had it when the transfer was parked
 * @parked_size: size of @file then
 * @parked_left: jiffies that were left of the stage
 *
 * @pages: data between the socket and @file
 * @in: bytes that came over the control connection
 * @command: the command that is sent over it
 */
struct knd_ftp_xfer {
	refcount_t ref;
	struct mutex net_lock;	/* see the head of ftp_client.c */

	/*
	 * The network: used with @net_lock held. @sock is also read with
	 * &knd_ftp.lock held, and written with both.
	 */
	struct knd_net *kn;
	struct knd_ftp_record *rec;
	struct socket *sock[KND_FTP_SOCKS];
	bool stop;

	/*
	 * All that follows belongs to the task that runs the transfer. First
	 * the request, which is checked once; of it only @server, @password and
	 * @timeout_ms change later, as described above.
	 */
	struct file *file;
	struct sockaddr_storage server;
	struct sockaddr_storage source;
	char *user;
	char *password;
	char *path;
	char device[IFNAMSIZ];
	u32 flags;
	unsigned int timeout_ms;
	u64 offset;
	u64 mtime_max;

	/* Where the session is */
	enum knd_ftp_step step;
	unsigned long deadline;
	enum knd_ftp_ask ask;
	unsigned int in_pos;
	unsigned int in_len;
	unsigned int out_pos;
	unsigned int out_len;
	struct knd_ftp_reply reply;

	/* What is known about the data */
	u64 size;
	u64 mtime;
	int data_port;
	unsigned int final;
	int ctrl_err;
	int data_err;
	bool spoiled;
	bool lingering;
	loff_t pos;
	size_t held;
	size_t held_done;

	/* The result so far, for the caller */
	u32 id;
	unsigned int stage;
	unsigned int failed;
	unsigned int code;
	u64 bytes;
	char text[KNETDEMO_FTP_TEXT_LEN];

	/* While it is parked, which is while no task runs it */
	struct list_head list;
	struct pid *pid;
	unsigned long arg;
	struct knetdemo_ftp_get req;
	loff_t parked_size;
	long parked_left;

	/* Buffers */
	struct knd_pages pages;
	char in[512];
	char command[PATH_MAX + sizeof("RETR \r\n")];
};

int knd_ftp_session(struct knd_ftp_xfer *xfer);
void knd_ftp_close(struct knd_ftp_xfer *xfer, int which, bool abort);
u16 knd_ftp_get_port(const struct sockaddr_storage *ss);

#endif /* _NET_KNETDEMO_FTP_SESSION_H */
