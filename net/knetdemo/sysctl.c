// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: /proc/sys/net/knetdemo
 *
 * Every file is read and written by knd_sysctl_handler(). A written value is
 * decoded into a copy, then stored, and the service that it belongs to is asked
 * to follow it. If the service cannot, the old value is restored and the writer
 * gets the error.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <linux/time64.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "access.h"
#include "knetdemo.h"
#include "sock.h"
#include "sysctl.h"
#include "tcp_service.h"
#include "text.h"

/* A deferred start waits this long after the last change of a parameter */
#define KND_DEFER_DELAY	(2 * HZ)

/**
 * struct knd_sysctl - a file
 * @name: name of the file
 * @offset: offset of the member in &struct knd_config
 * @size: size of that member
 * @owner: the switch of the service that the file is a parameter of; if the
 *	file is a switch, that switch; KND_SWITCH_COUNT for other files
 * @is_switch: whether the file is the switch @owner
 * @min: smallest number
 * @max: largest number
 * @parse: decodes text without blanks around it into a copy of the member, or
 *	returns -EINVAL or another error; called with &knd_net.lock held
 * @show: prints the member into a buffer of KND_TEXT_LEN bytes
 * @apply: makes the service follow a changed value. It is called with
 *	&knd_net.lock held; on error the service runs as before. NULL where the
 *	service reads the member whenever it needs it.
 * @reap: for the switch of a service that can end by itself, else NULL: returns
 *	true once after it ended. Called with &knd_net.lock held.
 */
struct knd_sysctl {
	const char *name;
	size_t offset;
	size_t size;
	enum knd_switch owner;
	bool is_switch;
	u32 min;
	u32 max;
	int (*parse)(struct knd_net *kn, const struct knd_sysctl *ctl,
		     const char *text, void *value);
	void (*show)(const struct knd_sysctl *ctl, const void *value,
		     char *text);
	int (*apply)(struct knd_net *kn);
	bool (*reap)(struct knd_net *kn);
};

static int knd_number_parse(struct knd_net *kn, const struct knd_sysctl *ctl,
			    const char *text, void *value)
{
	return knd_text_number(text, 0, ctl->min, ctl->max, value);
}

static void knd_number_show(const struct knd_sysctl *ctl, const void *value,
			    char *text)
{
	snprintf(text, KND_TEXT_LEN, "%u", *(const u32 *)value);
}

/* A service is stored as a number and shown by its name */
static int knd_service_parse(struct knd_net *kn, const struct knd_sysctl *ctl,
			     const char *text, void *value)
{
	int i = knd_service_find(text);

	if (i < 0)
		return i;
	*(int *)value = i;
	return 0;
}

static void knd_service_show(const struct knd_sysctl *ctl, const void *value,
			     char *text)
{
	strscpy(text, knd_services[*(const int *)value]->name, KND_TEXT_LEN);
}

/* Pad with zeros, as knd_sysctl_set() compares whole members */
static int knd_text_parse(struct knd_net *kn, const struct knd_sysctl *ctl,
			  const char *text, void *value)
{
	if (strlen(text) >= ctl->size)
		return -EINVAL;
	strscpy_pad(value, text, ctl->size);
	return 0;
}

static void knd_text_show(const struct knd_sysctl *ctl, const void *value,
			  char *text)
{
	strscpy(text, value, KND_TEXT_LEN);
}

static int knd_addr_text_parse(struct knd_net *kn, const struct knd_sysctl *ctl,
			       const char *text, void *value)
{
	struct sockaddr_storage addr;
	int err;

	err = knd_addr_parse(kn->net, text, 0, &addr);
	return err ?: knd_text_parse(kn, ctl, text, value);
}

/* An empty text stands for an address that the stack chooses */
static int knd_addr_or_none_parse(struct knd_net *kn,
				  const struct knd_sysctl *ctl,
				  const char *text, void *value)
{
	return *text ? knd_addr_text_parse(kn, ctl, text, value) :
		       knd_text_parse(kn, ctl, text, value);
}

/* The device may not exist yet: the service looks it up when it starts */
static int knd_dev_or_none_parse(struct knd_net *kn,
				 const struct knd_sysctl *ctl,
				 const char *text, void *value)
{
	if (*text && !dev_valid_name(text))
		return -EINVAL;
	return knd_text_parse(kn, ctl, text, value);
}

