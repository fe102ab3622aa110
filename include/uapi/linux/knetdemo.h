/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Kernel networking demonstration and test services: /dev/knetdemo
 *
 * The device works on the network namespace in which it was opened.
 */

#ifndef _UAPI_LINUX_KNETDEMO_H
#define _UAPI_LINUX_KNETDEMO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KNETDEMO_IOC_MAGIC	0xDE

/*
 * Show only connections to this IPv4 address (network byte order). INADDR_ANY
 * shows all again. All rules that were there before are removed.
 */
#define KNETDEMO_IOC_FILTER_ADDRESS	_IOW(KNETDEMO_IOC_MAGIC, 0x01, __be32)

#define KNETDEMO_UDP_MAGIC	0x6b6e6475	/* "kndu" */

/*
 * The first bytes of each datagram if udp_stamp is 1, in network byte order.
 * The datagrams of a run are numbered 0, 1, 2, ... Those that the stack refused
 * have numbers, too, so that a receiver sees them as lost.
 */
struct knetdemo_udp_stamp {
	__be32 magic;	/* KNETDEMO_UDP_MAGIC */
	__be32 run;	/* number of the run in its network namespace */
	__be64 seq;	/* number of the datagram in the run */
	__be64 tx_ns;	/* CLOCK_REALTIME just before the send, in ns */
};

/* struct knetdemo_ftp_get.flags */
#define KNETDEMO_FTP_ACTIVE	(1U << 0)	/* EPRT/PORT, not EPSV/PASV */
#define KNETDEMO_FTP_SIZE	(1U << 1)	/* ask for the size, check it */
#define KNETDEMO_FTP_PASV	(1U << 2)	/* IPv4: PASV, never EPSV; with
						 * ACTIVE: PORT, never EPRT
						 */
#define KNETDEMO_FTP_MDTM	(1U << 3)	/* ask when it was modified */
#define KNETDEMO_FTP_FLAGS	(KNETDEMO_FTP_ACTIVE | KNETDEMO_FTP_SIZE | \
				 KNETDEMO_FTP_PASV | KNETDEMO_FTP_MDTM)

/* The longest user name and password, without their NUL */
#define KNETDEMO_FTP_NAME_LEN	255
#define KNETDEMO_FTP_TEXT_LEN	256
#define KNETDEMO_FTP_SIZE_UNKNOWN	(~(__u64)0)
/* The name of a network device and its NUL */
#define KNETDEMO_FTP_DEVICE_LEN	16

/* How far a transfer came: the stage in which it failed, or DONE */
enum knetdemo_ftp_stage {
	KNETDEMO_FTP_STAGE_NONE,	/* nothing was sent yet */
	KNETDEMO_FTP_STAGE_CONNECT,	/* the control connection */
	KNETDEMO_FTP_STAGE_GREETING,	/* the server's first reply */
	KNETDEMO_FTP_STAGE_USER,
	KNETDEMO_FTP_STAGE_PASS,
	KNETDEMO_FTP_STAGE_TYPE,
	KNETDEMO_FTP_STAGE_SIZE,
	KNETDEMO_FTP_STAGE_REST,
	KNETDEMO_FTP_STAGE_PORT,	/* EPSV, PASV, EPRT, PORT */
	KNETDEMO_FTP_STAGE_RETR,	/* the reply that announces the data */
	KNETDEMO_FTP_STAGE_OPEN,	/* the data connection */
	KNETDEMO_FTP_STAGE_DATA,	/* receiving over it */
	KNETDEMO_FTP_STAGE_WRITE,	/* writing to the caller's file */
	KNETDEMO_FTP_STAGE_COMPLETE,	/* the reply that confirms the data */
	KNETDEMO_FTP_STAGE_QUIT,	/* cannot fail */
	KNETDEMO_FTP_STAGE_DONE,
	KNETDEMO_FTP_STAGE_MDTM		/* between SIZE and PORT */
};

/* What failed in a transfer that failed */
enum knetdemo_ftp_failed {
	KNETDEMO_FTP_FAILED_NONE,	/* nothing, or none of these */
	KNETDEMO_FTP_FAILED_CONTROL,	/* the control connection */
	KNETDEMO_FTP_FAILED_DATA,	/* the data connection */
	KNETDEMO_FTP_FAILED_REPLY,	/* the server refused */
	KNETDEMO_FTP_FAILED_FILE	/* the caller's file */
};

