/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: tracepoints
 *
 * Each has the netns cookie (SO_NETNS_COOKIE) of its network namespace.
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM knetdemo

#if !defined(_NET_KNETDEMO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NET_KNETDEMO_TRACE_H

#include <linux/in6.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>
#include <uapi/linux/knetdemo.h>

#include "knetdemo.h"
#include "monitor_ring.h"
#include "sock.h"
#include "tcp_fsm.h"
#include "tcp_service.h"

/* Lists of enumerators and their names: EM() for each but the last, EMe() */
#define knd_trace_enum(value, name)	TRACE_DEFINE_ENUM(value);
#define knd_trace_name(value, name)	{ value, name },
#define knd_trace_name_end(value, name)	{ value, name }

KND_FTP_STAGES(knd_trace_enum, knd_trace_enum)

/* An FTP transfer entered a stage, or failed in it with err */
TRACE_EVENT(knetdemo_ftp_stage,
	TP_PROTO(const struct net *net, u32 id, unsigned int stage,
		 unsigned int code, u64 bytes, int err),
	TP_ARGS(net, id, stage, code, bytes, err),

	TP_STRUCT__entry(
		__field(u64, netns_cookie)
		__field(u64, bytes)
		__field(u32, id)
		__field(u32, stage)
		__field(u32, code)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->netns_cookie = net->net_cookie;
		__entry->bytes = bytes;
		__entry->id = id;
		__entry->stage = stage;
		__entry->code = code;
		__entry->err = err;
	),

	TP_printk("netns=%llu id=%u stage=%s reply=%u bytes=%llu err=%d",
		  __entry->netns_cookie, __entry->id,
		  __print_symbolic(__entry->stage,
				   KND_FTP_STAGES(knd_trace_name,
						  knd_trace_name_end)),
		  __entry->code, __entry->bytes, __entry->err)
);

/* The UDP emitter sent segs datagrams in one call, or failed with err */
TRACE_EVENT(knetdemo_udp_send,
	TP_PROTO(const struct net *net, const struct sockaddr_storage *daddr,
		 u32 run, u64 seq, unsigned int segs, unsigned int size,
		 int err),
	TP_ARGS(net, daddr, run, seq, segs, size, err),

	TP_STRUCT__entry(
		__field(u64, netns_cookie)
		__field(u64, seq)
		__field(u32, run)
		__field(unsigned int, segs)
		__field(unsigned int, size)
		__field(int, err)
		__array(u8, daddr, sizeof(struct sockaddr_in6))
	),

	TP_fast_assign(
		__entry->netns_cookie = net->net_cookie;
		__entry->seq = seq;
		__entry->run = run;
		__entry->segs = segs;
		__entry->size = size;
		__entry->err = err;
		memcpy(__entry->daddr, daddr, sizeof(struct sockaddr_in6));
	),

	TP_printk("netns=%llu run=%u seq=%llu daddr=%pISpc segs=%u size=%u err=%d",
		  __entry->netns_cookie, __entry->run, __entry->seq,
		  __entry->daddr, __entry->segs, __entry->size, __entry->err)
);

KND_ORIGINS(knd_trace_enum, knd_trace_enum)

/* A connection attempt was recorded; with all members of its record */
TRACE_EVENT(knetdemo_connect,
	TP_PROTO(const struct net *net, const struct knd_record *rec),
	TP_ARGS(net, rec),

	TP_STRUCT__entry(
		__field(u64, netns_cookie)
		__field(u64, seq)
		__field(u64, time)
		__field(u32, uid)
		__field(pid_t, pid)
		__field(u32, mark)
		__field(u32, rule)
		__field(u16, data)
		__field(u16, flags)
		__field(u8, origin)
		__array(u8, saddr, sizeof(struct sockaddr_in6))
		__array(u8, daddr, sizeof(struct sockaddr_in6))
		__array(char, comm, TASK_COMM_LEN)
		__array(char, dev, IFNAMSIZ)
	),

	TP_fast_assign(
		__entry->netns_cookie = net->net_cookie;
		__entry->seq = rec->seq;
		__entry->time = rec->time;
		__entry->uid = from_kuid(&init_user_ns, rec->uid);
		__entry->pid = rec->pid;
		__entry->mark = rec->mark;
		__entry->rule = rec->rule;
		__entry->data = rec->flow.data;
		__entry->flags = rec->flow.flags;
		__entry->origin = rec->origin;
		knd_flow_sockaddrs(&rec->flow, (void *)__entry->saddr,
				   (void *)__entry->daddr);
		memcpy(__entry->comm, rec->comm, TASK_COMM_LEN);
		memcpy(__entry->dev, rec->dev, IFNAMSIZ);
	),

	TP_printk("netns=%llu seq=%llu time=%llu src=%pISpc dst=%pISpc origin=%s uid=%u pid=%d comm=%s dev=%s mark=0x%x flags=0x%x data=%u rule=%u",
		  __entry->netns_cookie, __entry->seq, __entry->time,
		  __entry->saddr, __entry->daddr,
		  __print_symbolic(__entry->origin,
				   KND_ORIGINS(knd_trace_name,
					       knd_trace_name_end)),
		  __entry->uid, __entry->pid, __entry->comm, __entry->dev,
		  __entry->mark, __entry->flags, __entry->data, __entry->rule)
);