#define KND_SYSCTL(_name, _owner, _parse, _show, _apply, ...) {		\
	.name	= #_name,						\
	.offset	= offsetof(struct knd_config, _name),			\
	.size	= sizeof_field(struct knd_config, _name),		\
	.owner	= KND_SWITCH_##_owner,					\
	.parse	= _parse,						\
	.show	= _show,						\
	.apply	= _apply,						\
	__VA_ARGS__							\
}

#define KND_NUMBER(_name, _owner, _min, _max, _apply)			\
	KND_SYSCTL(_name, _owner, knd_number_parse, knd_number_show,	\
		   _apply, .min = _min, .max = _max)

#define KND_SWITCH(_name, _owner, _apply, _reap)			\
	KND_SYSCTL(_name, _owner, knd_number_parse, knd_number_show,	\
		   _apply, .max = KND_SWITCH_DEFERRED,			\
		   .is_switch = true, .reap = _reap)

#define KND_TEXT(_name, _owner, _parse, _apply)				\
	KND_SYSCTL(_name, _owner, _parse, knd_text_show, _apply)

static const struct knd_sysctl knd_sysctls[] = {
	KND_NUMBER(monitor, NONE, 0, 1, knd_monitor_apply),
	KND_NUMBER(monitor_log, NONE, 0, 1, NULL),
	KND_NUMBER(monitor_ring, NONE, 16, 65536, knd_monitor_apply),
	KND_SWITCH(tcp, TCP, knd_tcp_apply, NULL),
	KND_TEXT(tcp_addr, TCP, knd_addr_text_parse, knd_tcp_apply),
	KND_NUMBER(tcp_port, TCP, 1, 65535, knd_tcp_apply),
	KND_SYSCTL(tcp_service, TCP, knd_service_parse, knd_service_show,
		   knd_tcp_apply),
	KND_NUMBER(tcp_backlog, TCP, 1, 65535, knd_tcp_apply),
	KND_NUMBER(tcp_max_conns, TCP, 1, 131072, NULL),
	KND_NUMBER(tcp_max_conns_per_source, TCP, 0, 131072, NULL),
	KND_NUMBER(tcp_log, NONE, 0, 1, NULL),
	KND_NUMBER(tcp_idle_ms, TCP, 0, INT_MAX, knd_tcp_apply),
	KND_SWITCH(udp, UDP, knd_udp_apply, knd_udp_reap),
	KND_TEXT(udp_daddr, UDP, knd_addr_text_parse, knd_udp_apply),
	KND_NUMBER(udp_dport, UDP, 1, 65535, knd_udp_apply),
	KND_TEXT(udp_saddr, UDP, knd_addr_or_none_parse, knd_udp_apply),
	KND_NUMBER(udp_sport, UDP, 0, 65535, knd_udp_apply),
	KND_TEXT(udp_message, UDP, knd_text_parse, knd_udp_apply),
	KND_NUMBER(udp_size, UDP, 0, 65507, knd_udp_apply),
	KND_NUMBER(udp_count, UDP, 0, INT_MAX, knd_udp_apply),
	KND_NUMBER(udp_interval_us, UDP, 0, INT_MAX, knd_udp_apply),
	KND_NUMBER(udp_rate_pps, UDP, 0, NSEC_PER_SEC, knd_udp_apply),
	KND_NUMBER(udp_linger_ms, UDP, 0, 60000, NULL),
	KND_NUMBER(udp_gso, UDP, 1, 128, knd_udp_apply),
	KND_NUMBER(udp_stamp, UDP, 0, 1, knd_udp_apply),
	KND_TEXT(udp_dev, UDP, knd_dev_or_none_parse, knd_udp_apply),
	KND_NUMBER(udp_ttl, UDP, 0, 255, knd_udp_apply),
	KND_NUMBER(udp_tos, UDP, 0, 255, knd_udp_apply),
	KND_NUMBER(udp_mark, UDP, 0, U32_MAX, knd_udp_apply),
	KND_NUMBER(udp_df, UDP, 0, KND_UDP_DF_MAX, knd_udp_apply),
	KND_NUMBER(ftp_timeout_ms, NONE, 100, 600000, NULL),
};

static const struct knd_config knd_config_defaults = {
	.monitor_log		= 1,
	.monitor_ring		= 256,
	.tcp_addr		= "127.0.0.1",
	.tcp_port		= 60000,
	.tcp_backlog		= 128,
	.tcp_max_conns		= 1024,
	.tcp_max_conns_per_source = 256,
	.tcp_log		= 1,
	.tcp_idle_ms		= 60000,
	.udp_daddr		= "127.0.0.1",
	.udp_dport		= 60001,
	.udp_message		= "kernelsocket",
	.udp_count		= 1,
	.udp_interval_us	= 1000000,
	.udp_linger_ms		= 200,
	.udp_gso		= 1,
	.ftp_timeout_ms		= 30000,
};

