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

#include "ftp.h"
#include "skb_bvec.h"

struct file;
struct knd_ftp_record;
struct knd_net;
struct pid;
struct socket;

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
	KND_FTP_ASK_NONE,	/* nothing was sent, nothing is awaited */
	KND_FTP_ASK_EARLY,	/* reading what came before the command */
	KND_FTP_ASK_SENDING,	/* the command */
	KND_FTP_ASK_READING,	/* the reply */
};

/**
 * struct knd_ftp_xfer - one transfer
 * @ref: the task that runs it has one, or &knd_file.parked; the namespace's
 *	exit takes another
 * @net_lock: see the head of ftp_client.c
 * @kn: the namespace; NULL before knd_ftp_attach(), and after the end of the
 *	transfer or of the namespace
 * @rec: what can be seen of it, belongs to @kn
 * @sock: the control connection; the data connection or its listener. Written
 *	by the task with @net_lock and &knd_ftp.lock held.
 * @stop: the namespace is being dismantled
 * @file: where the data goes
 * @server: address and port
 * @source: local address and port
 * @user: name to log in with
 * @password: wiped as soon as it was sent
 * @path: of the file to retrieve
 * @device: network device to bind to, or an empty string
 * @flags: KNETDEMO_FTP_*
 * @id: of @rec, outlives it
 * @timeout_ms: of a stage, 0 until the sysctl has been read
 * @deadline: of the running stage, in jiffies
 * @stage: enum knetdemo_ftp_stage
 * @step: enum knd_ftp_step
 * @failed: enum knetdemo_ftp_failed
 * @pos: in @file
 * @offset: where it started
 * @bytes: written so far
 * @size: of the whole file, or KNETDEMO_FTP_SIZE_UNKNOWN
 * @mtime: when the server says that the file was modified, or 0
 * @mtime_max: the latest @mtime that is accepted, or 0
 * @data_port: where the server awaits the data connection
 * @final: code of the reply that ends the transfer, 0 until it is there
 * @ctrl_err: why the control connection ended, 0 while it has not
 * @data_err: why the data connection ended, 0 where it was closed
 * @spoiled: what was written is not part of the file
 * @lingering: all bytes and @final are there, but the data connection is open
 * @code: of the last reply
 * @text: of the last reply, for the caller
 * @ask: enum knd_ftp_ask
 * @in_pos: bytes used of @in
 * @in_len: bytes in @in
 * @out_pos: bytes sent of @command
 * @out_len: bytes in @command
 * @held: bytes in @pages
 * @held_done: bytes of them that are in @file
 * @list: in &knd_file.parked
 * @pid: the task that has to come back for it while it is parked
 * @arg: the address of its request in user space
 * @req: the request as user space had it when the transfer was parked
 * @parked_size: of @file at that time
 * @parked_left: jiffies that were left of the stage
 * @reply: the reply that is being read or the last one
 * @pages: data between the socket and @file
 * @in: what came over the control connection
 * @command: what is sent over it
 */
struct knd_ftp_xfer {
	refcount_t ref;
	struct mutex net_lock;	/* see the head of ftp_client.c */
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
	unsigned int step;
	unsigned int failed;
	loff_t pos;
	u64 offset;
	u64 bytes;
	u64 size;
	u64 mtime;
	u64 mtime_max;
	int data_port;
	unsigned int final;
	int ctrl_err;
	int data_err;
	bool spoiled;
	bool lingering;
	unsigned int code;
	char text[KNETDEMO_FTP_TEXT_LEN];
	unsigned int ask;
	unsigned int in_pos;
	unsigned int in_len;
	unsigned int out_pos;
	unsigned int out_len;
	size_t held;
	size_t held_done;
	struct list_head list;
	struct pid *pid;
	unsigned long arg;
	struct knetdemo_ftp_get req;
	loff_t parked_size;
	long parked_left;
	struct knd_ftp_reply reply;
	struct knd_pages pages;
	char in[512];
	char command[PATH_MAX + sizeof("RETR \r\n")];
};

/* ftp_client.c */
void knd_ftp_note(struct knd_ftp_xfer *x, unsigned int stage, int err);
void knd_ftp_note_bytes(struct knd_ftp_xfer *x, u64 more);

/* ftp_session.c */
int knd_ftp_session(struct knd_ftp_xfer *x);
void knd_ftp_close(struct knd_ftp_xfer *x, int which, bool abort);
u16 knd_ftp_get_port(const struct sockaddr_storage *ss);

#endif /* _NET_KNETDEMO_FTP_SESSION_H */