/**
 * struct knetdemo_ftp_get - retrieve one file from an FTP server
 * @size: of this structure, in the version that the caller was built with
 * @flags: KNETDEMO_FTP_*
 * @server: pointer to a struct sockaddr_in or sockaddr_in6 with a port
 * @source: the same for the local address, whose port may be 0; or NULL
 * @user: pointer to a string of 1 to KNETDEMO_FTP_NAME_LEN bytes
 * @password: pointer to a string of 0 to KNETDEMO_FTP_NAME_LEN bytes
 * @path: pointer to a string of 1 to 4095 bytes
 * @server_len: bytes at @server
 * @source_len: bytes at @source; 0 if that is NULL
 * @fd: a regular file open for writing, without O_APPEND and O_DIRECT
 * @timeout_ms: limit of each stage, 100 to 600000; 0 stands for the sysctl
 *	ftp_timeout_ms
 * @offset: where to begin in both files, in bytes
 * @bytes: out: how many bytes were written to the file
 * @remote_size: out: the answer to SIZE, or KNETDEMO_FTP_SIZE_UNKNOWN
 * @stage: out: enum knetdemo_ftp_stage
 * @code: out: of the last reply, or 0
 * @text: out: of the last reply, printable characters only
 * @device: network device that both connections are bound to, as by
 *	SO_BINDTODEVICE and with the same privileges; or an empty string
 * @mtime_max: with KNETDEMO_FTP_MDTM: where the server says that the file was
 *	modified later than this, in seconds since 1970 in UTC, nothing is
 *	retrieved and the error is ESTALE; 0 is no limit
 * @mtime: out: when the server says that the file was modified, in seconds
 *	since 1970 in UTC; 0 where it is not known
 * @good: out: how many of @bytes are part of the file. Where this is less than
 *	@bytes, cut the file at @offset + @good. A server that ignores REST is
 *	noticed by the number of bytes only, so with KNETDEMO_FTP_SIZE and not
 *	before its whole file has arrived.
 * @id: out: number of the transfer in /proc/net/knetdemo/ftp. Written as soon
 *	as the transfer has begun, so that another thread can read it.
 * @failed: out: enum knetdemo_ftp_failed
 *
 * No string may have a control character. The members marked "out" are written
 * whether the transfer succeeds or fails. If the request itself is refused,
 * none of them is written.
 */
struct knetdemo_ftp_get {
	__u32 size;
	__u32 flags;
	__aligned_u64 server;
	__aligned_u64 source;
	__aligned_u64 user;
	__aligned_u64 password;
	__aligned_u64 path;
	__u32 server_len;
	__u32 source_len;
	__s32 fd;
	__u32 timeout_ms;
	__aligned_u64 offset;
	__aligned_u64 bytes;
	__aligned_u64 remote_size;
	__u32 stage;
	__u32 code;
	char text[KNETDEMO_FTP_TEXT_LEN];
	char device[KNETDEMO_FTP_DEVICE_LEN];
	__aligned_u64 mtime_max;
	__aligned_u64 mtime;
	__aligned_u64 good;
	__u32 id;
	__u32 failed;
};

/* sizeof(struct knetdemo_ftp_get) when it was first published: up to @text */
#define KNETDEMO_FTP_GET_SIZE_VER0	352
/* The same with the members @device to @failed */
#define KNETDEMO_FTP_GET_SIZE_VER1	400

/*
 * Blocks until the file is complete, an error occurs or a signal arrives. The
 * member "size" has the version, and the size in the command is ignored.
 *
 * Only a signal with a handler, or one that kills, ends the transfer (EINTR).
 * If the task is stopped, frozen or traced, the open file of the device keeps
 * the transfer. The kernel then restarts the system call, which continues it.
 */
#define KNETDEMO_IOC_FTP_GET	_IOWR(KNETDEMO_IOC_MAGIC, 0x02, \
				      struct knetdemo_ftp_get)

#endif /* _UAPI_LINUX_KNETDEMO_H */
