/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the FTP client
 */

#ifndef _NET_KNETDEMO_FTP_CLIENT_H
#define _NET_KNETDEMO_FTP_CLIENT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct knetdemo_ftp_get;
struct knd_ftp_xfer;
struct knd_net;
struct seq_file;

/*
 * The stages, as enum knetdemo_ftp_stage numbers them, and their names in the
 * file "ftp" and in the tracepoint. The names are ABI, and documented in
 * Documentation/networking/knetdemo.rst.
 */
#define KND_FTP_STAGES(EM, EMe)					\
	EM(KNETDEMO_FTP_STAGE_NONE,	"none")			\
	EM(KNETDEMO_FTP_STAGE_CONNECT,	"connect")		\
	EM(KNETDEMO_FTP_STAGE_GREETING,	"greeting")		\
	EM(KNETDEMO_FTP_STAGE_USER,	"user")			\
	EM(KNETDEMO_FTP_STAGE_PASS,	"pass")			\
	EM(KNETDEMO_FTP_STAGE_TYPE,	"type")			\
	EM(KNETDEMO_FTP_STAGE_SIZE,	"size")			\
	EM(KNETDEMO_FTP_STAGE_MDTM,	"mdtm")			\
	EM(KNETDEMO_FTP_STAGE_REST,	"rest")			\
	EM(KNETDEMO_FTP_STAGE_PORT,	"port")			\
	EM(KNETDEMO_FTP_STAGE_RETR,	"retr")			\
	EM(KNETDEMO_FTP_STAGE_OPEN,	"open")			\
	EM(KNETDEMO_FTP_STAGE_DATA,	"data")			\
	EM(KNETDEMO_FTP_STAGE_WRITE,	"write")		\
	EM(KNETDEMO_FTP_STAGE_COMPLETE,	"complete")		\
	EM(KNETDEMO_FTP_STAGE_QUIT,	"quit")			\
	EMe(KNETDEMO_FTP_STAGE_DONE,	"done")

/**
 * struct knd_ftp - the FTP client in one network namespace
 * @lock: protects all members below, what the records have, and
 *	&knd_ftp_xfer.sock of the transfers
 * @records: &knd_ftp_record.list of the transfers that run and of the last ones
 *	that ran
 * @nr_done: how many of @records are of transfers that have ended
 * @last_id: number of the transfer that started last
 */
struct knd_ftp {
	spinlock_t lock;	/* see above */
	struct list_head records;
	unsigned int nr_done;
	u32 last_id;
};

/* For the device */
struct knd_ftp_xfer *knd_ftp_prepare(const struct knetdemo_ftp_get *req);
int knd_ftp_attach(struct knd_net *kn, struct knd_ftp_xfer *xfer);
int knd_ftp_run(struct knd_ftp_xfer *xfer);
void knd_ftp_result(const struct knd_ftp_xfer *xfer,
		    struct knetdemo_ftp_get *req);
void knd_ftp_park(struct knd_ftp_xfer *xfer, unsigned long arg,
		  const struct knetdemo_ftp_get *req);
bool knd_ftp_is_mine(const struct knd_ftp_xfer *xfer);
bool knd_ftp_is_orphan(const struct knd_ftp_xfer *xfer);
bool knd_ftp_unpark(struct knd_ftp_xfer *xfer, unsigned long arg,
		    const struct knetdemo_ftp_get *req);
void knd_ftp_cancel(struct knd_ftp_xfer *xfer);
u32 knd_ftp_id(const struct knd_ftp_xfer *xfer);
void knd_ftp_free(struct knd_ftp_xfer *xfer);

/* For the session */
void knd_ftp_note(struct knd_ftp_xfer *xfer, unsigned int stage, int err);
void knd_ftp_note_bytes(struct knd_ftp_xfer *xfer, u64 more);

/* For the file in procfs */
int knd_ftp_show(struct seq_file *seq, void *v);

/* For the namespace */
void knd_ftp_init(struct knd_net *kn);
void knd_ftp_pre_exit(struct knd_net *kn);
void knd_ftp_exit(struct knd_net *kn);

#endif /* _NET_KNETDEMO_FTP_CLIENT_H */