static void knd_sysctl_copy(const struct knd_sysctl *ctl, void *member,
			    const void *value)
{
	/* Services read numbers without a lock */
	if (ctl->size == sizeof(int))
		WRITE_ONCE(*(int *)member, *(const int *)value);
	else
		memcpy(member, value, ctl->size);
}

/*
 * Switch off the services that ended by themselves. This comes before a switch
 * is read, and before a service is asked to follow any sysctl: with its switch
 * still on, the service would start again.
 */
static void knd_sysctl_reap(struct knd_net *kn)
{
	int i;

	lockdep_assert_held(&kn->lock);
	for (i = 0; i < KND_SWITCH_COUNT; i++) {
		const struct knd_sysctl *ctl = kn->deferred[i].ctl;
		int *member = (void *)&kn->cfg + ctl->offset;

		if (ctl->reap && ctl->reap(kn))
			WRITE_ONCE(*member, 0);
	}
}

/* Store a value and make its service follow it. On error both are as before. */
static int knd_sysctl_set(struct knd_net *kn, const struct knd_sysctl *ctl,
			  const void *value)
{
	void *member = (void *)&kn->cfg + ctl->offset;
	char old[KND_TEXT_LEN] __aligned(sizeof(int));
	int err;

	lockdep_assert_held(&kn->lock);
	memcpy(old, member, ctl->size);
	if (!memcmp(value, old, ctl->size))
		return 0;
	knd_sysctl_copy(ctl, member, value);
	err = ctl->apply ? ctl->apply(kn) : 0;
	if (err)
		knd_sysctl_copy(ctl, member, old);
	return err;
}

static void knd_deferred_cancel(struct knd_deferred *deferred)
{
	if (deferred->cred)
		put_cred(deferred->cred);
	deferred->cred = NULL;
}

static void knd_deferred_work(struct work_struct *work)
{
	struct knd_deferred *deferred =
		container_of(to_delayed_work(work), struct knd_deferred, work);
	const struct knd_sysctl *ctl = deferred->ctl;
	struct knd_net *kn = deferred->kn;
	const struct cred *old;
	const int on = 1;
	int err;

	mutex_lock(&kn->lock);
	if (!deferred->cred)
		goto unlock;
	if (time_before(jiffies, deferred->start_at)) {
		schedule_delayed_work(&deferred->work,
				      deferred->start_at - jiffies);
		goto unlock;
	}

	knd_sysctl_reap(kn);
	/* Binding to a low port needs the capabilities of the writer */
	old = override_creds(deferred->cred);
	err = knd_sysctl_set(kn, ctl, &on);
	revert_creds(old);
	knd_deferred_cancel(deferred);
	if (err && knd_may_log(kn))
		pr_warn("%s could not be started: error %d\n", ctl->name,
			err);
unlock:
	mutex_unlock(&kn->lock);
}

/*
 * A file of settings can have the switch before its parameters, as the output
 * of "sysctl -a" has. So a switch reads as KND_SWITCH_DEFERRED while its
 * service is on, and this value starts the service after its parameters are
 * written.
 */
static int knd_switch_set(struct knd_net *kn, const struct knd_sysctl *ctl,
			  int value)
{
	struct knd_deferred *deferred = &kn->deferred[ctl->owner];
	int *member = (void *)&kn->cfg + ctl->offset;
	int err;

	if (value == KND_SWITCH_DEFERRED) {
		/* A service that is on follows its parameters already */
		if (READ_ONCE(*member) || deferred->cred)
			return 0;
		deferred->cred = get_current_cred();
		deferred->start_at = jiffies + KND_DEFER_DELAY;
		schedule_delayed_work(&deferred->work, KND_DEFER_DELAY);
		return 0;
	}
	err = knd_sysctl_set(kn, ctl, &value);
	if (!err)
		knd_deferred_cancel(deferred);
	return err;
}

static int knd_sysctl_store(struct knd_net *kn, const struct knd_sysctl *ctl,
			    const char *text)
{
	char value[KND_TEXT_LEN] __aligned(sizeof(int));
	int err;

	knd_sysctl_reap(kn);
	err = ctl->parse(kn, ctl, text, value);
	if (err)
		return err;
	if (ctl->is_switch)
		return knd_switch_set(kn, ctl, *(int *)value);
	err = knd_sysctl_set(kn, ctl, value);
	if (!err && ctl->owner != KND_SWITCH_COUNT)
		kn->deferred[ctl->owner].start_at = jiffies + KND_DEFER_DELAY;
	return err;
}

