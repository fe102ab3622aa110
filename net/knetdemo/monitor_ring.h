/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the latest attempts
 */

#ifndef _NET_KNETDEMO_MONITOR_RING_H
#define _NET_KNETDEMO_MONITOR_RING_H

#include <linux/atomic.h>
#include <linux/if.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "monitor_parse.h"

/*
 * Whose socket made a connection attempt, with the names in "connections" and
 * in the tracepoint
 *
 * USER: a TCP, MPTCP or SMC socket of a program
 * KERNEL: a TCP socket of the kernel
 * RAW: a raw or packet socket
 */
#define KND_ORIGINS(EM, EMe)			\
	EM(KND_ORIGIN_USER,	"user")		\
	EM(KND_ORIGIN_KERNEL,	"kernel")	\
	EMe(KND_ORIGIN_RAW,	"raw")

#define KND_ORIGIN_ENUM(origin, name)	origin,
enum knd_origin { KND_ORIGINS(KND_ORIGIN_ENUM, KND_ORIGIN_ENUM) };

/* Levels of pid namespaces below the initial one that a record can show */
#define KND_PID_LEVELS	3

/**
 * struct knd_pid - number of a process in a pid namespace
 * @ns: inode number of the namespace; 0 where the process is in none at this
 *	level
 * @nr: number of the process there
 *
 * A record outlives process and namespace, so it cannot have pointers to them.
 */
struct knd_pid {
	u32 ns;
	pid_t nr;
};

/**
 * struct knd_record - a connection attempt
 * @seq: sequence number of the attempt in its network namespace, from 1
 * @time: CLOCK_REALTIME, in nanoseconds
 * @flow: the first SYN, but with the destination that the socket connects to
 * @uid: owner of the socket
 * @pid: number of the process that connects, in the initial pid namespace; 0
 *	where the SYN was not sent in its context
 * @pids: numbers of the same process in the pid namespaces below, the outermost
 *	first
 * @mark: mark of the packet
 * @rule: ID of the rule that matched, 0 without rules
 * @origin: enum knd_origin
 * @comm: name of the thread that connects, where @pid is not 0
 * @dev: output device of the socket's route, before netfilter chooses another
 *	one
 */
struct knd_record {
	u64 seq;
	u64 time;
	struct knd_flow flow;
	kuid_t uid;
	pid_t pid;
	struct knd_pid pids[KND_PID_LEVELS];
	u32 mark;
	u32 rule;
	u8 origin;
	char comm[TASK_COMM_LEN];
	char dev[IFNAMSIZ];
};

/* States of a slot, see monitor_ring.c */
#define KND_SLOT_DONE	0
#define KND_SLOT_BUSY	1
#define KND_SLOT_SPOILT	2
#define KND_SLOT_DEAD	3

/**
 * struct knd_slot - space for one record
 * @state: see knd_slot_state(); 0 before the first record
 * @rec: the record
 */
struct knd_slot {
	atomic64_t state;
	struct knd_record rec;
};

/**
 * struct knd_ring - the latest records
 * @size: how many records can be read
 * @mask: number of slots minus 1; that number is a power of two and at least
 *	@size
 * @base: all writers up to this sequence number are done: if a record up to it
 *	is not in its slot, it is lost. Set when the records of another ring are
 *	copied to this one, else 0.
 * @slot: the slots; record N belongs into slot N & @mask
 */
struct knd_ring {
	u32 size;
	u32 mask;
	u64 base;
	struct knd_slot slot[];
};

/* State of a slot: a sequence number, and one of KND_SLOT_* in two bits */
static inline u64 knd_slot_state(u64 seq, unsigned int state)
{
	return seq << 2 | state;
}

struct knd_ring *knd_ring_alloc(u32 size);
void knd_ring_free(struct knd_ring *ring);
void knd_ring_put(struct knd_ring *ring, const struct knd_record *rec);
int knd_ring_get(struct knd_ring *ring, u64 seq, struct knd_record *rec);
void knd_ring_copy(struct knd_ring *to, struct knd_ring *from, u64 last);

#endif /* _NET_KNETDEMO_MONITOR_RING_H */