#define knd_trace_service(value, name)		{ value, #name },
#define knd_trace_service_end(value, name)	{ value, #name }

KND_SERVICES(knd_trace_enum, knd_trace_enum)
KND_CLOSE_REASONS(knd_trace_enum, knd_trace_enum)

/* A connection of the TCP service was taken into service */
TRACE_EVENT(knetdemo_accept,
	TP_PROTO(const struct net *net, u32 id, int service,
		 const union knd_sockaddr *local,
		 const union knd_sockaddr *peer),

	TP_ARGS(net, id, service, local, peer),

	TP_STRUCT__entry(
		__field(u64, netns_cookie)
		__field(u32, id)
		__field(u32, scope)
		__field(int, service)
		__array(u8, local, sizeof(union knd_sockaddr))
		__array(u8, peer, sizeof(union knd_sockaddr))
	),

	TP_fast_assign(
		__entry->netns_cookie = net->net_cookie;
		__entry->id = id;
		__entry->scope = peer->sa.sa_family == AF_INET6 ?
				 peer->in6.sin6_scope_id : 0;
		__entry->service = service;
		memcpy(__entry->local, local, sizeof(*local));
		memcpy(__entry->peer, peer, sizeof(*peer));
	),

	TP_printk("netns=%llu id=%u service=%s local=%pISpc peer=%pISpc scope=%u",
		  __entry->netns_cookie, __entry->id,
		  __print_symbolic(__entry->service,
				   KND_SERVICES(knd_trace_service,
						knd_trace_service_end)),
		  __entry->local, __entry->peer, __entry->scope)
);

/* A connection was released, for a reason and after a number of bytes */
TRACE_EVENT(knetdemo_close,
	TP_PROTO(const struct net *net, u32 id, int service, int why,
		 const union knd_sockaddr *local,
		 const union knd_sockaddr *peer, u64 in, u64 out),

	TP_ARGS(net, id, service, why, local, peer, in, out),

	TP_STRUCT__entry(
		__field(u64, netns_cookie)
		__field(u32, id)
		__field(u32, scope)
		__field(int, service)
		__field(int, why)
		__field(u64, in)
		__field(u64, out)
		__array(u8, local, sizeof(union knd_sockaddr))
		__array(u8, peer, sizeof(union knd_sockaddr))
	),

	TP_fast_assign(
		__entry->netns_cookie = net->net_cookie;
		__entry->id = id;
		__entry->scope = peer->sa.sa_family == AF_INET6 ?
				 peer->in6.sin6_scope_id : 0;
		__entry->service = service;
		__entry->why = why;
		__entry->in = in;
		__entry->out = out;
		memcpy(__entry->local, local, sizeof(*local));
		memcpy(__entry->peer, peer, sizeof(*peer));
	),

	TP_printk("netns=%llu id=%u service=%s local=%pISpc peer=%pISpc reason=%s in=%llu out=%llu scope=%u",
		  __entry->netns_cookie, __entry->id,
		  __print_symbolic(__entry->service,
				   KND_SERVICES(knd_trace_service,
						knd_trace_service_end)),
		  __entry->local, __entry->peer, __print_symbolic(__entry->why,
				   KND_CLOSE_REASONS(knd_trace_name,
						     knd_trace_name_end)),
		  __entry->in, __entry->out, __entry->scope)
);

#endif /* _NET_KNETDEMO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