static void knd_sysctl_show(struct knd_net *kn, const struct knd_sysctl *ctl,
			    char *text)
{
	const void *value = (void *)&kn->cfg + ctl->offset;
	int on;

	knd_sysctl_reap(kn);
	if (ctl->is_switch) {
		on = READ_ONCE(*(const int *)value) ||
		     kn->deferred[ctl->owner].cred ? KND_SWITCH_DEFERRED : 0;
		value = &on;
	}
	ctl->show(ctl, value, text);
}

/*
 * proc_dointvec() and proc_dostring() are not used for writing, since they
 * accept "0 junk" and the first of several lines.
 */
static int knd_sysctl_handler(const struct ctl_table *table, int write,
			      void *buffer, size_t *lenp, loff_t *ppos)
{
	const struct knd_sysctl *ctl = table->extra1;
	struct knd_net *kn = table->extra2;
	char text[KND_TEXT_LEN];
	struct ctl_table shown = { .data = text, .maxlen = sizeof(text) };
	int err;

	if (!write) {
		mutex_lock(&kn->lock);
		knd_sysctl_show(kn, ctl, text);
		mutex_unlock(&kn->lock);
		return proc_dostring(&shown, write, buffer, lenp, ppos);
	}

	/* The mode of the file lets root write, whatever its capabilities */
	if (!knd_may_configure(kn, NULL))
		return -EPERM;
	if (!*lenp)
		return 0;
	err = knd_text_value(buffer, *lenp, text, sizeof(text));
	if (err)
		return err;
	if (*ppos) {
		/* The value was in an earlier write; a newline may follow */
		if (*text)
			return -EINVAL;
	} else {
		mutex_lock(&kn->lock);
		err = knd_sysctl_store(kn, ctl, text);
		mutex_unlock(&kn->lock);
		if (err)
			return err;
	}
	*ppos += *lenp;
	return 0;
}

/**
 * knd_sysctl_init - set the sysctls to their defaults and register them
 * @kn: the component in a namespace that is being set up
 *
 * In a namespace where nobody may configure anything they are read-only.
 *
 * Context: process.
 * Return: 0 or -ENOMEM; then nothing is registered.
 */
int __net_init knd_sysctl_init(struct knd_net *kn)
{
	umode_t mode = knd_may_configure_anyone(kn) ? 0644 : 0444;
	struct ctl_table *table;
	size_t i;

	kn->cfg = knd_config_defaults;
	for (i = 0; i < ARRAY_SIZE(knd_sysctls); i++) {
		const struct knd_sysctl *ctl = &knd_sysctls[i];

		if (!ctl->is_switch)
			continue;
		kn->deferred[ctl->owner].kn = kn;
		kn->deferred[ctl->owner].ctl = ctl;
		INIT_DELAYED_WORK(&kn->deferred[ctl->owner].work,
				  knd_deferred_work);
	}

	table = kzalloc_objs(*table, ARRAY_SIZE(knd_sysctls), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(knd_sysctls); i++) {
		table[i].procname = knd_sysctls[i].name;
		table[i].data = (void *)&kn->cfg + knd_sysctls[i].offset;
		table[i].maxlen = knd_sysctls[i].size;
		table[i].mode = mode;
		table[i].proc_handler = knd_sysctl_handler;
		table[i].extra1 = (void *)&knd_sysctls[i];
		table[i].extra2 = kn;
	}
	kn->sysctl = register_net_sysctl_sz(kn->net, "net/knetdemo", table,
					    ARRAY_SIZE(knd_sysctls));
	if (!kn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

/**
 * knd_sysctl_exit - remove the sysctls, and cancel starts that are deferred
 * @kn: the component in a namespace
 *
 * When this returns no service can be started any more.
 *
 * Context: process, without &knd_net.lock: this waits for readers, writers and
 * work items, which take it.
 */
void __net_exit knd_sysctl_exit(struct knd_net *kn)
{
	const struct ctl_table *table = kn->sysctl->ctl_table_arg;
	int i;

	unregister_net_sysctl_table(kn->sysctl);
	kfree(table);
	for (i = 0; i < KND_SWITCH_COUNT; i++) {
		cancel_delayed_work_sync(&kn->deferred[i].work);
		knd_deferred_cancel(&kn->deferred[i]);
	}
}
