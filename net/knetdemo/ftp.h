/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the FTP client
 */

#ifndef _NET_KNETDEMO_FTP_H
#define _NET_KNETDEMO_FTP_H

#include <linux/inet.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct knetdemo_ftp_get;
struct knd_ftp_xfer;
struct knd_net;
struct knd_pages;
struct net;
struct seq_file;
struct sockaddr_in;
struct sockaddr_storage;
struct socket;

/* What is kept of a line; long ones exist, their ends say nothing */
#define KND_FTP_LINE_LEN	1024
/* Limit of a reply: log-in messages fit, what never ends does not */
#define KND_FTP_REPLY_BYTES	SZ_1M
/* The argument of EPRT: an IPv6 address, five digits, four "|", "2", NUL */
#define KND_FTP_HOST_LEN	(INET6_ADDRSTRLEN + 10)

/**
 * struct knd_ftp_reply - reader of one reply
 * @code: 100 to 599 once the first line is complete
 * @lines: complete so far, but for empty ones
 * @bytes: so far
 * @len: of @line
 * @cut: the line is longer than @line
 * @cr: the last byte was a CR
 * @done: the reply is complete
 * @bad: this is no reply
 * @line: the line that is being read; when @done, the last line as a string;
 *	when @bad, the line where that was seen
 */
struct knd_ftp_reply {
	unsigned int code;
	unsigned int lines;
	unsigned int bytes;
	unsigned int len;
	bool cut;
	bool cr;
	bool done;
	bool bad;
	char line[KND_FTP_LINE_LEN + 1];
};

/**
 * struct knd_ftp - the FTP client in one network namespace
 * @lock: protects all that follows, and the sockets of transfers
 * @records: &struct knd_ftp_record: transfers that run and the last that ran
 * @past: how many of @records do not run
 * @last_id: number of the transfer that started last
 * @stopping: the namespace goes, no transfer starts any more
 */
struct knd_ftp {
	spinlock_t lock;	/* see above */
	struct list_head records;
	unsigned int past;
	u32 last_id;
	bool stopping;
};

/* ftp_client.c */
struct knd_ftp_xfer *knd_ftp_prepare(const struct knetdemo_ftp_get *req);
int knd_ftp_attach(struct knd_net *kn, struct knd_ftp_xfer *x);
int knd_ftp_run(struct knd_ftp_xfer *x);
void knd_ftp_result(const struct knd_ftp_xfer *x,
		    struct knetdemo_ftp_get *req);
void knd_ftp_park(struct knd_ftp_xfer *x, unsigned long arg,
		  const struct knetdemo_ftp_get *req);
bool knd_ftp_is_mine(const struct knd_ftp_xfer *x);
bool knd_ftp_is_orphan(const struct knd_ftp_xfer *x);
bool knd_ftp_unpark(struct knd_ftp_xfer *x, unsigned long arg,
		    const struct knetdemo_ftp_get *req);
void knd_ftp_cancel(struct knd_ftp_xfer *x);
u32 knd_ftp_id(const struct knd_ftp_xfer *x);
void knd_ftp_free(struct knd_ftp_xfer *x);
int knd_ftp_show(struct seq_file *seq, void *v);
void knd_ftp_init(struct knd_net *kn);
void knd_ftp_pre_exit(struct knd_net *kn);
void knd_ftp_exit(struct knd_net *kn);

/* ftp_proto.c */
void knd_ftp_reply_init(struct knd_ftp_reply *r);
int knd_ftp_reply_feed(struct knd_ftp_reply *r, const char *buf, size_t len);
const char *knd_ftp_reply_text(const struct knd_ftp_reply *r);
int knd_ftp_parse_227(const char *text);
int knd_ftp_parse_229(const char *text);
int knd_ftp_parse_213(const char *text, u64 *size);
int knd_ftp_parse_mdtm(const char *text, u64 *mtime);
bool knd_ftp_text_ok(const char *text);
int knd_ftp_command(char *buf, size_t size, const char *verb, const char *arg);
void knd_ftp_eprt(char *buf, size_t size, const struct sockaddr_storage *ss);
void knd_ftp_port(char *buf, size_t size, const struct sockaddr_in *in);

/* sock_stream.c */
int knd_stream_open(struct net *net, const struct sockaddr_storage *source,
		    const char *device, struct socket **res);
int knd_stream_connect(struct socket *sock,
		       const struct sockaddr_storage *addr);
void knd_stream_keepalive(struct socket *sock);
bool knd_stream_ready(const struct socket *sock);
int knd_stream_wait(const struct socket *sock, const struct socket *other,
		    bool out, unsigned long deadline, const bool *stop);
ssize_t knd_stream_collect(struct socket *sock, struct knd_pages *pages,
			   size_t max, loff_t pos);
bool knd_stream_finish(struct socket *sock, unsigned long deadline,
		       const bool *stop);
void knd_stream_abort(struct socket *sock);

#endif /* _NET_KNETDEMO_FTP_H */
